"""What can go wrong, as a tree.

    ChatbotError                exit code 1
    ├── UsageError              2   a call that cannot be meant: out of range, an unknown name
    │   └── MissingExtraError   2   the command needs packages of another install profile
    ├── BundleError             3   the bundle folder: missing, damaged, or of a newer format
    ├── StoreError              4   the corpus store: missing, damaged, or of a newer schema
    ├── TrainingError           1   a run that cannot go on
    └── ExportError             1   a model that does not equal its ONNX graph

Every message says what was found, what was expected and what to do.
"""


class ChatbotError(Exception):
    """Stand above everything that this package raises on purpose."""

    exit_code = 1


class UsageError(ChatbotError):
    """Refuse a call that cannot be meant: a setting out of range, an unknown name."""

    exit_code = 2


class MissingExtraError(UsageError):
    """Name the install line for a command whose packages are not installed."""

    def __init__(self, command: str, extra: str, missing: str | None) -> None:
        super().__init__(
            f"'{command}' needs {missing or 'packages'}, which the base install leaves out. "
            f"Run: pip install 'duihua[{extra}]'"
        )


class BundleError(ChatbotError):
    """Refuse a bundle folder that is missing, damaged, or of a newer format."""

    exit_code = 3


class StoreError(ChatbotError):
    """Refuse a corpus store that is missing, damaged, or of a newer schema."""

    exit_code = 4


class TrainingError(ChatbotError):
    """Stop a run that cannot go on."""


class ExportError(ChatbotError):
    """Refuse a model that does not equal its ONNX graph."""
