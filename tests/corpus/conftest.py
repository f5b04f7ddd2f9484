from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from corpus_tools.cleaning import Cleaner, Profile
from corpus_tools.cli import main
from corpus_tools.dictionary import dictionary_name
from corpus_tools.formats import Dialogue, Record, Skipped, Source
from corpus_tools.importing import Plan, import_source
from corpus_tools.preparing import Batch, Job, Prepared, Preparing
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
    ready = Segmenter()
    ready.make_ready()
    return ready


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
def plan(segmenter: Segmenter) -> Plan:
    """Prepare in this process, by the default profile."""
    preparing = Preparing(Cleaner(Profile()), segmenter)

    def prepare(jobs: Iterable[tuple[Job, Batch]], /) -> Iterator[tuple[Job, Prepared]]:
        return ((job, preparing.prepare(batch)) for job, batch in jobs)

    return Plan(prepare, Profile().to_dict(), dictionary_name({}), duplicates=False)


@pytest.fixture
def import_paths(store: Store, plan: Plan) -> Callable[..., None]:
    """Import files, one after the other, into the store of the test."""

    def import_files(*paths: Path) -> None:
        for path in paths:
            import_source(store, Source([path]), plan)

    return import_files


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
