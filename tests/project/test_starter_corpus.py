"""The starter corpus, what is made of it, and that its check would notice."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import check, examples
from corpora.nonsense import Nonsense
from corpora.starter import Dialogue, Group, Starter, read_starter
from corpora.variation import variant


@pytest.fixture(scope="module")
def starter() -> Starter:
    return read_starter()


@pytest.fixture(scope="module")
def trained(starter: Starter) -> list[examples.Example]:
    return examples.training(starter, Random(examples.SEED))


def group(number: int, questions: str, answers: str, **rest: object) -> Group:
    follow_ups = {"why": ("因为有趣。",)} if rest.get("why") else {}
    return Group(
        "games",
        number,
        tuple(questions.split()),
        tuple(answers.split()),
        follow_ups,
        "more" in rest,
    )


SMALL = Starter(
    (
        group(1, "下棋吗 来下棋 会下棋吗 象棋 围棋 五子棋", "不会下。 我只会聊天。", why=True),
        group(2, "出个题 考考我 来道题", "一加一？ 二加二？ 三加三？", more=True),
    ),
    (Dialogue("games", ("下棋吗", "不会。", "那会什么", "会聊天。")),),
    {"why": ("为什么", "为啥"), "more": ("再来一个", "换一个")},
    ("没听懂。", "不懂。"),
)


class TestCorpus:
    def test_nothing_is_wrong_with_it(self, starter: Starter) -> None:
        assert list(check.faults(starter)) == []

    def test_it_is_as_large_as_its_page_says(self, starter: Starter) -> None:
        page = Path("corpora/README.md").read_text(encoding="utf-8")
        for number in check.counts(starter).values():
            assert f"| {number:,} |" in page

    @pytest.mark.parametrize(
        ("fault", "change"),
        [
            ("asked 2 times: 象棋", group(3, "玩棋 象棋！", "不会玩。")),
            ("said 2 times: 我只会聊天。", group(3, "玩棋", "我只会聊天。")),
            ("41 characters", group(3, "玩棋", "好" * 40 + "。")),
            ("no mark at its end", group(3, "玩棋", "不会玩")),
            ("half-width", group(3, "玩棋", "不会,真的。")),
            ("unbalanced", group(3, "玩棋", "看《棋王吧。")),
            ("not what the bot is", group(3, "玩棋", "我刚吃了饭。")),
            ("not what the bot is", group(3, "玩棋", "我妈妈会。")),
            ("not what the bot is", group(3, "玩棋", "我叫小明。")),
            ("not what the bot is", group(3, "玩棋", "现在是三点。")),
        ],
    )
    def test_a_fault_is_found(self, fault: str, change: Group) -> None:
        before = {one for one in check.faults(SMALL) if "wanted" not in one}
        assert before == set()
        spoilt = Starter(
            (*SMALL.groups, change), SMALL.dialogues, SMALL.asked, SMALL.not_understood
        )
        (found,) = [one for one in check.faults(spoilt) if "wanted" not in one]
        assert fault in found
        assert "games/3" in found

    def test_a_corpus_that_is_too_small_is_found(self) -> None:
        assert "2 groups, at least 2,000 wanted" in list(check.faults(SMALL))

    def test_a_dialogue_of_an_odd_number_of_turns_is_found(self) -> None:
        odd = (Dialogue("games", ("下棋吗", "不会。", "唉")),)
        spoilt = replace(SMALL, dialogues=odd)
        assert "games: 3 turns in 下棋吗" in list(check.faults(spoilt))


class TestExamples:
    def test_a_tenth_of_every_group_is_held_out(self, starter: Starter) -> None:
        for one in starter.groups:
            held, size = examples.held_out(one), len(one.questions)
            assert set(held) <= set(one.questions)
            assert len(held) == max(1, round(size / 10)) or size < 5

    def test_what_is_held_out_is_never_trained_on(
        self, starter: Starter, trained: list[examples.Example]
    ) -> None:
        prompts = {examples.bare(example.prompt) for example in trained}
        held = {examples.bare(q) for one in starter.groups for q in examples.held_out(one)}
        assert len(held) > 3000
        assert not prompts & held
        valid = list(examples.validation(starter, Random(0)))
        assert {examples.bare(example.prompt) for example in valid} == held

    def test_replies_are_never_varied(
        self, starter: Starter, trained: list[examples.Example]
    ) -> None:
        known = {reply for one in starter.groups for reply in one.replies()}
        known |= {turn for dialogue in starter.dialogues for turn in dialogue.turns[1::2]}
        known |= set(starter.not_understood)
        said = {example.reply for example in trained}
        assert said <= known
        assert len(said) > 0.99 * len(known)  # a dialogue may open with what is held out

    def test_the_same_seed_gives_the_same(self) -> None:
        first, again = (examples.training(SMALL, Random(7)) for _ in range(2))
        assert first == again != examples.training(SMALL, Random(8))

    def test_follow_ups_come_after_an_answer_of_their_group(self) -> None:
        games, quiz = SMALL.groups
        after = [e for e in examples.training(SMALL, Random(1)) if e.reply == "因为有趣。"]
        assert {e.history[1] for e in after} == set(games.answers)
        again = [
            (e.history[1], e.reply)
            for e in examples.training(SMALL, Random(1))
            if e.history[1:] and e.history[1] in quiz.answers and e.reply in quiz.answers
        ]
        assert set(itertools.permutations(quiz.answers, 2)) <= set(again)

    def test_a_dialogue_keeps_its_last_turns(self) -> None:
        told = [e for e in examples.training(SMALL, Random(1)) if e.reply == "会聊天。"]
        assert {e.history for e in told} == {("下棋吗", "不会。")}

    def test_corpus_import_reads_what_is_written(self, tmp_path: Path) -> None:
        path = tmp_path / "train.jsonl"
        number = examples.write([examples.Example(("甲", "乙"), "丙", "丁")], path)
        (line,) = path.read_text(encoding="utf-8").splitlines()
        assert number == 1
        assert json.loads(line) == {"history": ["甲", "乙"], "prompt": "丙", "response": "丁"}


class TestVariation:
    @given(st.text(min_size=1, max_size=40), st.integers(0, 2**32))
    def test_any_question_has_a_variant_and_the_seed_decides(self, text: str, seed: int) -> None:
        one = variant(text, Random(seed))
        assert one
        assert one == variant(text, Random(seed))

    def test_most_variants_are_new_and_near(self) -> None:
        source, question = Random(0), "我今天有点难过怎么办"
        variants = [variant(question, source) for _ in range(500)]
        assert len(set(variants)) > 150
        assert question in variants
        shared = [len(set(one) & set(question)) / len(set(question)) for one in variants]
        assert sum(shared) / len(shared) > 0.8
        assert any("難過" in one for one in variants)
        assert any("咋办" in one for one in variants)


def test_nonsense_has_no_word_of_the_questions() -> None:
    questions = ["今天天气怎么样", "我想吃火锅"]
    nonsense = Nonsense(questions)
    strange = [nonsense._strange_words(Random(seed)) for seed in range(200)]
    assert not any(word in one for one in strange for word in ("天气", "火锅", "今天"))
    assert len({nonsense.draw(Random(seed)) for seed in range(200)}) > 150
