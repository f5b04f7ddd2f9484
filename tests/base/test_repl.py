"""The conversation in a terminal: key by key, and in a real one."""

import io
import re
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pexpect
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from chatbot import Beam, Conversation
from chatbot.repl import Talk, talk_in_terminal
from chatbot.repl.commands import COMMANDS, is_command, run_command
from chatbot.repl.history import PrivateHistory, open_history
from chatbot.repl.messages import CHINESE, ENGLISH, messages

from .conftest import CHATBOT

ENTER, CTRL_C, CTRL_D, UP = "\r", "\x03", "\x04", "\x1b[A"


class Parrot:
    """Answer with what was said, and remember it."""

    def __init__(self) -> None:
        self.bundle = SimpleNamespace(
            manifest={"name": "鹦鹉"}, folder=Path("parrot"), fallback=None
        )
        self.heard: list[str] = []

    def candidates(self, text, decoding, context):
        self.heard.append(text)
        if text == "interrupt":
            raise KeyboardInterrupt
        return [SimpleNamespace(text=f"{text}！")]


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def press(parrot):
    """Press keys in a conversation with the parrot; return the exit code and the screen."""

    def press(keys, *, history=None, texts=ENGLISH):
        screen = io.StringIO()
        output = Vt100_Output(screen, lambda: Size(rows=24, columns=80), enable_cpr=False)
        talk = Talk(Conversation(parrot, Beam()), texts)
        with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=output):
            keyboard.send_bytes(
                (keys + CTRL_D).encode(errors="surrogateescape")
            )  # a test may fail but not hang
            code = talk_in_terminal(talk, history or InMemoryHistory())
        return code, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())

    return press


class TestKeys:
    def test_ctrl_d_leaves(self, press, parrot):
        assert press(CTRL_D + "还在吗" + ENTER)[0] == 0
        assert parrot.heard == []

    def test_a_line_gets_its_reply(self, press, parrot):
        code, screen = press("你好" + ENTER)
        assert code == 0
        assert parrot.heard == ["你好"]
        assert "bot: 你好！" in screen

    def test_the_greeting_names_the_bundle_and_the_way_out(self, press):
        screen = press("")[1]
        assert "Talking with 鹦鹉." in screen
        assert "/help lists the commands, Ctrl-D leaves." in screen
        assert "正在与 鹦鹉 对话。" in press("", texts=CHINESE)[1]

    @pytest.mark.parametrize("line", ["/quit", "/退出", "／退出", "／ＱＵＩＴ", " /QUIT "])
    def test_commands_that_leave(self, press, parrot, line):
        assert press(line + ENTER + "还在吗" + ENTER)[0] == 0
        assert parrot.heard == []

    def test_help_lists_every_command(self, press, parrot):
        screen = press("/help" + ENTER)[1]
        assert parrot.heard == []
        for command in COMMANDS:
            assert all(f"/{name}" in screen for name in command.names)

    def test_an_unknown_command_is_never_sent_to_the_model(self, press, parrot):
        screen = press("/hlep" + ENTER + "/" + ENTER)[1]
        assert parrot.heard == []
        assert "There is no command /hlep. Did you mean /help?" in screen

    def test_an_empty_line_is_ignored(self, press, parrot):
        screen = press(ENTER + "  " + ENTER + "\u3000" + ENTER)[1]
        assert parrot.heard == []
        assert "bot:" not in screen

    def test_ctrl_c_drops_the_line_and_keeps_the_session(self, press, parrot):
        code, _ = press("不要" + CTRL_C + "好" + ENTER)
        assert code == 0
        assert parrot.heard == ["好"]

    def test_ctrl_c_twice_on_an_empty_line_leaves(self, press):
        code, screen = press(CTRL_C + CTRL_C)
        assert code == 130
        assert "Press Ctrl-C again to leave." in screen

    @pytest.mark.parametrize("between", ["好" + ENTER, "好" + CTRL_C, "/help" + ENTER])
    def test_only_two_in_a_row_leave(self, press, between):
        assert press(CTRL_C + between + CTRL_C)[0] == 0

    def test_ctrl_c_drops_a_reply_and_keeps_the_session(self, press, parrot):
        code, _ = press("interrupt" + ENTER + CTRL_C + "好" + ENTER)
        assert code == 0
        assert parrot.heard == ["interrupt", "好"]

    def test_a_lone_surrogate_does_not_end_the_session(self, press, parrot, tmp_path):
        code, _ = press("\udcff" + ENTER + "好" + ENTER, history=kept(tmp_path))
        assert code == 0
        assert parrot.heard == ["\udcff", "好"]
        assert list(kept(tmp_path).load_history_strings()) == ["好", "?"]


def kept(folder: Path) -> PrivateHistory:
    return PrivateHistory(folder / "duihua" / "history")


