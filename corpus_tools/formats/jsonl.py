"""JSON lines: one dialogue a line."""

import json

from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.shapes import dialogue_of
from corpus_tools.formats.text import Text

# No number is needed here, and Python refuses to make an int of a very long one.
DECODER = json.JSONDecoder(parse_int=float)


def looks_like_jsonl(sample: Sample) -> float:
    """Return 1.0 for several lines of which the first is a JSON value by itself."""
    if len(sample.lines) < 2 or sample.lines[0].lstrip()[:1] not in {"{", "["}:
        return 0.0
    try:
        DECODER.decode(sample.lines[0])
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


def read_jsonl(text: Text) -> Records:
    """Yield the dialogue of every line; a line that is not JSON is an error."""
    for number, line in text.lines():
        if not line.strip():
            continue
        try:
            value = DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            raise text.fail(
                f"broken JSON ({error})", advice="Repair or remove the line.", line=number
            ) from error
        yield dialogue_of(value) or Skipped(number, "no dialogue in this value", line)
