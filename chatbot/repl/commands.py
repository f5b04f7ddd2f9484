"""The commands of the conversation: one table, which also makes the help."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from chatbot.repl.messages import Messages
from chatbot.text import normalise

SLASHES = ("/", "／")


@dataclass(frozen=True)
class Command:
    """Hold a command: its English and its Chinese name, its summary, and what it shows."""

    names: tuple[str, str]
    summary: Callable[[Messages], str]
    run: Callable[[Messages], str | None]
    """Return what to show, or `None` to leave."""


def is_command(line: str) -> bool:
    """Return whether `line` is meant for us and not for the model."""
    return line.startswith(SLASHES)


def run_command(line: str, messages: Messages) -> str | None:
    """Run the command in `line`; return what to show, or `None` to leave."""
    name = normalise(line[1:])
    command = _COMMAND_OF.get(name)
    return _unknown(name, messages) if command is None else command.run(messages)


def _help(messages: Messages) -> str:
    return "\n".join(
        f"{' '.join('/' + name for name in command.names)}  {command.summary(messages)}"
        for command in COMMANDS
    )


def _leave(_: Messages) -> None:
    return None


def _unknown(name: str, messages: Messages) -> str:
    text = messages.unknown.format(command=f"/{name}")
    nearest = get_close_matches(name, _COMMAND_OF, n=1, cutoff=0.4)
    return " ".join([text, *(messages.nearest.format(command=f"/{near}") for near in nearest)])


COMMANDS = (
    Command(("help", "帮助"), lambda messages: messages.help, _help),
    Command(("quit", "退出"), lambda messages: messages.quit, _leave),
)

_COMMAND_OF = {name: command for command in COMMANDS for name in command.names}
