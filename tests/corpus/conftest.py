from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from corpus_tools.cli import main
from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.segmenter import Segmenter
from corpus_tools.store import Store

SHARED = Path(__file__).parents[3] / "shared" / "data"


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def data() -> Path:
    return Path(__file__).parent / "data"


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"no real corpora in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    return Segmenter()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An awkward working directory."""
    path = tmp_path / "语料 1"
    path.mkdir()
    return path


@pytest.fixture
def corpus(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run a command in `folder`; one process unless it says otherwise."""
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store(str(folder / "corpus.db"), create=True) as opened:
        yield opened


@pytest.fixture
def read() -> Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]:
    """Read files; return the texts of the dialogues, and place and reason of what was skipped."""

    def read_files(
        *paths: Path, **options: str | None
    ) -> tuple[list[list[str]], list[tuple[int, str]]]:
        records: Sequence[Record] = list(Source(paths, **options).records())
        dialogues = [record for record in records if isinstance(record, Dialogue)]
        skipped = [record for record in records if isinstance(record, Skipped)]
        return (
            [[turn.text for turn in dialogue.turns] for dialogue in dialogues],
            [(record.line, record.reason) for record in skipped],
        )

    return read_files
