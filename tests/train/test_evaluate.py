"""`chatbot evaluate`: runs and bundles over a test set, alone and against each other."""

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF
from torch.nn.functional import cross_entropy

from chatbot import Beam, ChatBot, Greedy, Sample
from chatbot.bundle import TEXT_GRAPH, shipped_bundle, write_bundle
from chatbot.cli import main
from chatbot.decoding import from_dict
from chatbot.errors import StoreError, UsageError
from chatbot.text import Tokenizer, normalise
from chatbot.training.checkpoint import RunFolder
from chatbot.training.config import Recipe
from chatbot.training.dataset import Codec, Pairs
from chatbot.training.evaluating import losses
from chatbot.training.evaluating.cases import Case, HeldOut, read_cases
from chatbot.training.evaluating.defects import DEFECTS, defects_of, lengths, repeats
from chatbot.training.evaluating.examination import (
    ONLY_ANSWERS,
    OTHER_TOKENS,
    Examination,
    evaluate_ids,
    examine,
)
from chatbot.training.evaluating.language import CHINESE
from chatbot.training.evaluating.measures import EVERYTHING, PROTOCOLS
from chatbot.training.evaluating.page import page
from chatbot.training.evaluating.rendering import as_dict, as_lines
from chatbot.training.evaluating.subjects import Answer, Exported, Run, open_subject
from chatbot.training.evaluating.units import cutter
from chatbot.training.evaluation import generate, validate
from chatbot.training.export.flavours import text_graph
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import BOS, SEPARATOR, Vocabulary
from tests.golden import TINY_BUNDLE, TINY_PAIRS, TINY_WORDS
from tests.pages import Page, assert_safe

HELD_OUT = (
    ("你好吗", "你好呀，我很开心！"),
    ("谢谢你", "不客气。"),
    ("我很饿", "去吃点热的吧。"),
    ("再见吧", "再见！"),
)
HOSTILE = ["<script>alert(1)</script>", "]]>", '"><img src=x onerror=y>', "</style>", "\u202egnp"]


SIZES = {"embedding": 16, "encoder_hidden": 12, "hidden": 24, "dropout": 0.0}


