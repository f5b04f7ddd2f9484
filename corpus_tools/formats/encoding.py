"""The encoding of a file: its byte order mark, else strict UTF-8, else what Chinese text has."""

import codecs
import re
from collections.abc import Sequence

import charset_normalizer

SAMPLE = 1 << 20
"""Bytes from the start of a file that decide its encoding and its format."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16-LE, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = {
    "gb18030": "gb18030",
    "big5": "big5",
    "utf_16_le": "utf-16-le",
    "utf_16_be": "utf-16-be",
}
# Python's own notations and UTF-7: no dialogue file has them, and they can spell lone surrogates.
_NOT_FOR_FILES = frozenset({"punycode", "raw-unicode-escape", "unicode-escape", "utf-7"})
_JUDGED = 4096  # characters
_LEAST_COMMON = 0.5
_LARGEST_CONTROLS = 0.01
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def detect(sample: bytes) -> str | None:
    """Return the encoding of a text that begins with `sample`, or None where it is no text."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    found = "utf-8" if _decoded(sample, "utf-8") is not None else _detect_chinese(sample)
    return found if found and not looks_binary(_decoded(sample, found) or "") else None


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


def _decoded(sample: bytes, encoding: str) -> str | None:
    """Return the text of `sample`, whose last character may be cut, or None."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeDecodeError:
        return None


def _detect_chinese(sample: bytes) -> str | None:
    found = charset_normalizer.from_bytes(sample, cp_isolation=list(_CANDIDATES))
    names = {_CANDIDATES[match.encoding] for match in found} or set(_CANDIDATES.values())
    # On a short text several stay possible; the one with the fewest rare characters is meant, and
    # on a tie the one that stands first.
    return _most_common(sample, [name for name in _CANDIDATES.values() if name in names])


def _most_common(sample: bytes, names: Sequence[str]) -> str | None:
    texts = {name: _decoded(sample, name) for name in names}
    shares = {name: _common_share(text[:_JUDGED]) for name, text in texts.items() if text}
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best and shares[best] >= _LEAST_COMMON else None


def _common_share(text: str) -> float:
    """Return the share of the characters beyond ASCII that are in daily use."""
    beyond = [character for character in text if character > "\x7f"]
    return sum(map(_is_common, beyond)) / len(beyond) if beyond else 0.0


def _is_common(character: str) -> bool:
    """Tell whether GB2312 or Big5 list the character among marks or frequent Han."""
    simplified = character.encode("gb2312", "ignore")[:1]
    traditional = character.encode("big5", "ignore")[:1]
    return b"\xa1" <= simplified <= b"\xd7" or b"\xa1" <= traditional <= b"\xc6"
