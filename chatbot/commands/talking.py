"""Commands that answer: `chat` and `reply`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from chatbot.bot import ChatBot
from chatbot.commands.searching import Search, answering
from chatbot.lines import lines
from chatbot.reply import Reply


@click.command(epilog="Example: chatbot chat --beam 4")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@answering
@click.option("--no-history", is_flag=True, help="Neither read nor write what was typed.")
@click.pass_context
def chat(
    context: click.Context, folder: Path | None, search: Search, threads: int, no_history: bool
) -> None:
    """Talk with a bundle in the terminal.

    FOLDER is by default the bundle that ships with duihua. /help lists the commands. Where stdin
    or stdout is no terminal, one line is written for each line read.
    """
    from chatbot import repl  # noqa: PLC0415 - prompt_toolkit, which --help need not pay

    bot = ChatBot.load(folder, threads=threads)
    decoding = search.over(bot.bundle.decoding)
    context.exit(repl.chat(bot, decoding, history=not no_history))


@click.command(epilog="Example: chatbot reply --beam 4 你好 早上好")
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@click.option(
    "--bundle",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Answer with this bundle instead of the one that ships with duihua.",
)
@answering
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line.")
def reply(
    texts: Sequence[str], folder: Path | None, search: Search, threads: int, as_json: bool
) -> None:
    """Answer each TEXT, or each line of stdin.

    One line is written for each, an empty one too, and at once. With --json it lists all replies
    that the search kept, best first.
    """
    bot = ChatBot.load(folder, threads=threads)
    decoding = search.over(bot.bundle.decoding)
    for text in map(_argument, texts) if texts else lines(sys.stdin):
        click.echo(_reply_line(text, bot.candidates(text, decoding), as_json))


def _argument(text: str) -> str:
    """Return `text` read as UTF-8 where the locale, such as C, could not read it."""
    try:
        return text.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:  # a surrogate of another kind, which no locale makes
        return text


def _reply_line(text: str, replies: Sequence[Reply], as_json: bool) -> str:
    best = replies[0]
    if not as_json:
        return best.text
    others = [{"reply": one.text, "score": one.score} for one in replies if one.understood]
    record = {
        "text": text,
        "reply": best.text,
        "tokens": best.tokens,
        "score": best.score,
        "finished": best.finished,
        "understood": best.understood,
        "source": best.source,
        "candidates": others,
    }
    return json.dumps(record, ensure_ascii=False)