def learnt(
    folder: Path,
    steps: int,
    *,
    words: dict[str, int] = TINY_WORDS,
    context: int = 0,
    reply_vocabulary: int = 0,
) -> Path:
    """Write a run whose model has seen the tiny pairs so many times."""
    recipe = Recipe.from_dict(
        {
            "model": {**SIZES, "reply_vocabulary": reply_vocabulary},
            "data": {"max_source": 24, "context": context},
        }
    )
    text = "".join(prompt + reply for prompt, reply in TINY_PAIRS)
    vocabulary = Vocabulary.learn({**dict.fromkeys(text, 2), **words})
    codec = Codec(recipe, vocabulary)
    run = RunFolder(folder)
    pairs = run.write_pairs("train", codec.encoded(TINY_PAIRS))
    run.write_pairs("valid", codec.encoded(HELD_OUT))
    run.create(recipe, vocabulary)
    torch.manual_seed(0)
    model = Seq2Seq(recipe.model, len(vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batch = pairs.batch(range(len(pairs)))
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(model.loss(*batch) / batch.tokens)
        optimizer.step()
    found = validate(model.eval(), pairs, batch_tokens=1000)
    run.save_best(model, {"step": steps, "validation_perplexity": found.perplexity})
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("运行 1")
    return {
        "by heart": learnt(top / "by heart", 200),
        "beginner": learnt(top / "beginner", 20),
        "other words": learnt(top / "other words", 20, words={"客气": 5}),
    }


@pytest.fixture(scope="module")
def by_heart(folders: dict[str, Path]) -> Run:
    return Run(folders["by heart"])


@pytest.fixture(scope="module")
def beginner(folders: dict[str, Path]) -> Run:
    return Run(folders["beginner"])


def held_out(pairs: Sequence[tuple[str, str]]) -> HeldOut:
    cases = [Case(question, (reply,)) for question, reply in pairs]
    return HeldOut(Path("pairs.tsv"), None, cases, len(cases))


LEARNT = held_out(TINY_PAIRS)
UNSEEN = held_out((*HELD_OUT, *TINY_PAIRS[:3]))


class TestCases:
    def test_a_store_gives_the_pairs_of_a_split(self, make_store: Callable) -> None:
        store = make_store(
            [("train", "甲", "乙"), ("test", "早", "早上好", "你好"), ("valid", "a", "b")]
        )
        tests = read_cases(store)
        assert list(tests.cases) == [Case("早", ("早上好",)), Case("早上好", ("你好",))]
        assert (tests.split, tests.found, tests.references) == ("test", 2, 2)
        assert read_cases(store, split="train").cases == [Case("甲", ("乙",))]

    def test_with_context_the_turns_before_follow(self, make_store: Callable) -> None:
        store = make_store([("test", "早", "早上好", "你好")])
        cases = read_cases(store, context=1).cases
        assert [case.question for case in cases] == ["早", f"早上好{SEPARATOR}早"]
        assert cases[1].turn == "早上好"

    def test_an_empty_split_names_the_others(self, make_store: Callable) -> None:
        store = make_store([("train", "甲", "乙")])
        with pytest.raises(
            StoreError, match=r"no accepted pairs in the split 'test' \(.* train 1,"
        ):
            read_cases(store)

    def test_a_file_of_lines(self, tmp_path: Path) -> None:
        file = tmp_path / "测试.tsv"
        file.write_text("\ufeff早\t早上好\r\n晚 安\t好梦", encoding="utf-8")
        assert read_cases(file).cases == [Case("早", ("早上好",)), Case("晚 安", ("好梦",))]
        assert read_cases(file).split is None

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("早\t好\n晚安\n", r"line 2: 1 columns; expected question<TAB>reply in UTF-8"),
            ("早\t好\tc\n", r"line 1: 3 columns"),
            ("早\t好\n\t好\n", r"line 2: an empty column"),
            ("早\t好\n\n", r"line 2: an empty column"),
        ],
    )
    def test_a_line_that_is_no_pair_is_named(self, tmp_path: Path, text: str, message: str) -> None:
        file = tmp_path / "pairs.tsv"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=message):
            read_cases(file)

    def test_other_files_are_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "pairs.tsv"
        file.write_bytes("早\t好".encode("gbk"))
        with pytest.raises(UsageError, match="not UTF-8"):
            read_cases(file)
        file.write_bytes(b"")
        with pytest.raises(StoreError, match="an empty file"):
            read_cases(file)
        with pytest.raises(StoreError, match="no test set"):
            read_cases(tmp_path / "nothing")

    def test_grouped_replies_are_references_of_one_question(self, make_store: Callable) -> None:
        store = make_store(
            [("test", "早", "早上好"), ("test", "在", "嗯"), ("test", "早", "你也早")] * 2
        )
        tests = read_cases(store, grouped=True)
        assert tests.cases == [Case("早", ("早上好", "你也早")), Case("在", ("嗯",))]
        assert (tests.found, tests.references) == (2, 3)

    def test_a_limit_draws_the_same_ones_in_their_order(self, make_store: Callable) -> None:
        store = make_store([("test", f"问{n}", "答") for n in range(50)])
        everything = read_cases(store).cases
        drawn = read_cases(store, limit=7)
        assert drawn.cases == read_cases(store, limit=7).cases
        places = [everything.index(case) for case in drawn.cases]
        assert (len(places), drawn.found) == (7, 50)
        assert places == sorted(places) != list(range(7))
        assert read_cases(store, limit=99).cases == everything


class TestUnits:
    tokenizer = Tokenizer(
        Vocabulary.learn({"你好": 5, "吗": 5, "hello": 3, "world": 3, "？": 2, " ": 2})
    )

    def test_examples(self) -> None:
        text = "Hello  World, 你好吗?"
        words = ["hello", "world", "，", "你好", "吗", "？"]
        assert cutter("word", self.tokenizer)(text) == words
        assert cutter("character", self.tokenizer)(text) == [*"helloworld，你好吗？"]
        assert cutter("space", self.tokenizer)("I'm  home .") == ["i'm", "home", "."]
        assert cutter("space", self.tokenizer)("two men , running!") == [
            *("two", "men", "，", "running", "！")
        ]

    @given(st.text())
    def test_every_unit_keeps_all_but_spaces(self, text: str) -> None:
        kept = "".join(normalise(text).split())
        for unit in ("word", "character"):
            assert "".join("".join(cutter(unit, self.tokenizer)(text)).split()) == kept
        assert "".join("".join(cutter("space", self.tokenizer)(text)).split()) == kept


