"""docs/cli.md is the help of every command, written by the commands themselves.

`python -m tests.base.cli_reference` rebuilds it; a test of each package compares its own part.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from chatbot.cli import cli as chatbot

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
REBUILD = "python -m tests.base.cli_reference"

HEADER = """\
# Command line

What `--help` says of every command. Exit codes: 0 done, 1 failed, 2 a call that cannot be meant,
3 a bundle that is missing or damaged, 4 a store that is, 130 stopped with Ctrl-C. An error is one
line on stderr.
"""


def reference(program: str, group: click.Group) -> str:
    """Return the part of the document that describes `program` and its commands."""
    top = _context(group, program)
    parts = [f"## {program}\n\n{_help(top)}"]
    parts += [f"### {each.command_path}\n\n{_help(each)}" for each in _below(group, top)]
    return "\n".join(parts)


def documented(program: str) -> str:
    """Return the part of docs/cli.md that describes `program`."""
    parts = DOCUMENT.read_text(encoding="utf-8").split("\n## ")
    [part] = [part for part in parts if part.startswith(f"{program}\n")]
    return f"## {part.strip()}\n"


def write() -> None:
    """Rebuild docs/cli.md."""
    # Late: the tests of the base install import this module, and have no corpus_tools.
    from corpus_tools.cli import cli as corpus  # noqa: PLC0415

    parts = [HEADER, reference("chatbot", chatbot), reference("corpus", corpus)]
    DOCUMENT.write_text("\n".join(parts), encoding="utf-8")


def _below(group: click.Group, context: click.Context) -> Iterator[click.Context]:
    """Yield a context for every command in a group, those of groups inside it behind theirs."""
    for name, command in sorted(group.commands.items()):
        inner = _context(command, name, context)
        yield inner
        if isinstance(command, click.Group):
            yield from _below(command, inner)


def _help(context: click.Context) -> str:
    return f"```text\n{context.get_help()}\n```\n"


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    """Return a context that is equally wide on every terminal."""
    settings = command.context_settings
    return click.Context(command, info_name=name, parent=parent, terminal_width=80, **settings)


if __name__ == "__main__":
    write()
