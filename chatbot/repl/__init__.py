"""The conversation in a terminal: read, answer, show. The only door to prompt_toolkit."""

import sys
from dataclasses import dataclass

import click
from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import History

from chatbot.bot import ChatBot
from chatbot.conversation import Conversation
from chatbot.decoding import Decoding
from chatbot.lines import lines
from chatbot.repl.commands import is_command, run_command
from chatbot.repl.history import open_history
from chatbot.repl.messages import Messages, messages

INTERRUPTED = 130


def chat(bot: ChatBot, decoding: Decoding, *, history: bool = True) -> int:
    """Talk until the person leaves or the input ends; return the exit code."""
    talk = Talk(Conversation(bot, decoding), messages())
    if sys.stdin.isatty() and sys.stdout.isatty():
        return talk_in_terminal(talk, open_history(history))
    return talk_through_pipe(talk)


@dataclass(frozen=True)
class Talk:
    """Hold a conversation, and in which language the rest is said."""

    conversation: Conversation
    messages: Messages

    def answer(self, line: str) -> str | None:
        """Return what to show for `line`, or `None` to leave."""
        line = line.strip()
        if is_command(line):
            return run_command(line, self.messages)
        return self.conversation.reply(line).text if line else ""


def talk_through_pipe(talk: Talk) -> int:
    """Write one answer for each line of stdin, at once, and nothing else."""
    for line in lines(sys.stdin):
        shown = talk.answer(line)
        if shown is None:
            break
        click.echo(shown)  # flushes
    return 0


def talk_in_terminal(talk: Talk, history: History) -> int:
    """Prompt for lines with editing, history and suggestions; return the exit code.

    Ctrl-C drops the line or the reply; the second in a row on an empty line leaves, as Ctrl-D does.
    """
    session: PromptSession[str] = PromptSession(
        talk.messages.you, history=history, auto_suggest=AutoSuggestFromHistory()
    )
    _say(talk.messages.greeting.format(bundle=_name(talk.conversation.bot)))
    about_to_leave = False
    while True:
        try:
            line = session.prompt()
            shown = talk.answer(line)
        except EOFError:
            return 0
        except KeyboardInterrupt:
            empty = not session.default_buffer.text
            if empty and about_to_leave:
                return INTERRUPTED
            if empty:
                _say(talk.messages.again_to_leave)
            about_to_leave = empty
            continue
        if shown is None:
            return 0
        about_to_leave = False
        _show(shown, "" if is_command(line.strip()) else talk.messages.bot)


def _say(text: str) -> None:
    print_formatted_text(FormattedText([("ansibrightblack", text)]))


def _show(text: str, speaker: str) -> None:
    if text:
        print_formatted_text(FormattedText([("ansicyan", speaker), ("", text)]))


def _name(bot: ChatBot) -> str:
    return str(bot.bundle.manifest.get("name", bot.bundle.folder.name))