def said_by_torch(run: Run, questions: Sequence[str]) -> list[str]:
    found = generate(run.model, [run.source(question) for question in questions], Greedy())
    return [run.tokenizer.decode(best.ids) for (best,) in found]


class TestLosses:
    def pairs(self, run: Run) -> list[losses.IdPair]:
        return [run.pair(case.question, said) for case in UNSEEN.cases for said in case.references]

    def test_forced_losses_are_those_of_validation(self, beginner: Run, tmp_path: Path) -> None:
        """The trainer's own figure, over other batches."""
        pairs = self.pairs(beginner)
        expected = validate(beginner.model, Pairs.write(tmp_path / "a", pairs), batch_tokens=100)
        paid = losses.teacher_forced(beginner.model, pairs, lambda _: None)
        nats, tokens = paid.sum(axis=0)
        assert tokens == expected.tokens
        assert nats / tokens == pytest.approx(expected.loss, rel=1e-5)

    @pytest.mark.parametrize("way", [losses.teacher_forced, losses.free_running])
    def test_a_batch_changes_nothing(self, beginner: Run, way: Callable) -> None:
        """Each pair on its own costs what it costs beside longer and shorter ones."""
        pairs = self.pairs(beginner)
        together = way(beginner.model, pairs, lambda _: None)
        alone = np.concatenate([way(beginner.model, [one], lambda _: None) for one in pairs])
        assert together == pytest.approx(alone, rel=1e-4)

    def test_free_running_is_fed_what_was_likeliest(self, beginner: Run) -> None:
        """The steps by hand: y_t is the argmax of step t, whatever the reply is."""
        model = beginner.model
        source, reply = self.pairs(beginner)[0]
        with torch.inference_mode():
            memory = model.encode(torch.tensor([source]), torch.tensor([len(source)]))
            state, token, nats = model.decoder.start(memory.summary), torch.tensor([BOS]), 0.0
            for true in reply:
                logits, state = model.step(token, state, memory)
                nats += float(cross_entropy(logits, torch.tensor([true])))
                token = logits.argmax(dim=-1)
        paid = losses.free_running(model, [(source, reply)], lambda _: None)
        assert paid[0] == pytest.approx([nats, len(reply)], rel=1e-4)
        forced = losses.teacher_forced(model, [(source, reply)], lambda _: None)
        assert abs(paid[0, 0] - forced[0, 0]) > 0.01

    def test_what_is_known_by_heart_costs_the_same_either_way(self, by_heart: Run) -> None:
        pairs = [by_heart.pair(*pair) for pair in TINY_PAIRS]
        forced, free = (
            way(by_heart.model, pairs, lambda _: None)
            for way in (losses.teacher_forced, losses.free_running)
        )
        assert free == pytest.approx(forced, rel=1e-4)

    def test_the_mean_of_batches_is_not_that_of_tokens(self) -> None:
        """Batches of two: means 1.0 and 0.5 nats, so e^0.75; over all 8 tokens it is e^(5/8)."""
        paid = np.array([[1.0, 1], [1, 1], [1, 4], [2, 2]])
        assert losses.mean_of_batches(paid, size=2) == pytest.approx(math.exp((1 + 0.5) / 2))
        assert losses.mean_of_batches(paid) == pytest.approx(math.exp(5 / 8))

    def test_progress_reaches_the_end(self, beginner: Run) -> None:
        told: list[int] = []
        losses.teacher_forced(beginner.model, self.pairs(beginner), told.append)
        assert told[-1] == len(self.pairs(beginner))


def bundled(run: Run, folder: Path) -> None:
    """Write the bundle of a run without the proofs of an export."""
    arrays = {name: tensor.numpy() for name, tensor in run.model.state_dict().items()}
    length = run.recipe.data.max_source
    graph = text_graph(run.model.config, arrays, "fp32", tokenizer=run.tokenizer, max_source=length)
    write_bundle(
        folder,
        graphs={TEXT_GRAPH: graph.SerializeToString()},
        tokenizer=run.tokenizer,
        decoding=Greedy(),
        max_source=length,
        context=run.context,
        golden=[],
        about={},
    )


