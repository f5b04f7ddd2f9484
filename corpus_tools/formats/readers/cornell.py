"""The Cornell layout: a file of lines with ids, and one of conversations that list the ids."""

import re

from corpus_tools.formats.records import LONGEST_DIALOGUE, Dialogue, Records, Skipped, Turn
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

MOST_LINES = 1_000_000
MOST_TEXT = 1 << 26
"""Lines and characters above which a file of lines, which is held in memory, is refused."""

_BETWEEN = "+++$+++"
_IDS = re.compile(r"\[([^\[\]]*)\]")


def looks_like_cornell_lines(sample: Sample) -> float:
    """Return 1.0 where nearly every line is `id +++$+++ … +++$+++ text`."""
    texts = [line for line in sample.lines if line.count(_BETWEEN) > 1 and not _listed(line)]
    return 1.0 if sample.lines and len(texts) > 0.9 * len(sample.lines) else 0.0


def looks_like_cornell_conversations(sample: Sample) -> float:
    """Return 1.0 where nearly every line is `… +++$+++ [ids]`."""
    lists = [line for line in sample.lines if _BETWEEN in line and _listed(line)]
    return 1.0 if sample.lines and len(lists) > 0.9 * len(sample.lines) else 0.0


def read_cornell(lines: Text, conversations: Text) -> Records:
    """Yield the conversations, after what is wrong with the lines.

    Of a line, the first field is the id, the one before the last the speaker, the last the text.
    """
    said: dict[str, Turn] = {}
    yield from _read_lines(lines, said)
    for number, line in conversations.lines():
        if not line.strip():
            continue
        found = _listed(line)
        ids = re.findall(r"[^\s,'\"]+", found[1]) if found else []
        if not ids:
            yield Skipped(number, "no list of line ids at the end", line)
        elif not all(each in said for each in ids):
            yield Skipped(number, "an id that no line has", line)
        else:
            for start in range(0, len(ids), LONGEST_DIALOGUE):
                part = ids[start : start + LONGEST_DIALOGUE]
                yield Dialogue(tuple(said[each] for each in part))


def _read_lines(lines: Text, said: dict[str, Turn]) -> Records:
    """Fill `said`; yield what is no line, or comes a second time."""
    size = 0
    for number, line in lines.lines():
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(_BETWEEN)]
        if len(fields) < 3:
            yield Skipped(number, "among the lines: no id, speaker and text", line)
        elif fields[0] in said:
            yield Skipped(number, "among the lines: an id for the second time", line)
        else:
            said[fields[0]] = Turn(fields[-1], fields[-2] or None)
            size += len(line)
        if size > MOST_TEXT or len(said) > MOST_LINES:
            raise lines.fail(
                f"more than {MOST_LINES:,} lines or {MOST_TEXT:,} characters, too many to hold",
                advice="Split both files.",
                line=number,
            )


def _listed(line: str) -> re.Match[str] | None:
    return _IDS.fullmatch(line.rpartition(_BETWEEN)[2].strip())
