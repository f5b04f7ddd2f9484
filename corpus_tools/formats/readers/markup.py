"""The text of a subtitle cue: its lines without tags, drawings and notes."""

import re

_BLOCK = re.compile(r"(\{\\[^{}]*\})")  # override tags, as {\an8}
_COMMENT = re.compile(r"\{[^{}]*\}")
_DRAWING = re.compile(r"\\p(\d+)")
_TAG = re.compile(r"</?(?:i|b|u|s|c|v|font|span|lang|ruby|rt)\b[^<>]*>", re.IGNORECASE)
_NOTE = re.compile(r"[（(\[【『<＜][^（）()\[\]【】『』<>＜＞]*[）)\]】』>＞]")
_DASH = re.compile(r"(?:^|(?<=\s))[-–－](?![-–－])\s*(?=\S)")
_NEGATIVE = re.compile(r"[-–－]\d")
_BREAK = re.compile(r"\\[Nn]|\n")

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA = re.compile(r"[\u3040-\u30fa\u30fc-\u30ff]")

_STAFF = "翻译|听译|译者|校对|校订|精校|总校|时间轴|时间线|调轴|后期|压制|监制|总监|片源|特效|制作"
_CREDIT = re.compile(
    rf"字幕(?:组|制作|翻译|校对|调校|下载|站)|本字幕|^\s*(?:{_STAFF})\s*[:：]"
    r"|https?://|\bwww\.|\w\.(?:com|net|org|cn)\b",
    re.IGNORECASE | re.MULTILINE,
)


def lines_of(markup: str, *, is_ass: bool = False) -> list[str]:
    """Return the lines of a cue that hold words, without tags, drawings and notes in brackets."""
    pieces: list[str] = []
    drawing = False
    for piece in _BLOCK.split(markup):
        if _BLOCK.fullmatch(piece):
            for scale in _DRAWING.findall(piece):
                drawing = scale.strip("0") != ""
        elif not drawing:
            pieces.append(piece)
    text = "".join(pieces)
    text = _COMMENT.sub("", text) if is_ass else _TAG.sub("", text)
    lines = (line.strip() for line in _BREAK.split(text.replace(r"\h", " ")))
    return [line for line in lines if any(map(str.isalnum, _NOTE.sub("", line)))]


def is_credit(lines: list[str]) -> bool:
    """Tell whether a cue names those who made the subtitles, or where to get them."""
    return bool(_CREDIT.search("\n".join(lines)))


def is_bilingual(lines: list[str]) -> bool:
    """Tell whether a cue has lines in Chinese and lines in another language."""
    foreign = sum(map(_is_foreign, lines))
    return 0 < foreign < len(lines)


def chinese_lines(lines: list[str]) -> list[str]:
    """Return the lines that are not in another language."""
    return [line for line in lines if not _is_foreign(line)]


def turns_in(lines: list[str]) -> list[str]:
    """Return what each speaker says: two, where dashes lead what they say."""
    whole = "\n".join(lines)
    if not _DASH.match(whole):
        return [whole]
    parts = [part.strip() for part in _DASH.split(whole) if part.strip()]
    is_number = len(parts) == 1 and bool(_NEGATIVE.match(whole))
    return [whole] if is_number else parts


def _is_foreign(line: str) -> bool:
    if _KANA.search(line):
        return True
    return not _HAN.search(line) and any(map(str.isalpha, line))
