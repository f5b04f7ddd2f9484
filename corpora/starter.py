"""The starter corpus as it lies in `corpora/xiaoyan`: topics of groups, and dialogues."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "xiaoyan"

FOLLOW_UPS = ("why", "you", "yes", "no")
"""What a person may say to the answers of a group, each with replies of its own."""


@dataclass(frozen=True, eq=False)
class Group:
    """Ways to ask that share their answers, each a full reply to each.

    `follow_ups`: replies to what is said next, by one of `FOLLOW_UPS`. With `more` a person may
    ask for another one, and any other of the answers is a reply to that.
    """

    topic: str
    number: int
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    follow_ups: dict[str, tuple[str, ...]]
    more: bool

    @property
    def name(self) -> str:
        """Return what the group is called in tables: its topic and its place there."""
        return f"{self.topic}/{self.number}"

    def replies(self) -> Iterator[str]:
        """Yield everything that the bot says in the group."""
        yield from self.answers
        for replies in self.follow_ups.values():
            yield from replies


@dataclass(frozen=True)
class Dialogue:
    """Turns of the person and the bot by turns, the person first, the bot last."""

    topic: str
    turns: tuple[str, ...]


@dataclass(frozen=True)
class Starter:
    """The whole corpus.

    `asked`: the ways to say each of the follow-ups, `more` among them. `not_understood`: what the
    bot says where it has no reply.
    """

    groups: tuple[Group, ...]
    dialogues: tuple[Dialogue, ...]
    asked: dict[str, tuple[str, ...]]
    not_understood: tuple[str, ...]


def read_starter(folder: Path = FOLDER) -> Starter:
    """Read the corpus in the order of its topics."""
    return Starter(
        tuple(group for path in _files(folder / "faq") for group in _groups(path)),
        tuple(one for path in _files(folder / "dialogues") for one in _dialogues(path)),
        {name: tuple(ways) for name, ways in _yaml(folder / "follow-ups.yml").items()},
        tuple((folder / "not-understood.txt").read_text(encoding="utf-8").splitlines()),
    )


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yml"))


def _groups(path: Path) -> Iterator[Group]:
    for number, entry in enumerate(_yaml(path)["faq"], 1):
        yield Group(
            path.stem,
            number,
            tuple(entry["questions"]),
            tuple(entry["answers"]),
            {name: tuple(entry[name]) for name in FOLLOW_UPS if name in entry},
            bool(entry.get("more")),
        )


def _dialogues(path: Path) -> Iterator[Dialogue]:
    return (Dialogue(path.stem, tuple(turns)) for turns in _yaml(path)["conversations"])


def _yaml(path: Path) -> Any:
    # Texts only: 1 and yes are things that people say.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)  # noqa: S506