class TestSubjects:
    def test_a_run_answers_as_pytorch_does(self, beginner: Run) -> None:
        questions = [case.question for case in UNSEEN.cases] * 30  # several batches
        told: list[int] = []
        answers = beginner.answers(questions, Greedy(), told.append)
        assert [answer.text for answer in answers] == said_by_torch(beginner, questions)
        assert told[-1] == len(questions)
        assert all("".join(answer.tokens) == answer.text for answer in answers)

    @pytest.mark.parametrize(
        "folder", [TINY_BUNDLE, shipped_bundle()], ids=["batches", "one by one"]
    )
    def test_a_bundle_answers_as_the_bot_does(self, folder: Path) -> None:
        questions = [case.question for case in UNSEEN.cases]
        answers = Exported(folder).answers(questions, Beam(width=2), lambda _: None)
        bot = ChatBot.load(folder)
        assert [answer.text for answer in answers] == [
            bot.reply(question, Beam(width=2)).text for question in questions
        ]

    def test_the_kind_is_found_out(self, folders: dict[str, Path], tmp_path: Path) -> None:
        assert isinstance(open_subject(folders["beginner"]), Run)
        assert isinstance(open_subject(TINY_BUNDLE), Exported)
        with pytest.raises(
            UsageError, match=r"neither run\.json nor manifest\.json; expected a run"
        ):
            open_subject(tmp_path)

    def test_turns_that_a_model_does_not_read_are_not_read(self, beginner: Run) -> None:
        assert beginner.source(f"你好{SEPARATOR}再见") == beginner.source("你好")

    def test_a_model_with_context_reads_them(self, tmp_path: Path) -> None:
        run = Run(learnt(tmp_path / "run", 1, context=1))
        separated = run.source(f"你好{SEPARATOR}再见{SEPARATOR}谢谢")
        assert separated == run.source(f"你好{SEPARATOR}再见")
        assert len(separated) > len(run.source("你好"))

    def test_a_bundle_with_context_reads_them_too(self, tmp_path: Path) -> None:
        run = Run(learnt(tmp_path / "run", 20, context=1))
        bundled(run, tmp_path / "bundle")
        questions = [f"你好{SEPARATOR}{before}" for before, _ in TINY_PAIRS]
        bundle = Exported(tmp_path / "bundle")
        assert [bundle.source(each) for each in questions] == [*map(run.source, questions)]
        said, said_by_run = (
            [answer.text for answer in subject.answers(questions, Greedy(), lambda _: None)]
            for subject in (bundle, run)
        )
        assert said == said_by_run
        assert len(set(said)) > 1

    def test_replies_may_have_fewer_tokens(self, tmp_path: Path) -> None:
        run = Run(learnt(tmp_path / "run", 1, reply_vocabulary=12))
        _, reply = run.pair("你好", "你好，再见")
        assert max(reply) < 12
        assert max(run.source("你好，再见。我很开心")) >= 12
        found = examine(run, LEARNT, protocol="kdconv").found
        assert math.isfinite(found.figures["Perplexity, teacher-forced"].value)

    def test_a_long_reply_is_measured_whole(self, beginner: Run) -> None:
        _, reply = beginner.pair("你好", "好" * 500)
        assert len(reply) == 501

    def test_training_replies_are_those_of_the_run(self, beginner: Run) -> None:
        expected = [normalise(reply) for _, reply in TINY_PAIRS]
        assert list(beginner.training_replies()) == expected
        assert Exported(TINY_BUNDLE).training_replies() is None


