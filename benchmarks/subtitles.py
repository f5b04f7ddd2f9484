"""Subtitle pairs of a corpus that is not part of the project, and any number of pairs like them."""

import zipfile
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import count, islice
from pathlib import Path

SOURCE = Path("../shared/data/dgk_tv_conv.zip")
PAIRS = 323_830
DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")

Pair = tuple[str, str]


def write_pairs(path: Path, number: int) -> None:
    """Write a TSV; it is streamed, since who measures processes must stay small."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{prompt}\t{reply}\n" for prompt, reply in islice(pairs(), number))


def pairs() -> Iterator[Pair]:
    """Yield the pairs again and again, from the second time on with its number in the middle."""
    for time in count(1):
        for prompt, reply in subtitles():
            yield (prompt, reply) if time == 1 else (numbered(prompt, time), numbered(reply, time))


def subtitles() -> Iterator[Pair]:
    """Yield the turns of the `.conv` files that follow one another in a dialogue."""
    with zipfile.ZipFile(SOURCE) as archive:
        for name in archive.namelist():
            previous = ""
            with archive.open(name) as member:
                for line in TextIOWrapper(member, encoding="utf-8"):
                    text = line[2:].strip().replace("\t", " ") if line.startswith("M ") else ""
                    if previous and text:
                        yield previous, text
                    previous = text


def numbered(text: str, time: int) -> str:
    """Return `text` with a number in its middle."""
    middle = len(text) // 2
    return f"{text[:middle]}{str(time).translate(DIGITS)}{text[middle:]}"
