"""What a user says about the columns of a table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """The delimiter, and the columns of prompt and reply by name or by number from 1."""

    delimiter: str | None = None
    prompt_column: str | None = None
    reply_column: str | None = None

    def __str__(self) -> str:
        parts = (self.delimiter, self.prompt_column, self.reply_column)
        return " ".join(repr(part) for part in parts if part is not None)

    def __bool__(self) -> bool:
        return self != Layout()