class TestExamination:
    def test_what_is_known_by_heart_has_full_marks(self, by_heart: Run) -> None:
        found = examine(by_heart, LEARNT, protocol=EVERYTHING, free_running=True).found
        for name, figure in found.figures.items():
            if name.startswith(("BLEU", "chrF")):
                assert figure.value == pytest.approx(100), name
            if name.startswith("D2L"):
                assert figure.value == pytest.approx(1)
            if name.startswith("Perplexity"):
                assert 1 < figure.value < 1.2
        assert found.defects.counts["copies a training reply"] == len(TINY_PAIRS)
        assert found.defects.different == len(TINY_PAIRS)

    def test_scores_are_sacrebleus_on_the_same_tokens(self, beginner: Run) -> None:
        found = examine(beginner, UNSEEN, protocol=EVERYTHING).found
        words = cutter("word", beginner.tokenizer)
        said = [answer.text for answer in found.answers]
        true = [normalise(reply) for case in UNSEEN.cases for reply in case.references]
        for order in (1, 2, 3, 4):
            spaced = ([" ".join(words(text)) for text in texts] for texts in (said, true))
            replies, references = spaced
            by_word = BLEU(smooth_method="none", max_ngram_order=order, tokenize="none", force=True)
            assert found.figures[f"BLEU-{order} by word"].value == pytest.approx(
                by_word.corpus_score(replies, [references]).score
            )
            by_character = BLEU(smooth_method="none", max_ngram_order=order, tokenize="char")
            assert found.figures[f"BLEU-{order} by character"].value == pytest.approx(
                by_character.corpus_score(said, [true]).score
            )
        assert found.figures["chrF2"].value == pytest.approx(
            CHRF().corpus_score(said, [true]).score
        )
        assert found.figures["BLEU-1 by word"].value > 0

    def test_an_interval_holds_its_score(self, beginner: Run) -> None:
        figures = examine(beginner, UNSEEN, protocol=EVERYTHING).found.figures
        for name, figure in figures.items():
            if name.startswith("Distinct"):
                assert figure.low is None
            else:
                assert figure.low <= figure.value <= figure.high, name

    def test_perplexity_is_over_all_references(self, beginner: Run) -> None:
        apart = held_out([("你好", "再见"), ("你好", "不客气。")])
        together = HeldOut(Path("x"), None, [Case("你好", ("再见", "不客气。"))], 1)
        one, other = (
            examine(beginner, tests, protocol="kdconv").found.figures["Perplexity, teacher-forced"]
            for tests in (apart, together)
        )
        assert one.value == pytest.approx(other.value)

    def test_more_references_are_never_worse(self, beginner: Run) -> None:
        one = examine(beginner, LEARNT, protocol="lccc", decoding=Greedy()).found.figures
        extra = [Case(c.question, (*c.references, "我在听。")) for c in LEARNT.cases]
        tests = HeldOut(Path("x"), None, extra, len(extra))
        more = examine(beginner, tests, protocol="lccc", decoding=Greedy()).found.figures
        assert more["BLEU-2 by character"].value >= one["BLEU-2 by character"].value

    def test_a_bundle_has_no_perplexity_and_says_why(self) -> None:
        found = examine(open_subject(TINY_BUNDLE), LEARNT, protocol=EVERYTHING).found
        assert found.not_measured == {"Perplexity, teacher-forced": ONLY_ANSWERS}
        assert not [name for name in found.figures if name.startswith("Perplexity")]
        assert found.training is None
        assert "copies a training reply" not in found.defects.counts
        assert found.figures["BLEU-4 by word"].value == pytest.approx(100)

    def test_the_store_tells_what_a_bundle_may_have_learnt(self, make_store: Callable) -> None:
        store = make_store(
            [("train", *TINY_PAIRS[0]), ("test", *TINY_PAIRS[0]), ("test", *TINY_PAIRS[1])]
        )
        found = examine(open_subject(TINY_BUNDLE), read_cases(store), protocol=EVERYTHING).found
        assert found.training == f"the split 'train' of {store}"
        assert found.defects.counts["copies a training reply"] == 1

    def test_unknown_tokens_of_the_questions_are_counted(self, beginner: Run) -> None:
        found = examine(beginner, held_out([("龘你好", "好")]), protocol="d2l").found
        assert found.unknown_in_questions == (1, 2)

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_protocol_measures_what_it_names(self, beginner: Run, protocol: str) -> None:
        found = examine(beginner, UNSEEN, protocol=protocol)
        asked = PROTOCOLS[protocol]
        count = len(asked.measures) + len(asked.distinct) + len(asked.perplexities)
        assert len(found.found.figures) == count
        assert found.task.decoding == (asked.decoding or Greedy())

    def test_multi30ks_perplexity_is_the_mean_of_batches(self, beginner: Run) -> None:
        """Every step fed its own token, mean over batches of 128 in the order of the test set."""
        tests = held_out([*HELD_OUT] * 40)
        figures = examine(beginner, tests, protocol="multi30k").found.figures
        pairs = [beginner.pair(*pair) for pair in HELD_OUT] * 40
        paid = losses.free_running(beginner.model, pairs, lambda _: None)
        means = [part.sum(axis=0) for part in (paid[:128], paid[128:])]
        expected = math.exp(sum(nats / tokens for nats, tokens in means) / 2)
        found = figures["Perplexity, free-running, mean of batches"]
        assert found.value == pytest.approx(expected)

    def test_the_caller_may_search_otherwise(self, beginner: Run) -> None:
        found = examine(beginner, UNSEEN, protocol="lccc", decoding=Beam(width=2))
        assert found.task.decoding == Beam(width=2)


