"""The documented command line is the real one."""

from chatbot.cli import cli

from .cli_reference import REBUILD, documented, reference


def test_the_help_in_the_docs_is_the_help_of_the_commands():
    message = f"docs/cli.md is out of date. Run: {REBUILD}"
    assert documented("chatbot") == reference("chatbot", cli), message
