"""Turns that carry the name of their dialogue: neighbours with the same name are one dialogue."""

from collections.abc import Iterable

from corpus_tools.formats.records import LONGEST_DIALOGUE, Dialogue, Records, Skipped, Turn


def grouped(turns: Iterable[tuple[str, Turn] | Skipped]) -> Records:
    """Yield the dialogues; one ends where a record is no turn, for it might have been its next."""
    said: list[Turn] = []
    name = None
    for item in turns:
        is_next = not isinstance(item, Skipped) and item[0] == name
        if said and (not is_next or len(said) == LONGEST_DIALOGUE):
            yield Dialogue(tuple(said))
            said = []
        if isinstance(item, Skipped):
            yield item
        else:
            name = item[0]
            said.append(item[1])
    if said:
        yield Dialogue(tuple(said))
