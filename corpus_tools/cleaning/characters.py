"""Text rules about characters: invisible ones, spaces, repeats, emoji, script."""

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from corpus_tools.cleaning.settings import SqueezePhrases, SqueezeRepeats
from corpus_tools.errors import UsageError

Edit = Callable[[str], str]

HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han, as the inside of a character class."""

CONTROLS = (
    # Controls other than white space; zero-width and direction marks. The joiner U+200D stays,
    # since it holds emoji together.
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)
SPACES = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space, what `\\s` finds, as the inside of a character class."""

EMOJI = (
    # Flags, pictures and signs, dingbats, the marks that change or join them. No Han is near:
    # the rare ones begin at U+20000.
    "\u200d\u20e3\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\ufe0f"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f"
)

_CLOSE = 3
"""Couples that short periods are apart; their rows are short, those of long periods are long."""

_HAN = re.compile(f"[{HAN}]")
_CONTROL = re.compile(f"[{CONTROLS}]")
_SPACES = re.compile(r"\s+")
_EMOJI = re.compile(f" ?(?:[0-9#*]\ufe0f?\u20e3|[{EMOJI}])+ ?")


def drop_controls(text: str) -> str:
    """Drop the characters that nobody sees."""
    return _CONTROL.sub("", text)


def squeeze_spaces(text: str) -> str:
    """Make every run of white space, line breaks included, one space."""
    return _SPACES.sub(" ", text)


def join_spaced(text: str) -> str:
    """Join a text that was written with a space around every Han character.

    Between two Latin words or numbers the space stays, unless both are single characters too.
    """
    tokens = text.split(" ")
    han = [token for token in tokens if _HAN.search(token)]
    if len(han) < 2 or any(len(token) > 1 for token in han):
        return text
    joined = tokens[0]
    for left, right in pairwise(tokens):
        joined += f" {right}" if _are_words(left, right) else right
    return joined


def emoji(text: str) -> str:
    """Put a space for every run of emoji."""
    return _EMOJI.sub(" ", text)


def strip(text: str) -> str:
    """Drop white space at both ends."""
    return text.strip()


def repeats(settings: SqueezeRepeats) -> Edit:
    """Return the rule that shortens runs of one character that is no digit."""
    pattern = re.compile(rf"(\D)\1{{{settings.most},}}", re.DOTALL)
    return partial(pattern.sub, lambda match: match[1] * settings.most)


def phrases(settings: SqueezePhrases) -> Edit:
    """Return the rule that shortens runs of one phrase without digits, with or without spaces."""
    pattern, may_repeat = _phrase_run(settings), _phrase_guard(settings)

    def squeeze_phrases(text: str) -> str:
        # A shortened run may be part of a longer phrase that is repeated too.
        while may_repeat(text) and (shorter := pattern.sub(r"\1", text)) != text:
            text = shorter
        return text

    return squeeze_phrases


def phrase_finder(settings: SqueezePhrases) -> Callable[[str], bool]:
    """Return the test whether `phrases` would shorten a text."""
    search, may_repeat = _phrase_run(settings).search, _phrase_guard(settings)
    return lambda text: may_repeat(text) and bool(search(text))


def simplified() -> Edit:
    """Return OpenCC's conversion of traditional characters into simplified ones, by phrases."""
    try:
        from opencc import OpenCC  # noqa: PLC0415 - only who asks for it needs the extra
    except ImportError as error:
        raise UsageError(
            "'simplify' needs opencc, which is not installed. Run: pip install 'duihua[opencc]'"
        ) from error
    convert: Edit = OpenCC("t2s").convert
    return convert


def _are_words(left: str, right: str) -> bool:
    return (
        left[-1:].isascii()
        and left[-1:].isalnum()
        and right[:1].isascii()
        and right[:1].isalnum()
        and (len(left) > 1 or len(right) > 1)
    )


def _phrase_run(settings: SqueezePhrases) -> re.Pattern[str]:
    """Return what finds a run that is too long; its first group is what stays of it."""
    phrase = rf"[^\d\s]\D{{0,{settings.longest - 2}}}?[^\d\s]"
    kept = rf"(({phrase})(?=( ?)\2)(?:\3\2){{{settings.most - 1}}})"
    return re.compile(rf"{kept}(?:\3\2)+", re.DOTALL)


def _phrase_guard(settings: SqueezePhrases) -> Callable[[str], bool]:
    """Return a quick test that is true of every text that holds a run, and of few others.

    It looks at couples of UTF-16 units: 0-1, 2-3 and so on. A run has a period of q units and is
    at least (most + 1) q - 1 long. Couples that are q / 2 apart are equal, q apart when q is odd,
    so all of the run but its first ones have an equal one near: so many in a row are rare.
    """
    apart = {q: q if q % 2 else q // 2 for q in range(2, settings.longest + 2)}
    rows = {q: ((settings.most + 1) * q - 2) // 2 - apart[q] for q in apart}
    reach = max(apart.values())
    close_row = min(row for q, row in rows.items() if apart[q] <= _CLOSE)
    far_row = min((row for q, row in rows.items() if apart[q] > _CLOSE), default=close_row)
    least = min(close_row, far_row)

    def may_repeat(text: str) -> bool:
        units = text.encode("utf-16-le", "surrogatepass")
        if len(units) > 2 * len(text):
            return True  # a character of two units makes periods longer
        couples = memoryview(units[: len(units) // 4 * 4]).cast("I")
        if len(couples) - len(set(couples)) < least:
            return False
        last: dict[int, int] = {}
        close = far = 0
        for place, couple in enumerate(couples):
            distance = place - last.get(couple, -reach - 1)
            close = close + 1 if distance <= _CLOSE else 0
            far = far + 1 if distance <= reach else 0
            if close >= close_row or far >= far_row:
                return True
            last[couple] = place
        return least <= 0

    return may_repeat