class TestHistory:
    def test_nobody_else_reads_it(self, tmp_path):
        kept(tmp_path).store_string("你好")
        assert mode(tmp_path / "duihua") == 0o700
        assert mode(tmp_path / "duihua" / "history") == 0o600

    def test_an_older_file_is_closed_to_others(self, tmp_path):
        (tmp_path / "duihua").mkdir(mode=0o755)
        (tmp_path / "duihua" / "history").touch(mode=0o644)
        kept(tmp_path)
        assert mode(tmp_path / "duihua") == 0o700
        assert mode(tmp_path / "duihua" / "history") == 0o600

    def test_a_home_that_cannot_be_written_is_no_reason_not_to_talk(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
        assert isinstance(open_history(keep=True), InMemoryHistory)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestCommands:
    @pytest.mark.parametrize("line", ["/help", "／帮助", "/", "/什么"])
    def test_a_slash_makes_a_command(self, line):
        assert is_command(line)

    @pytest.mark.parametrize("line", ["", "你好", "1/2", "help"])
    def test_the_rest_is_talk(self, line):
        assert not is_command(line)

    @pytest.mark.parametrize(
        ("line", "nearest"),
        [("/hlp", "/help"), ("/qiut", "/quit"), ("/帮", "/帮助"), ("/出退", "/退出")],
    )
    def test_the_nearest_is_suggested(self, line, nearest):
        expected = f"没有 {line} 这个命令。 您是不是想输入 {nearest}？"
        assert run_command(line, CHINESE) == expected

    def test_what_is_near_nothing_gets_no_suggestion(self):
        assert run_command("/xyz", ENGLISH) == "There is no command /xyz."


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, CHINESE),
        ({"LC_ALL": "zh_TW"}, CHINESE),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_CN"}, CHINESE),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, ENGLISH),
        ({"LC_MESSAGES": "de_DE", "LANG": "zh_CN.UTF-8"}, ENGLISH),
        ({"LANG": "C"}, ENGLISH),
        ({}, ENGLISH),
    ],
)
def test_the_language_is_that_of_the_locale(environment, expected):
    assert messages(environment) is expected


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is a thing of Unix")
class TestInATerminal:
    @pytest.fixture
    def open_chat(self, environment, folder):
        """Open `chatbot chat` in a terminal of its own."""

        def open_chat(*arguments, **variables):
            child = pexpect.spawn(
                CHATBOT[0],
                [*CHATBOT[1:], "chat", str(folder), *arguments],
                env=environment | {"TERM": "xterm"} | variables,
                dimensions=(24, 80),
                encoding="utf-8",
                timeout=20,
            )
            children.append(child)
            return child

        children: list[pexpect.spawn] = []
        yield open_chat
        for child in children:
            child.close(force=True)

    def test_a_conversation(self, open_chat, bot, texts, environment):
        state = Path(environment["XDG_STATE_HOME"]) / "duihua"
        child = open_chat()
        child.expect("Ctrl-D leaves.")
        child.expect("you:")
        child.send(texts[0] + ENTER)
        child.expect("bot:")
        child.expect_exact(bot.reply(texts[0]).text)
        child.expect("you:")
        child.send("/help" + ENTER)
        child.expect("list the commands")
        child.expect("you:")
        child.send("没说完" + CTRL_C)
        child.expect("you:")
        child.send(CTRL_D)
        child.expect(pexpect.EOF)
        assert wait(child) == 0
        assert (mode(state), mode(state / "history")) == (0o700, 0o600)

    def test_the_history_outlives_the_session(self, open_chat, texts):
        for recall in (False, True):
            child = open_chat()
            child.expect("you:")
            if recall:
                press_up_until(child, texts[0])
            child.send(ENTER if recall else texts[0] + ENTER)
            child.expect("bot:")
            child.send(CTRL_D)
            child.expect(pexpect.EOF)
            assert wait(child) == 0

    def test_no_history_leaves_no_file(self, open_chat, environment):
        child = open_chat("--no-history", LC_ALL="zh_CN.UTF-8")
        child.expect("你：")
        child.send("你好" + ENTER)
        child.expect("机器人：")
        child.expect("你：")
        child.send(CTRL_C)
        child.expect("再按一次 Ctrl-C 退出。")
        child.expect("你：")
        child.send(CTRL_C)
        child.expect(pexpect.EOF)
        assert wait(child) == 130
        assert not Path(environment["XDG_STATE_HOME"]).exists()


def wait(child: pexpect.spawn) -> int | None:
    child.close()
    return child.exitstatus


def press_up_until(child: pexpect.spawn, line: str) -> None:
    """The history is read beside the first prompt: a key may come too early."""
    for _ in range(20):
        child.send(UP)
        if child.expect_exact([line, pexpect.TIMEOUT], timeout=1) == 0:
            return
    raise AssertionError(f"{line} does not come back")
