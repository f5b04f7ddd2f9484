"""Scripts: a line `角色：台词` is what a role says; a scene or a blank line ends a dialogue."""

import re
from collections.abc import Iterable
from itertools import chain, islice, pairwise

from corpus_tools.formats.readers.qa import looks_like_qa
from corpus_tools.formats.readers.talk import Talk
from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.sample import MOST_LINES, Sample
from corpus_tools.formats.text import Text

_LATIN = r"[A-Za-z][A-Za-z.'’\-]{0,19}(?:[ ][A-Za-z.'’\-]{1,20}){0,2}(?:[ ]?\d{1,3})?"
_NAME = rf"(?:{_LATIN}|\d{{0,3}}[^\W\d_][\w·•]{{0,11}})"
_NOTE = r"[（(\[【][^（）()\[\]【】]{0,40}[）)\]】]"
_LINE = re.compile(
    rf"\s*[*_]{{0,2}}(?P<who>{_NAME})[*_]{{0,2}}\s?(?:{_NOTE})?\s?"
    rf"(?!(?<=\d)[:：]\d)[:：](?![/\\])[*_]{{0,2}}\s*(?:{_NOTE}\s*)?(?P<words>[^\s\t][^\t]*)"
)
_SCENE = re.compile(
    r"[（(【\[].*[）)】\]]|#{1,6}\s.*|[-*_=—]{3,}|第[\d一二三四五六七八九十百]{1,4}[幕场集章回].*"
)

Line = tuple[int, str]


def looks_like_script(sample: Sample) -> float:
    """Return 0.9 where nearly every line has a role and roles come again, 0.6 where most have.

    Of a few lines, all with other roles, 0.3: they may as well be names and values.
    """
    lines = [line for line in sample.lines if not _SCENE.fullmatch(line.strip())]
    said = [found for line in lines if (found := _LINE.fullmatch(line))]
    roles = {found["who"] for found in said}
    share = len(said) / len(lines) if lines else 0.0
    if share < 0.6 or len(roles) < 2 or looks_like_qa(sample):
        return 0.0
    if len(roles) <= len(said) / 2:
        return 0.9 if share >= 0.9 else 0.6
    return 0.3 if share >= 0.9 else 0.0


def read_script(text: Text) -> Records:
    """Yield the dialogues; lines without a role are kept aside and end nothing."""
    lines = text.lines()
    first = list(islice(lines, MOST_LINES))
    least, blank = (2 if _is_spaced(first) else 1), 0
    talk = Talk()
    for number, line in chain(first, lines):
        words = line.strip()
        blank = 0 if words else blank + 1
        if blank == least or _SCENE.fullmatch(words):
            yield from talk.end()
        elif found := _LINE.fullmatch(line):
            yield from talk.say(found["words"].strip(), found["who"])
        elif words:
            yield Skipped(number, "no role before a colon", line)
    yield from talk.end()


def _is_spaced(lines: Iterable[Line]) -> bool:
    """Tell whether a blank line stands behind nearly every line, where it cannot be a border."""
    filled = [bool(line.strip()) for _, line in lines]
    behind = [after for before, after in pairwise(filled) if before]
    return len(behind) > 1 and sum(behind) <= len(behind) / 10
