"""What is wrong with the starter corpus: `python -m corpora.check`.

Counts each topic, then names questions that stand in two groups, replies that stand in two places,
replies that are too long, unbalanced, or unlike the rest in their punctuation, and sentences in
which the bot would contradict what it is. Ends with 1 where there is a fault.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator

from corpora.examples import bare
from corpora.starter import Starter, read_starter

LONGEST = 40
"""Characters of a reply."""
LEAST = {"topics": 60, "groups": 2_000, "questions": 10_000, "replies": 6_000, "dialogues": 600}

_ENDS = "。！？…～"
_PAIRS = ("《》", "（）", "“”", "‘’", "「」")
_HALF_WIDTH = re.compile(r"[,!?;:\"']")

# The bot is a program without body, kin, clock or net; so it never says, of itself:
_CONTRADICTIONS = (
    r"我(今年|已经)?[一二三四五六七八九十百\d]+岁",
    r"我是(一个|个|一名)?(真人|人类|男生|女生|男孩|女孩|男的|女的)(?!吗)",
    r"(?<!当)我(的)?(爸爸|妈妈|爸妈|父母|哥哥|姐姐|弟弟|妹妹|老公|老婆|男朋友|女朋友)",
    r"我(刚|刚刚|昨天|今天|早上|中午|晚上)(才)?(吃了|喝了|去了|看了|睡了|买了)",
    r"现在是?(早上|上午|中午|下午|晚上)?[零一二三四五六七八九十\d]+点",
    r"今天(是)?(星期|周)[一二三四五六日天\d]",
    r"今天(天气)?(多云|有雨|晴天|下雨)[，。！]",
    r"我(帮你|给你)?(查到了|搜到了|上网查了)",
    r"我(叫|的名字是)(?!小言|什么|啥|我|不|你)",
    r"我会(一直|永远)?记(住|得)你(?!别)",
    r"我是(ChatGPT|Siri|小爱|小度|文心)",
)
_CONTRADICTION = re.compile("|".join(f"(?:{one})" for one in _CONTRADICTIONS))


def counts(starter: Starter) -> dict[str, int]:
    """Return how much there is, everything counted once."""
    said = {reply for group in starter.groups for reply in group.replies()}
    turns = {turn for dialogue in starter.dialogues for turn in dialogue.turns[1::2]}
    return {
        "topics": len({group.topic for group in starter.groups}),
        "groups": len(starter.groups),
        "questions": len({bare(one) for group in starter.groups for one in group.questions}),
        "replies": len(said | turns),
        "dialogues": len(starter.dialogues),
    }


def faults(starter: Starter) -> Iterator[str]:
    """Yield what is wrong, a line each."""
    found = counts(starter)
    for name, least in LEAST.items():
        if found[name] < least:
            yield f"{found[name]:,} {name}, at least {least:,} wanted"
    yield from _asked_twice(starter)
    yield from _said_twice(starter)
    for where, reply in _replies(starter):
        yield from (f"{where}: {fault}: {reply}" for fault in _faults_of(reply))
    for dialogue in starter.dialogues:
        if len(dialogue.turns) % 2 or not 4 <= len(dialogue.turns) <= 8:
            yield f"{dialogue.topic}: {len(dialogue.turns)} turns in {dialogue.turns[0]}"


def _replies(starter: Starter) -> Iterator[tuple[str, str]]:
    for group in starter.groups:
        yield from ((group.name, reply) for reply in group.replies())
    for dialogue in starter.dialogues:
        yield from ((f"{dialogue.topic}/dialogues", turn) for turn in dialogue.turns[1::2])
    yield from (("not-understood", reply) for reply in starter.not_understood)


def _asked_twice(starter: Starter) -> Iterator[str]:
    groups = defaultdict(list)
    for group in starter.groups:
        for question in group.questions:
            groups[bare(question)].append(group.name)
    for question, names in groups.items():
        if len(names) > 1:
            yield f"{', '.join(names)}: asked {len(names)} times: {question}"


def _said_twice(starter: Starter) -> Iterator[str]:
    places = defaultdict(list)
    for group in starter.groups:
        for reply in group.replies():
            places[reply].append(group.name)
    for reply, names in places.items():
        if len(names) > 1:
            yield f"{', '.join(names)}: said {len(names)} times: {reply}"


def _faults_of(reply: str) -> Iterator[str]:
    if len(reply) > LONGEST:
        yield f"{len(reply)} characters"
    if reply[-1:] not in _ENDS:
        yield "no mark at its end"
    if _HALF_WIDTH.search(reply):
        yield "half-width marks or quotes"
    if any(reply.count(pair[0]) != reply.count(pair[1]) for pair in _PAIRS):
        yield "unbalanced quotes"
    if _CONTRADICTION.search(reply):
        yield "not what the bot is"


def main() -> int:
    """Print the topics and the faults; return the exit code."""
    starter = read_starter()
    for name, number in counts(starter).items():
        print(f"{number:>7,}  {name}")
    found = list(faults(starter))
    for fault in found:
        print(fault)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
