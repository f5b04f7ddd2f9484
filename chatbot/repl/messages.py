"""What the terminal says, in Chinese or in English."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Messages:
    """Hold the texts of one language; `{name}` marks what is filled in."""

    greeting: str
    you: str
    bot: str
    help: str
    quit: str
    unknown: str
    nearest: str
    again_to_leave: str


CHINESE = Messages(
    greeting="正在与 {bundle} 对话。\n输入 /帮助 查看命令，Ctrl-D 退出。",
    you="你：",
    bot="机器人：",
    help="显示命令列表",
    quit="退出",
    unknown="没有 {command} 这个命令。",
    nearest="您是不是想输入 {command}？",
    again_to_leave="再按一次 Ctrl-C 退出。",
)

ENGLISH = Messages(
    greeting="Talking with {bundle}.\n/help lists the commands, Ctrl-D leaves.",
    you="you: ",
    bot="bot: ",
    help="list the commands",
    quit="leave",
    unknown="There is no command {command}.",
    nearest="Did you mean {command}?",
    again_to_leave="Press Ctrl-C again to leave.",
)


def messages(environment: Mapping[str, str] = os.environ) -> Messages:
    """Return the texts of the locale: the first that is set of LC_ALL, LC_MESSAGES and LANG."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return CHINESE if locale.lower().startswith("zh") else ENGLISH
