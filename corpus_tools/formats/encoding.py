"""The encoding of a file: its byte order mark, else strict UTF-8, else what Chinese text has."""

import codecs
import re
from collections import Counter

SAMPLE = 1 << 20
"""Bytes from the start of a file that decide its encoding and its format."""
LEAST_COMMON = 0.5
"""The share of characters in daily use below which a text is not meant to be read that way."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16-LE, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-16-le", "utf-16-be")
# On a tie the first wins.
_CHINESE = ("gb18030", "big5", *_WIDE)
# Python's own notations and UTF-7: no dialogue file has them, and they can spell lone surrogates.
_NOT_FOR_FILES = frozenset({"punycode", "raw-unicode-escape", "unicode-escape", "utf-7"})
_JUDGED = 4096  # characters beyond ASCII
_LARGEST_CONTROLS = 0.01
_LARGEST_DAMAGE = 0.01
_BAD_WEIGHT = 3  # one bad byte speaks louder than one good character
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ASCII = re.compile(r"[\x00-\x7f]+")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
# Two encodings may both give common characters; what is said in nearly every sentence decides.
_FREQUENT = frozenset(
    "的一是了我不人在他有这這个個上们們来來到时時大地为為子中你说說生国國年着著就那和要她出也得里"
    "裡后後自以会會家可下而过過天去能对對小多然于於心学學么麼之都好看起发發当當没沒成只如事把还還"
    "用第样樣道想作种種开開美总總从從无無情己面最女但现現前些所同日手又行意动動方期它头頭经經长長"
    "儿兒回位分爱愛老因很给給名法间間斯知世什两兩次使身者被高已亲親其进進此话話常与與活正感见見明"
    "问問力理尔爾点點文几幾定本公特做外孩相西果走将將月十实實向声聲车車全信重三机機工物气氣每并並"
    "别別真打太新比才便夫再书書部水像眼等体體却加电電主界门門利海受听聽表德少克代员員许許先口由死"
    "安写寫性马馬光白或住难難望教命花结結乐樂色哪吗嗎呢吧啊谁誰哦嗯您谢謝请請，。！？、：“”…（）"
)


def detect(sample: bytes) -> str | None:
    """Return the encoding of a text that begins with `sample`, or None where it is no text."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    found = _detect_wide(sample) or _detect_utf8(sample) or _detect_chinese(sample)
    return None if found is None or looks_binary(_replaced(sample, found)) else found


def looks_binary(text: str) -> bool:
    """Tell whether `text` holds more control characters than any text does."""
    return len(_CONTROL.findall(text)) > _LARGEST_CONTROLS * len(text)


def is_known(encoding: str) -> bool:
    """Tell whether Python can decode text by that name."""
    try:
        b"a".decode(encoding, "replace")
        return codecs.lookup(encoding).name not in _NOT_FOR_FILES
    except (LookupError, UnicodeError):
        return False


def common_share(text: str) -> float:
    """Return the share of the characters beyond ASCII that are in daily use."""
    beyond = Counter(_ASCII.sub("", text)[:_JUDGED])
    common = sum(count for character, count in beyond.items() if _is_common(character))
    return common / beyond.total() if beyond else 0.0


def _detect_wide(sample: bytes) -> str | None:
    """Return UTF-16 where there are the zero bytes that it writes for ASCII."""
    if b"\0" not in sample:
        return None
    shares = {name: _readable_share(_replaced(sample, name)[:_JUDGED]) for name in _WIDE}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > 1 - LEAST_COMMON / 2 else None


def _detect_utf8(sample: bytes) -> str | None:
    """Return UTF-8 where it holds, also where few bytes among many characters break it."""
    beyond = _ASCII.sub("", _replaced(sample, "utf-8"))
    bad = 0 if _is_strictly(sample, "utf-8") else beyond.count("\ufffd")
    if bad and _BAD_WEIGHT * bad >= LEAST_COMMON * len(beyond):
        return None
    doubtful = bad or (beyond and max(beyond) <= "\u07ff")
    return None if doubtful and _is_surely_gb18030(sample) else "utf-8"


def _is_surely_gb18030(sample: bytes) -> bool:
    """Tell whether the words are among the commonest; of a few, the bytes may be UTF-8 as well.

    >>> "为什么".encode("gb18030").decode("utf-8")
    'Ϊʲô'
    """
    return _chinese_score(_replaced(sample, "gb18030")) > 1 + LEAST_COMMON / 4


def _is_strictly(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _detect_chinese(sample: bytes) -> str | None:
    scores = {name: _chinese_score(_replaced(sample, name)) for name in _CHINESE}
    best = max(scores, key=scores.__getitem__)
    if scores[best] >= LEAST_COMMON:
        return best
    # A few odd bytes in what is else ASCII.
    return "utf-8" if len(_NOT_ASCII.findall(sample)) < _LARGEST_DAMAGE * len(sample) else None


def _replaced(sample: bytes, encoding: str) -> str:
    """Return the text of `sample`, whose last character may be cut."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(sample)


def _chinese_score(text: str) -> float:
    beyond = _ASCII.sub("", text)
    if not beyond:
        return 0.0
    judged = beyond[:_JUDGED]
    bad = beyond.count("\ufffd") / len(beyond)
    frequent = sum(map(_FREQUENT.__contains__, judged)) / len(judged)
    return common_share(judged) + frequent / 2 - _BAD_WEIGHT * bad


def _readable_share(text: str) -> float:
    readable = sum(c in "\t\n\r" or " " <= c <= "~" or _is_common(c) for c in text)
    return readable / max(len(text), 1)


def _is_common(character: str) -> bool:
    """Tell whether GB2312 or Big5 list the character among marks or frequent Han."""
    simplified = character.encode("gb2312", "ignore")[:1]
    traditional = character.encode("big5", "ignore")[:1]
    return b"\xa1" <= simplified <= b"\xd7" or b"\xa1" <= traditional <= b"\xc6"
