"""`chatbot …`: the commands together, and what an error becomes."""

import sys
from io import StringIO, TextIOWrapper

import click

from chatbot import __version__
from chatbot.commands import inspecting, judging, talking, training
from chatbot.commands.terminal import printable
from chatbot.errors import ChatbotError


def main() -> None:
    """Run the command line; an error becomes one line on stderr and an exit code."""
    _speak_utf8()
    try:
        code = cli.main(prog_name="chatbot", standalone_mode=False)
    except ChatbotError as error:
        code = _complain(str(error), error.exit_code)
    except click.ClickException as error:
        code = _complain(_with_hint(error), error.exit_code)
    except click.Abort:  # Ctrl-C
        code = 130
    except OSError as error:
        problem = f"{error}. Check the path and the room on the disk."
        code = _complain(problem, ChatbotError.exit_code)
    sys.exit(code)


@click.group(
    invoke_without_command=True,
    epilog="Example: chatbot reply 你好",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Talk Chinese with a small chatbot that runs on onnxruntime."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (
    talking.chat,
    talking.reply,
    inspecting.inspect,
    training.train,
    judging.evaluate,
    judging.report,
    training.export,
):
    cli.add_command(command)


def _speak_utf8() -> None:
    """Read and write UTF-8 whatever the locale, and let nothing undecodable stop us."""
    if sys.stdin is None:  # the caller has closed it
        sys.stdin = StringIO()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _complain(message: str, code: int) -> int:
    click.echo(f"error: {printable(' '.join(message.split()))}", err=True)
    return code


def _with_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" See '{context.command_path} --help'." if context else ""
    return error.format_message() + hint
