"""What can go wrong with a corpus, as a tree.

    CorpusError                exit code 1
    ├── UsageError             2   a call that cannot be meant: an unknown format or rule
    │   └── MissingExtraError  2   the packages of an extra are not installed
    ├── StoreError             4   the store: missing, damaged, not ours, or of a newer schema
    ├── ReadError              1   an input file that cannot be read to its end
    │   └── UnrecognisedError  1   a file that shows no dialogue format
    └── WorkerError            1   a worker process that died

Every message says what was found, what was expected and what to do.
"""


class CorpusError(Exception):
    """Stand above everything that this package raises on purpose."""

    exit_code = 1


class UsageError(CorpusError):
    """Refuse a call that cannot be meant: an unknown format, encoding or import."""

    exit_code = 2


class MissingExtraError(UsageError):
    """Name the install line for what is not installed."""

    def __init__(self, package: str, *, extra: str = "corpus") -> None:
        where = "'corpus'" if extra == "corpus" else "This"
        without = "the base install" if extra == "corpus" else "the extra 'corpus'"
        super().__init__(
            f"{where} needs {package}, which {without} leaves out. "
            f"Run: pip install 'duihua[{extra}]'"
        )


class StoreError(CorpusError):
    """Refuse a store that is missing, damaged, not ours, or of a newer schema."""

    exit_code = 4


class ReadError(CorpusError):
    """Refuse an input file that cannot be read to its end."""


class UnrecognisedError(ReadError):
    """Tell that a file shows no format of dialogues; it may be no dialogue file at all."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")
        self.problem = problem


class WorkerError(CorpusError):
    """Report a worker process that died, which says nothing about the input."""
