"""The beginning of a text, by which a format is recognised."""

from dataclasses import dataclass, field
from pathlib import PurePath

from corpus_tools.formats.container import PACKED

MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """The first megabyte of a file or member; `lines` are its first whole lines that are not blank.

    A recogniser returns how sure it is of its format: 1.0 the text can be nothing else, 0.9 nearly
    every line has the pattern, 0.6 most have, 0.3 it could be, 0.0 it is not.
    """

    name: str
    text: str
    is_whole: bool = True
    lines: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        lines = self.text.split("\n", 20 * MOST_LINES)
        if len(lines) > 1 and (not self.is_whole or len(lines) > 20 * MOST_LINES):
            lines.pop()  # it may be cut
        filled = [line.removesuffix("\r") for line in lines if line.strip()]
        object.__setattr__(self, "lines", tuple(filled[:MOST_LINES]))

    @property
    def ending(self) -> str:
        """The ending of the name behind which the packing is left out: `.csv` of `A.csv.gz`."""
        path = PurePath(self.name.lower())
        while path.suffix in PACKED:
            path = path.with_suffix("")
        return path.suffix
