"""What may be written to a terminal."""


def printable(text: str) -> str:
    """Return `text` without the control sequences that a foreign bundle may hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
