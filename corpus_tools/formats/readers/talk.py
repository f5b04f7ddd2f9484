"""What speakers say one after another, as it grows into a dialogue."""

from corpus_tools.formats.records import LARGEST_DIALOGUE, LONGEST_DIALOGUE, Dialogue, Records, Turn


class Talk:
    """One dialogue in the making, cut where it would not fit into memory.

    What one speaker says several times in a row is one turn, a line for each time.
    """

    def __init__(self) -> None:
        self._said: list[tuple[str | None, list[str]]] = []
        self._times = self._size = 0

    def say(self, words: str, speaker: str | None = None) -> Records:
        """Add what `speaker` says, or somebody unknown; yield the dialogue if that fills it."""
        if self._said and speaker is not None and self._said[-1][0] == speaker:
            self._said[-1][1].append(words)
        else:
            self._said.append((speaker, [words]))
        self._times += 1
        self._size += len(words)
        if self._times >= LONGEST_DIALOGUE or self._size >= LARGEST_DIALOGUE:
            yield from self.end()

    def end(self) -> Records:
        """Yield the dialogue, if anything was said, and begin the next one."""
        if self._said:
            yield Dialogue(tuple(Turn("\n".join(words), who) for who, words in self._said))
        self._said = []
        self._times = self._size = 0
