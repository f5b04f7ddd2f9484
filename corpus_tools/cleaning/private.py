"""What is private in a text: telephone, QQ and identity card numbers, e-mail addresses."""

import re
from collections.abc import Callable
from functools import reduce

from corpus_tools.cleaning.settings import Private

MASKS = {"email": "〔邮箱〕", "id_number": "〔证件〕", "phone": "〔电话〕", "qq": "〔QQ〕"}
"""What stands for each kind, in the order in which they are looked for: an address or a card number
may hold what looks like a telephone number. The brackets occur in no chat and no rule looks at
them; the word inside keeps the sentence one that a person can read and a model can say."""

_D = "[0-9０-９]"
_PATTERNS = {
    "email": re.compile(
        r"(?<![A-Za-z0-9_%+-])(?:[A-Za-z0-9_%+-][A-Za-z0-9._%+-]{0,63}[@＠]"
        r"(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24})+(?![A-Za-z])"
    ),
    "id_number": re.compile(rf"(?<!{_D})[1-9１-９]{_D}{{16}}(?:[XxＸｘ]|{_D}(?!{_D}))"),
    "phone": re.compile(
        rf"(?<!{_D})(?<!{_D}\.)(?:(?:(?:\+|00)?86[- ]?)?1[3-9]{_D}[- ]?{_D}{{4}}[- ]?{_D}{{4}}"
        rf"|[1１][3-9３-９]{_D}{{9}}|0{_D}{{2,3}}[- ]{_D}{{7,8}})(?!{_D})(?!\.{_D})"
    ),
    "qq": re.compile(
        r"(?<![A-Za-z])((?:q[ -]?q|扣扣|企鹅|加q)\s?(?:群|号|號|号码|號碼)?\s?[是为為:：]?\s?)"
        rf"[1-9１-９]{_D}{{4,11}}(?!{_D})",
        re.IGNORECASE,
    ),
}
_SIGN = re.compile(f"[@＠]|{_D}{{3}}").search  # without one the slower patterns find nothing
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"

Edit = Callable[[str], str]


def masker(settings: Private) -> Edit | None:
    """Return the rule that masks what is to be masked, or None when that is nothing."""
    edits = [_masks(kind) for kind in MASKS if getattr(settings, kind) == "mask"]
    if not edits:
        return None

    def mask_private(text: str) -> str:
        return reduce(lambda done, edit: edit(done), edits, text) if _SIGN(text) else text

    return mask_private


def finder(settings: Private) -> Callable[[str], bool] | None:
    """Return the test for what is to be refused, or None when that is nothing."""
    kinds = [kind for kind in MASKS if getattr(settings, kind) == "refuse"]
    if not kinds:
        return None
    return lambda text: any(_holds(kind, text) for kind in kinds)


def is_id_number(text: str) -> bool:
    """Return whether 18 characters are an identity card number (GB 11643): date and check."""
    digits = [int(character) for character in text[:17]]
    month, day = digits[10] * 10 + digits[11], digits[12] * 10 + digits[13]
    total = sum(digit * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    last = {"Ｘ": "X", "ｘ": "X"}.get(text[17], text[17].upper())
    check = last if last == "X" else str(int(last))
    return 1 <= month <= 12 and 1 <= day <= 31 and check == _CHECKS[total % 11]


def _holds(kind: str, text: str) -> bool:
    found = _PATTERNS[kind].finditer(text)
    return any(kind != "id_number" or is_id_number(match[0]) for match in found)


def _masks(kind: str) -> Edit:
    pattern, mask = _PATTERNS[kind], MASKS[kind]
    if kind == "id_number":
        return lambda text: pattern.sub(
            lambda match: mask if is_id_number(match[0]) else match[0], text
        )
    if kind == "qq":
        return lambda text: pattern.sub(lambda match: match[1] + mask, text)
    return lambda text: pattern.sub(mask, text)
