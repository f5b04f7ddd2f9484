"""JSON lines: one dialogue a line."""

import json

from corpus_tools.formats.records import Records, Skipped
from corpus_tools.formats.shapes import dialogue_of
from corpus_tools.formats.text import Text

# No number is needed here, and Python refuses to make an int of a very long one.
DECODER = json.JSONDecoder(parse_int=float)


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
