"""The questions of a test set, each with the replies that it should get."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import StoreError, UsageError
from chatbot.lines import lines
from chatbot.training.store import Store
from chatbot.vocabulary import SEPARATOR

SPLITS = ("train", "valid", "test")

_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Case:
    """Hold a question and its references; with context, the turns before follow the question."""

    question: str
    references: tuple[str, ...]

    @property
    def turn(self) -> str:
        """Return the question without the turns before it."""
        return self.question.partition(SEPARATOR)[0]


@dataclass(frozen=True)
class HeldOut:
    """Hold the cases and where they are from."""

    path: Path
    split: str | None  # of a store
    cases: Sequence[Case]
    found: int  # cases before `limit`

    @property
    def references(self) -> int:
        """Return the number of references."""
        return sum(len(case.references) for case in self.cases)


def read_cases(
    path: str | Path,
    *,
    split: str = "test",
    context: int = 0,
    limit: int = 0,
    grouped: bool = False,
) -> HeldOut:
    """Read the accepted pairs of a split of a store, or a file of `question<TAB>reply` lines.

    `grouped` makes all replies to the same question its references. With a `limit` so many cases
    are drawn, always the same ones; 0 takes all. Raises `StoreError` where there is nothing to
    read and `UsageError` for a line that is no pair.
    """
    path = Path(path)
    of_store = _is_store(path)
    pairs = Store(path).pairs(split, context=context) if of_store else _lines(path)
    cases = list(_grouped(pairs) if grouped else (Case(asked, (said,)) for asked, said in pairs))
    if not cases:
        raise _nothing(path, split if of_store else None)
    return HeldOut(path, split if of_store else None, _drawn(cases, limit), len(cases))


def _is_store(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise StoreError(
            f"{path}: no test set ({error.strerror}). Name a store that 'corpus import' wrote, "
            "or a file of question<TAB>reply lines."
        ) from error


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    expected = "expected question<TAB>reply in UTF-8"
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(lines(file), 1):
                columns = [column.strip() for column in line.split("\t")]
                if len(columns) != 2 or not all(columns):
                    found = f"{len(columns)} columns" if all(columns) else "an empty column"
                    raise UsageError(f"{path}, line {number}: {found}; {expected}.")
                yield columns[0], columns[1]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 ({error.reason}); {expected}.") from error


def _grouped(pairs: Iterator[tuple[str, str]]) -> Iterator[Case]:
    replies: dict[str, dict[str, None]] = {}
    for asked, said in pairs:
        replies.setdefault(asked, {})[said] = None
    return (Case(asked, tuple(different)) for asked, different in replies.items())


def _drawn(cases: list[Case], limit: int) -> list[Case]:
    if not limit or limit >= len(cases):
        return cases
    numbers = random.Random(0).sample(range(len(cases)), limit)  # noqa: S311 - no secret
    return [cases[number] for number in sorted(numbers)]


def _nothing(path: Path, split: str | None) -> StoreError:
    if split is None:
        return StoreError(f"{path}: an empty file; expected question<TAB>reply lines.")
    sizes = {name: sum(1 for _ in Store(path).pairs(name)) for name in SPLITS}
    there = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    return StoreError(
        f"{path}: no accepted pairs in the split {split!r} (there are: {there}). "
        "Name another with --split, or import more."
    )
