"""The beginning of a text, by which a format is recognised."""

from dataclasses import dataclass, field
from pathlib import PurePath

MOST_LINES = 200
PACKED = frozenset({".gz", ".bz2", ".xz", ".zst", ".zip", ".tar"})
"""Endings of names that say how a file is packed."""


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
        return unpacked_name(self.name.lower()).suffix


def unpacked_name(name: str) -> PurePath:
    """Return a name without the endings that say how the file is packed."""
    path = PurePath(name)
    while path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return path
