"""Training examples from the starter corpus: what is held out, what is varied, what comes before.

    python -m corpora.examples build/bundle

writes `train.jsonl` and `valid.jsonl`, which `corpus import` reads. A tenth of the questions of
every group is held out: neither they nor what is equal to them but for punctuation is ever trained
on. The rest is varied (`corpora.variation`); replies stay as they are.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from corpora.nonsense import Nonsense
from corpora.starter import Group, Starter, read_starter
from corpora.variation import variant

SEED = 20261121
ASKED = 2
"""How often each question is asked: for the first of its answers, then for others in turn. With a
favourite a group that has many answers is as likely a guess as one that has few."""
AS_WRITTEN = 0.3
"""Share of the questions that are asked as they are written, not varied: in the same words for each
answer, which tells that these answers are of one class."""
FOLLOWED = 3
"""How often each reply to a follow-up is asked for after each answer."""
RETOLD = 8
"""How often each turn of a dialogue is asked for."""
NONSENSE = 0.08
"""Share of the examples that nobody could answer."""
FAVOURITE = 0.5
"""Share of them that ask for the first of the replies to such."""
UNRELATED = 0.25
"""Share of the questions that come after something that has nothing to do with them."""
CONTEXT = 2

_MARKS = re.compile(r"[\s，。！？、；：…～~,.!?;:\"'“”‘’（）()《》_]+")


class Example(NamedTuple):
    """A prompt with the turns before it and the reply."""

    history: tuple[str, ...]
    prompt: str
    reply: str


def bare(question: str) -> str:
    """Return the question without what does not count when two are compared."""
    return _MARKS.sub("", question).lower() or question.strip()


def held_out(group: Group) -> list[str]:
    """Return a tenth of the questions of a group, at least one of five; by a hash of each."""
    count = max(round(len(group.questions) / 10), int(len(group.questions) >= 5))
    return sorted(group.questions, key=lambda one: blake2b(one.encode()).digest())[:count]


def validation(starter: Starter, random: Random) -> Iterator[Example]:
    """Yield the questions that are held out, each with one of its answers."""
    for group in starter.groups:
        for question in held_out(group):
            yield Example((), question, random.choice(group.answers))


def training(starter: Starter, random: Random) -> list[Example]:
    """Return all examples to train on, in an order of chance."""
    unseen = {bare(question) for group in starter.groups for question in held_out(group)}
    asked = {group: _trained(group, unseen) for group in starter.groups}
    owners = {bare(question): group for group in starter.groups for question in group.questions}
    examples = [
        example
        for group, questions in asked.items()
        for example in (
            *_answers(group, questions, owners, random),
            *_follow_ups(group, questions, starter.asked, random),
        )
    ]
    examples += _dialogues(starter, random)
    questions = [question for some in asked.values() for question in some]
    nonsense = _nonsense(questions, starter.not_understood, len(examples), random)
    examples += [example for example in nonsense if bare(example.prompt) not in owners]
    examples = [_with_history(example, examples) for example in examples]
    random.shuffle(examples)
    return [example for example in examples if bare(example.prompt) not in unseen]


def _trained(group: Group, unseen: set[str]) -> list[str]:
    return [question for question in group.questions if bare(question) not in unseen]


def _answers(
    group: Group, questions: Sequence[str], owners: dict[str, Group], random: Random
) -> Iterator[Example]:
    """Ask each question; `owners` learns which words are those of this group."""
    first, *others = group.answers
    answers = cycle(others or [first])
    for place, question in enumerate(questions):
        as_written = place < len(others) or random.random() < AS_WRITTEN
        for answer in (first, *islice(answers, ASKED - 1)):
            asked = question if as_written else variant(question, random)
            if owners.setdefault(bare(asked), group) != group:  # what varied is another's question
                asked = question
            yield Example((), asked, answer)


def _follow_ups(
    group: Group, questions: Sequence[str], asked: dict[str, tuple[str, ...]], random: Random
) -> Iterator[Example]:
    wanted = [
        (kind, answer, replies)
        for kind, replies in group.follow_ups.items()
        for answer in group.answers
    ] * FOLLOWED
    if group.more:
        wanted += [("more", a, (b,)) for a in group.answers for b in group.answers if a != b]
    for kind, answer, replies in wanted:
        before = variant(random.choice(questions), random)
        follow_up = variant(random.choice(asked[kind]), random)
        yield from (Example((before, answer), follow_up, reply) for reply in replies)


def _dialogues(starter: Starter, random: Random) -> Iterator[Example]:
    for dialogue in starter.dialogues:
        turns = dialogue.turns
        for place in range(1, len(turns), 2):
            history = turns[max(0, place - 1 - CONTEXT) : place - 1]
            for _ in range(RETOLD):
                yield Example(history, variant(turns[place - 1], random), turns[place])


def _nonsense(
    questions: Sequence[str], replies: Sequence[str], others: int, random: Random
) -> Iterator[Example]:
    nonsense = Nonsense(questions)
    for _ in range(round(others * NONSENSE / (1 - NONSENSE))):
        reply = replies[0] if random.random() < FAVOURITE else random.choice(replies)
        yield Example((), nonsense.draw(random), reply)


def _with_history(example: Example, others: Sequence[Example]) -> Example:
    """Put something before an example that needs nothing before it, so that it learns that.

    The same words always come after the same.
    """
    random = Random(example.prompt)
    if example.history or random.random() >= UNRELATED:
        return example
    before = random.choice(others)
    return example._replace(history=(before.prompt, before.reply))


def write(examples: Iterable[Example], path: Path) -> int:
    """Write one JSON object an example, as `corpus import` reads them; return how many."""
    records = [{"history": past, "prompt": prompt, "response": it} for past, prompt, it in examples]
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def main(folder: str) -> None:
    """Write both files into the folder."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    starter = read_starter()
    valid = write(validation(starter, Random(SEED)), out / "valid.jsonl")
    train = write(training(starter, Random(SEED)), out / "train.jsonl")
    print(f"{train:,} examples to train on, {valid:,} questions held out.")


if __name__ == "__main__":
    main(*sys.argv[1:])