class TestComparison:
    def test_a_model_against_itself(self, beginner: Run) -> None:
        found = examine(beginner, UNSEEN, protocol=EVERYTHING, against=beginner)
        assert found.differences.keys() == found.found.figures.keys()
        assert {one.value for one in found.differences.values()} == {0.0}
        assert found.differences["chrF2"].p == 1

    def test_a_better_model(self, by_heart: Run, beginner: Run) -> None:
        """The sign is that of the first model; perplexity is the better the lower."""
        found = examine(by_heart, LEARNT, protocol=EVERYTHING, against=beginner)
        gain = found.differences["BLEU-1 by word"]
        ours, theirs = (one.figures["BLEU-1 by word"].value for one in (found.found, found.against))
        assert gain.value == pytest.approx(ours - theirs)
        assert gain.low > 0
        assert found.differences["Perplexity, teacher-forced"].high < 0

    def test_perplexities_of_other_tokens_are_not_compared(
        self, beginner: Run, folders: dict[str, Path]
    ) -> None:
        other = Run(folders["other words"])
        found = examine(beginner, UNSEEN, protocol=EVERYTHING, against=other)
        assert found.not_compared == {"Perplexity, teacher-forced": OTHER_TOKENS}
        assert "Perplexity, teacher-forced" in found.against.figures
        assert "Perplexity, teacher-forced" not in found.differences
        assert "BLEU-1 by word" in found.differences

    def test_a_run_against_a_bundle(self, by_heart: Run) -> None:
        found = examine(by_heart, LEARNT, protocol=EVERYTHING, against=Exported(TINY_BUNDLE))
        assert found.differences["BLEU-4 by character"].value == pytest.approx(0)
        assert "Perplexity, teacher-forced" not in found.differences


def test_ids_are_evaluated_without_text(beginner: Run) -> None:
    """The same replies and the same score as through text, where the words are the ids."""
    sources = [beginner.source(case.question) for case in LEARNT.cases]
    references = [[beginner.tokenizer.encode(case.references[0])] for case in LEARNT.cases]
    found, figures = evaluate_ids(
        beginner.engine, sources, references, Greedy(), names=["BLEU-1", "D2L BLEU(2)"]
    )
    whole = examine(beginner, LEARNT, protocol=EVERYTHING).found
    assert [beginner.tokenizer.decode(one.ids) for one in found] == [a.text for a in whole.answers]
    assert figures.keys() == {"BLEU-1", "D2L BLEU(2)", "Distinct-1", "Distinct-2"}
    replies = [[str(number) for number in one.ids] for one in found]
    streams = [[" ".join(map(str, reference)) for (reference,) in references]]
    expected = BLEU(smooth_method="none", max_ngram_order=1, tokenize="none", force=True)
    assert figures["BLEU-1"].value == pytest.approx(
        expected.corpus_score([" ".join(reply) for reply in replies], streams).score
    )


class TestDefects:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["我", "我", "我"], True),
            (["我", "我"], False),
            (["我", "想", "吃", "我", "想", "吃"], True),
            (["我", "想", "吃", "我", "想", "喝"], False),
            ([], False),
        ],
    )
    def test_repetition(self, words: list[str], expected: bool) -> None:
        assert repeats(words) == expected

    def test_each_has_its_name(self) -> None:
        def of(text: str, *, finished: bool = True, tokens: Sequence[str] = ()) -> set[str]:
            answer = Answer(text, tuple(tokens or text), finished)
            return set(defects_of("你好吗？", answer, list(text), {"再见"}))

        assert of("还行") == set()
        assert of(" ") == {"empty"}
        assert of("还", finished=False) == {"cut at the greatest length"}
        assert of("还还还") == {"repeats itself"}
        assert of("还\ufffd", tokens=["还", "\ufffd"]) == {"unknown tokens"}
        assert of("你好吗") == {"copies the question"}
        assert of("再见") == {"copies a training reply"}
        assert not set(defects_of("？", Answer("！", ("！",), True), ["！"], None))

    def test_the_ten_most_frequent_replies_are_generic(self, beginner: Run) -> None:
        """12 different answers, of which the first is given twice: 11 of 13 are in the ten."""

        class Parrot:
            path, facts = beginner.path, beginner.facts
            tokenizer, decoding, context = beginner.tokenizer, Greedy(), 0
            source = staticmethod(beginner.source)

            def answers(self, questions, decoding, tell) -> list[Answer]:
                return [Answer(question, tuple(question), True) for question in questions]

            def training_replies(self) -> None:
                return None

        questions = [f"第{n}句" for n in range(12)] + ["第0句"]
        found = examine(Parrot(), held_out([(q, "好") for q in questions]), protocol="d2l").found
        assert (found.defects.replies, found.defects.different) == (13, 12)
        assert found.defects.generic == 11
        assert found.defects.counts["copies the question"] == 13

    def test_lengths(self) -> None:
        found = lengths([[1], [1, 2], [1, 2, 3], [1] * 10])
        assert (found.mean, found.median, found.longest) == (4, 2.5, 10)


