"""JSON lines: one dialogue a line."""

import json

from corpus_tools.formats.readers.shapes import records_of
from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

# No number is needed here, and Python refuses to make an int of a very long one.
DECODER = json.JSONDecoder(parse_int=float)

ENDINGS = (".jsonl", ".ndjson")
MOST_BROKEN = 10
"""Lines at the start that may all be broken before the file is taken for something else."""


def looks_like_jsonl(sample: Sample) -> float:
    """Return 1.0 where most of the first lines are JSON values, half by a name like `.jsonl`.

    Of one line the name decides.
    """
    is_named = sample.ending in ENDINGS
    first = [line for line in sample.lines[:MOST_BROKEN] if line.strip()]
    if len(first) < 2:
        opened = first and first[0].lstrip()[:1] in {"{", "["}
        return 0.9 if opened and is_named else 0.0
    values = 2 * sum(map(_is_value, first))
    return 1.0 if values > len(first) or (is_named and values == len(first)) else 0.0


def read_jsonl(text: Text) -> Records:
    """Yield the dialogues of every line; broken lines are kept aside if there are others."""
    broken = sound = 0
    for number, line in text.lines():
        if not line.strip():
            continue
        try:
            value = DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            broken += 1
            problem = Skipped(number, f"broken JSON ({described(error)})", line)
            if not sound and broken == MOST_BROKEN:
                raise _no_json(text, problem) from error
            yield problem
        else:
            sound += 1
            yield from records_of(value, number, line)
    if broken and not sound:
        raise _no_json(text, problem)


def described(error: Exception) -> str:
    """Return what is wrong with a JSON value, without the place, which is not that in the file."""
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"


def _is_value(line: str) -> bool:
    if line.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        DECODER.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def _no_json(text: Text, problem: Skipped) -> Exception:
    return text.fail(
        problem.reason + ", as in every line before it" if problem.line > 1 else problem.reason,
        advice="Name the right --format, or repair the file.",
        line=problem.line,
    )