@pytest.fixture(scope="module")
def compared(by_heart: Run, beginner: Run) -> Examination:
    tests = held_out([*HELD_OUT, *((text, text) for text in HOSTILE)])
    return examine(by_heart, tests, protocol=EVERYTHING, against=beginner, free_running=True)


class TestRendering:
    def test_the_json_holds_every_figure(self, compared: Examination) -> None:
        found = json.loads(json.dumps(as_dict(compared), allow_nan=False))
        assert found["versions"].keys() == {"duihua", "python", "torch", "onnxruntime", "numpy"}
        assert found["decoding"]["kind"] == "greedy"
        assert found["corpus"]["questions"] == len(HELD_OUT) + len(HOSTILE)
        for side in ("model", "against"):
            assert found[side]["figures"].keys() == compared.found.figures.keys()
            assert found[side]["figures"]["chrF2"].keys() == {"value", "low", "high"}
            assert found[side]["defects"]["counts"].keys() == set(DEFECTS)
        assert found["differences"]["chrF2"].keys() == {"value", "low", "high", "p"}

    def test_the_lines_hold_every_figure(self, compared: Examination) -> None:
        lines = list(as_lines(compared))
        for name, figure in compared.found.figures.items():
            (line,) = [line for line in lines if line.startswith(f"{name}  ")]
            places = 4 if name.startswith(("D2L", "Distinct")) else 2
            assert f"{figure.value:,.{places}f}" in line
        assert [line for line in lines if line.startswith("repeats itself")]

    def test_one_model_alone(self, by_heart: Run) -> None:
        found = examine(by_heart, LEARNT, protocol="lccc")
        text = "\n".join(as_lines(found))
        assert "sample, temperature 0.7, top_k 0, top_p 0.9, seed 0" in text
        assert "Greedy Matching and Embedding Average" in text
        assert as_dict(found)["against"] is None


class TestPage:
    def test_nothing_is_loaded_or_run(self, compared: Examination) -> None:
        assert_safe(page(compared))

    def test_what_was_said_is_text(self, compared: Examination) -> None:
        html = page(compared)
        texts = Page(html).texts
        for hostile in HOSTILE:
            assert hostile.replace("\u202e", "\N{REPLACEMENT CHARACTER}") in texts
        assert "\u202e" not in html
        for found in (compared.found, compared.against):
            for answer in found.answers:
                assert answer.text in texts

    def test_the_figures_are_there(self, compared: Examination) -> None:
        texts = Page(page(compared)).texts
        for name, figure in compared.found.figures.items():
            assert name in texts
            places = 4 if name.startswith(("D2L", "Distinct")) else 2
            assert f"{figure.value:,.{places}f}" in texts

    def test_chinese_is_chinese(self, compared: Examination) -> None:
        """Nothing is left in English but names: measures, settings, paths."""
        found = Page(page(compared, language=CHINESE))
        known = re.compile(
            r"BLEU-\d|D2L BLEU|chrF|Distinct-\d|max_length|UTC|color-scheme|by heart|beginner|pairs"
        )
        left = [
            text
            for text in found.texts
            if re.search("[A-Za-z]{3}", text) and not known.search(text) and text not in HOSTILE
        ]
        assert left == [HOSTILE[-1].replace("\u202e", "\N{REPLACEMENT CHARACTER}")] * 2

    def test_many_cases_show_some(self, beginner: Run) -> None:
        found = examine(beginner, held_out([*HELD_OUT] * 60), protocol="d2l")
        assert Page(page(found)).names.count("article") == 200

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("width", [390, 1280])
    def test_it_fits_a_screen(
        self, compared: Examination, tmp_path: Path, width: int, language: str
    ) -> None:
        playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")
        chromium = shutil.which("chromium")
        if chromium is None:
            pytest.skip("no chromium: apt-get install chromium")
        file = tmp_path / "page.html"
        html = page(compared, language=CHINESE) if language == "zh" else page(compared)
        file.write_text(html, encoding="utf-8")
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            opened = browser.new_page(viewport={"width": width, "height": 900})
            complaints: list[str] = []
            opened.on("console", lambda message: complaints.append(message.text))
            opened.goto(file.as_uri())
            wide = opened.evaluate("document.documentElement.scrollWidth")
            styled = opened.evaluate("getComputedStyle(document.querySelector('section')).padding")
            browser.close()
        assert wide == width
        assert styled != "0px"
        assert complaints == []


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable:
    """Run `chatbot evaluate` in this process; return the exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chatbot", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return (caught.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{q}\t{a}\n" for q, a in HELD_OUT), encoding="utf-8")
    return path


class TestCommand:
    def test_json(self, call: Callable, folders: dict[str, Path], file: Path) -> None:
        code, out, err = call(folders["beginner"], file, "--json", "--beam", 2, "--limit", 3)
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert found["decoding"]["width"] == 2
        sizes = {"questions": 3, "questions_found": 4, "references": 3}
        assert found["corpus"] == {"path": str(file), "split": None} | sizes
        assert found["protocol"] == "everything"

    def test_a_table_and_a_page(
        self, call: Callable, folders: dict[str, Path], file: Path, tmp_path: Path
    ) -> None:
        html = tmp_path / "page.html"
        code, out, err = call(
            *(folders["beginner"], file, "--against", folders["by heart"]),
            *("--html", html, "--free-running", "--references", "grouped"),
        )
        assert code == 0
        assert err == f"{html}: written\n"
        assert "Perplexity, free-running" in out
        assert "difference" in out
        assert Page(html.read_text(encoding="utf-8")).names.count("article") == len(HELD_OUT)

    def test_a_protocol_brings_its_search_and_the_caller_changes_it(
        self, call: Callable, folders: dict[str, Path], file: Path
    ) -> None:
        _, out, _ = call(folders["beginner"], file, "--protocol", "lccc", "--json", "--seed", 5)
        expected = Sample(temperature=0.7, top_k=0, top_p=0.9, seed=5)
        assert from_dict(json.loads(out)["decoding"]) == expected

    def test_a_store_and_a_bundle(self, call: Callable, make_store: Callable) -> None:
        store = make_store([("train", "甲", "乙"), ("valid", *TINY_PAIRS[0])])
        code, out, _ = call(TINY_BUNDLE, store, "--split", "valid")
        assert code == 0
        assert "split valid: 1 questions" in out
        assert ONLY_ANSWERS in out

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["nowhere", "pairs.tsv"], 2, "nowhere: neither run.json nor manifest.json"),
            ([TINY_BUNDLE, "nowhere"], 4, "nowhere: no test set (No such file or directory)"),
            ([TINY_BUNDLE, "x", "--protocol", "bleu"], 2, "'bleu' is not one of"),
            ([TINY_BUNDLE, "x", "--limit", "-1"], 2, "-1 is not in the range"),
        ],
    )
    def test_what_cannot_be_meant(
        self, call: Callable, arguments: list[object], code: int, message: str
    ) -> None:
        found, out, err = call(*arguments)
        assert (found, out) == (code, "")
        assert message in err
        assert err.startswith("error: ")

    def test_the_protocols_of_the_command_line_are_those_there_are(self, call: Callable) -> None:
        _, out, _ = call("--help")
        offered = re.search(r"--protocol \[([^\]]+)\]", out)
        assert {*offered[1].split("|")} == PROTOCOLS.keys() - {EVERYTHING}


def test_nothing_of_the_tests_is_needed_to_evaluate() -> None:
    code = (
        "import sys, chatbot.training.evaluating.page, chatbot.training.metrics;"
        "print({'sacrebleu', 'corpus_tools', 'sqlalchemy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
