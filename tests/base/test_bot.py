"""Text in, reply out, through the graphs of a real bundle."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from chatbot import Beam, ChatBot, Greedy, Sample
from chatbot.bot import BATCH
from chatbot.bundle import IDS_GRAPH, TEXT_GRAPH
from chatbot.engine import IdsEngine, TextEngine, ort
from chatbot.errors import BundleError, UsageError

AWKWARD = [
    "",
    " ",
    "你好" * 50_000,
    "😀👨‍👩‍👧",
    "\ud800",
    "你好\udfff\ud83d",
    "\x00",
    "你\x00好",
    "\x1e",
    "你\x1e好",
    "\u202eشكرا",
    "\u2066你好\u2069\u200f",
    "鿿鿿",
    "<eos>",
    "\n",
    "a" * 10_000,
]

ALONE = [
    Greedy(),
    Greedy(max_length=2),
    Greedy(min_length=9, no_repeat_ngram=1),
    Greedy(min_length=7, repetition_penalty=1.5),
    Beam(width=1, length_penalty=1.0),
    Sample(seed=1),
    Sample(seed=3, temperature=3.0, top_k=0, top_p=1.0, max_length=12),
    Sample(seed=5, temperature=2.0, min_length=9, no_repeat_ngram=2),
]
"""Searches that give one reply."""

SEVERAL = [
    Beam(width=3),
    Beam(width=64, length_penalty=0.0, min_length=3),
    Sample(seed=2**53 - 1, samples=5, temperature=2.0, top_k=0),
]


@pytest.fixture
def without_batches(folder) -> ChatBot:
    """The small bundle as an exporter writes it that was not asked for a graph for batches."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["files"][IDS_GRAPH]
    (folder / IDS_GRAPH).unlink()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return ChatBot.load(folder)


def alike(one, other) -> bool:
    """Whether two replies are one reply, computed by two graphs."""
    return (
        (one.text, one.tokens, one.finished, one.source)
        == (other.text, other.tokens, other.finished, other.source)
        and one.score == pytest.approx(other.score, abs=1e-4)
        and one.attention.shape == other.attention.shape
        and np.allclose(one.attention, other.attention, atol=1e-5)
    )


class TestReply:
    def test_the_replies_are_those_that_the_bundle_promises(self, bot, without_batches):
        assert bot.verify() == []
        assert without_batches.verify() == []

    def test_a_reply_is_the_best_of_what_the_vector_lists(self, bot):
        for case in bot.bundle.golden():
            reply = bot.reply(case.text, case.decoding)
            assert reply.text == bot.bundle.tokenizer.decode(case.replies[0].ids)
            assert reply.text == "".join(reply.tokens)
            assert reply.score == pytest.approx(case.replies[0].score, abs=1e-3)

    @pytest.mark.parametrize("text", AWKWARD, ids=lambda text: ascii(text)[:12])
    @pytest.mark.parametrize("decoding", [Greedy(), Beam(width=3), Sample(seed=1)], ids=str)
    def test_any_text_gets_a_reply(self, bot, text, decoding):
        reply = bot.reply(text, decoding)
        assert reply.text == "".join(reply.tokens)
        assert reply.score <= 0
        assert len(reply.source) <= bot.bundle.manifest["max_source"]

    @pytest.mark.parametrize("longest", [1, 2, 5])
    @pytest.mark.parametrize("decoding", [Greedy, Beam, Sample])
    def test_a_reply_is_not_longer_than_was_asked_for(self, bot, texts, decoding, longest):
        for text in texts:
            reply = bot.reply(text, decoding(max_length=longest))
            assert len(reply.tokens) + reply.finished <= longest

    def test_a_reply_says_whether_it_was_finished(self, bot, texts):
        whole = bot.reply(texts[0])
        assert whole.finished
        length = len(whole.tokens)
        assert bot.reply(texts[0], Greedy(max_length=length + 1)) == whole
        cut = bot.reply(texts[0], Greedy(max_length=length))
        assert (cut.text, cut.finished) == (whole.text, False)  # only its end mark is missing

    def test_a_reply_says_what_was_read(self, bot):
        """The tiny vocabulary knows 你好, 我 and iphone, and neither 鿿 nor most letters."""
        assert bot.reply("你好，我的ｉＰｈｏｎｅ").source == (
            "你好",
            "，",
            "我",
            "的",
            "iphone",
            "<eos>",
        )
        assert bot.reply("鿿").source == ("<unk>", "<eos>")
        assert bot.reply("").source == ("<eos>",)

    def test_a_long_text_is_read_up_to_the_length_of_the_model(self, bot):
        most = bot.bundle.manifest["max_source"]
        assert bot.reply("你" * 100_000).source == ("你",) * (most - 1) + ("<eos>",)

    @pytest.mark.parametrize("decoding", [*ALONE, *SEVERAL], ids=str)
    def test_the_attention_has_a_row_for_each_token_that_sums_to_one(self, bot, texts, decoding):
        for text in [*texts, "", "鿿"]:
            for reply in bot.candidates(text, decoding):
                rows = len(reply.tokens) + reply.finished  # the end mark has one too
                assert reply.attention.shape == (rows, len(reply.source))
                np.testing.assert_allclose(reply.attention.sum(axis=1), 1, atol=1e-5)

    def test_turns_before_are_ignored_by_a_model_that_knows_none(self, bot, texts):
        assert bot.bundle.manifest["context"] == 0
        for text in texts:
            assert bot.reply(text, context=texts) == bot.reply(text)

    def test_turns_before_are_read_newest_first(self, folder, monkeypatch):
        manifest = json.loads((folder / "manifest.json").read_bytes()) | {"context": 2}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        read = []
        replies = TextEngine.replies

        def listen(engine, text, decoding):
            read.append(text)
            return replies(engine, text, decoding)

        monkeypatch.setattr(TextEngine, "replies", listen)
        bot = ChatBot.load(folder)
        before = ["一", "二\x1e三", "四"]
        bot.reply("五", context=before)
        bot.candidates("五", context=before)
        list(bot.stream("五", context=before))
        assert set(read) == {"五\x1e四\x1e二 三"}


class TestCandidates:
    @pytest.mark.parametrize("decoding", [*ALONE, *SEVERAL], ids=str)
    def test_there_are_as_many_as_were_asked_for_best_first(self, bot, texts, decoding):
        for text in texts:
            found = bot.candidates(text, decoding)
            scores = [one.score for one in found]
            assert len(found) == decoding.hypotheses
            assert scores == sorted(scores, reverse=True)
            assert found[0] == bot.reply(text, decoding)

    def test_they_are_what_the_vectors_list(self, bot):
        for case in bot.bundle.golden():
            found = bot.candidates(case.text, case.decoding)
            expected = [bot.bundle.tokenizer.decode(one.ids) for one in case.replies]
            assert [one.text for one in found] == expected

    def test_a_beam_holds_no_reply_twice(self, bot, texts):
        for text in texts:
            found = [one.tokens for one in bot.candidates(text, Beam(width=16))]
            assert len(set(found)) == len(found)

    def test_the_seed_decides_a_sample(self, bot):
        wild = {"temperature": 3.0, "top_k": 0, "top_p": 1.0, "min_length": 20}
        drawn = [bot.reply("你好", Sample(seed=seed, **wild)).text for seed in (1, 2, 1)]
        assert drawn[0] == drawn[2] != drawn[1]
        assert bot.reply("你好", Sample(**wild)) != bot.reply("你好", Sample(**wild))


class TestReplies:
    @pytest.mark.parametrize("decoding", [None, *ALONE, *SEVERAL], ids=str)
    @pytest.mark.parametrize("graphs", ["both", "text only"])
    def test_a_batch_gives_the_replies_of_its_members(
        self, bot, without_batches, texts, decoding, graphs
    ):
        asked = bot if graphs == "both" else without_batches
        some = [*texts, *AWKWARD]
        together = asked.replies(some, decoding)
        assert len(together) == len(some)
        for text, reply in zip(some, together, strict=True):
            assert alike(reply, bot.reply(text, decoding)), text

    def test_more_texts_than_one_batch_keep_their_order(self, bot, texts, monkeypatch):
        sizes, run = [], IdsEngine.generate

        def generate(engine, sources, decoding):
            sizes.append(len(sources))
            return run(engine, sources, decoding)

        monkeypatch.setattr(IdsEngine, "generate", generate)
        many = [texts[number % len(texts)] for number in range(2 * BATCH + 1)]
        replies = bot.replies(many)
        assert [reply.text for reply in replies] == [bot.reply(text).text for text in many]
        assert sizes == [BATCH, BATCH, 1]

    def test_without_a_seed_all_texts_share_one(self, bot):
        wild = Sample(temperature=100.0, top_k=0, top_p=1.0, min_length=10, max_length=10)
        assert len({reply.text for reply in bot.replies(["你好"] * 5, wild)}) == 1

    def test_one_text_or_none(self, bot, without_batches):
        for one in (bot, without_batches):
            assert one.replies([]) == []
            assert one.replies(["你好"]) == [bot.reply("你好")]

    def test_which_bundles_have_a_graph_for_them(self, bot, without_batches):
        assert bot.bundle.has_ids_graph
        assert not without_batches.bundle.has_ids_graph

    def test_their_graph_is_loaded_when_it_is_first_wanted(self, folder, rewrite):
        rewrite(folder, IDS_GRAPH, b"not a graph")
        bot = ChatBot.load(folder)
        assert bot.reply("你好").text != ""
        with pytest.raises(BundleError, match="onnxruntime refuses the graph"):
            bot.replies(["你好", "再见"])

    def test_a_text_cannot_bring_turns_of_its_own(self, folder, rewrite):
        """A model that reads turns has their separator in its vocabulary, not in its table."""
        table = json.loads((folder / "normalisation.json").read_bytes())
        del table["\x1e"]
        rewrite(folder, "normalisation.json", json.dumps(table).encode())
        manifest = json.loads((folder / "manifest.json").read_bytes()) | {"context": 2}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        for reply in ChatBot.load(folder).replies(["我\x1e你", "我 你"]):
            assert reply.source == ("我", "你", "<eos>")


class TestStream:
    @pytest.mark.parametrize("decoding", [None, *ALONE], ids=str)
    def test_joined_it_is_the_reply(self, bot, texts, decoding):
        for text in [*texts, "", "鿿", "你好" * 50_000]:
            parts = list(bot.stream(text, decoding))
            assert parts == list(bot.reply(text, decoding).tokens)

    def test_a_token_comes_as_soon_as_it_is_known(self, bot, runs):
        stream = bot.stream("你好", Greedy(min_length=8))
        assert runs == []
        for expected in ([1], [1, 3], [1, 3], [1, 3, 9], [1, 3, 9]):
            next(stream)
            assert [decoding.max_length for decoding, _ in runs] == expected

    def test_the_search_is_not_run_again_once_the_reply_has_its_end(self, bot, runs):
        assert len(list(bot.stream("你好", Greedy(max_length=500)))) == 3
        assert [(how.max_length, reply.finished) for how, reply in runs] == [
            (1, False),
            (3, False),
            (9, True),
        ]

    def test_without_a_seed_it_is_one_reply_all_the_same(self, bot, runs):
        wild = Sample(temperature=100.0, top_k=0, top_p=1.0, min_length=20, max_length=20)
        streams = ["".join(bot.stream("你好", wild)) for _ in range(2)]
        assert streams[0] != streams[1]
        of_first = runs[: len(runs) // 2]
        assert {decoding.seed for decoding, _ in of_first} == {runs[0][0].seed} != {None}
        for (_, shorter), (_, longer) in pairwise(of_first):
            assert longer.text.startswith(shorter.text)
        assert streams[0] == of_first[-1][1].text

    def test_it_is_cut_at_the_greatest_length(self, bot):
        whole = bot.reply("你好")
        for longest in range(1, 6):
            parts = list(bot.stream("你好", Greedy(max_length=longest)))
            assert parts == list(whole.tokens[:longest])

    @pytest.mark.parametrize("decoding", SEVERAL, ids=str)
    def test_what_may_change_its_mind_is_refused_at_once(self, bot, decoding):
        with pytest.raises(UsageError, match="cannot stream: choose Greedy, or Sample with sam"):
            bot.stream("你好", decoding)

    @pytest.fixture
    def runs(self, monkeypatch):
        """What was asked of the graph, and its best reply, run by run."""
        seen = []
        replies = TextEngine.replies

        def listen(engine, text, decoding):
            found = replies(engine, text, decoding)
            seen.append((decoding, found[0]))
            return found

        monkeypatch.setattr(TextEngine, "replies", listen)
        return seen


class TestThreads:
    def test_they_share_a_bot(self, folder, texts):
        bot = ChatBot.load(folder)
        decodings = cycle([*ALONE, *SEVERAL])
        work = list(islice(zip(cycle(texts), decodings, strict=False), 300))
        ways = [
            bot.reply,
            bot.candidates,
            lambda text, decoding: bot.replies([text, "再见", ""], decoding),
            lambda text, decoding: "".join(bot.stream(text, ALONE[len(text) % len(ALONE)])),
        ]
        tasks = [(way, *one) for way, one in zip(cycle(ways), work, strict=False)]

        def do(task):
            way, text, decoding = task
            return way(text, decoding)

        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(do, tasks))  # the graph for batches is loaded in here
        assert together == [do(task) for task in tasks]

    def test_two_bots_side_by_side_do_not_disturb_each_other(self, folder, texts):
        """Each in its own thread, with another search: what is asked of one stays with it."""
        bots = [(ChatBot.load(folder), Greedy()), (ChatBot.load(folder), Sample(seed=4, samples=2))]
        alone = [[bot.candidates(text, how) for text in texts] for bot, how in bots]
        with ThreadPoolExecutor(2) as pool:
            for _ in range(10):
                runs = [
                    pool.submit(lambda bot, how: [bot.candidates(t, how) for t in texts], bot, how)
                    for bot, how in bots
                ]
                assert [run.result() for run in runs] == alone

    def test_those_of_the_runtime_change_nothing(self, folder, texts):
        one, two = ChatBot.load(folder, threads=1), ChatBot.load(folder, threads=2)
        assert [r.text for r in one.replies(texts)] == [r.text for r in two.replies(texts)]

    def test_absurdly_many_are_no_error(self, folder):
        assert ChatBot.load(folder, threads=10**12).reply("你好").text != ""

    @pytest.mark.parametrize("threads", [-1, 1.5, "many", None, float("nan"), True])
    def test_what_is_no_number_of_threads_is_one(self, folder, threads):
        with pytest.raises(UsageError, match=r"threads=.*: expected a whole number from 0"):
            ChatBot.load(folder, threads=threads)


def test_both_graphs_are_loaded_in_the_same_way(folder, monkeypatch):
    seen = []
    load = ort.InferenceSession

    def listen(graph, options, providers, **others):
        seen.append((options.intra_op_num_threads, providers))
        return load(graph, options, ["CPUExecutionProvider"], **others)

    monkeypatch.setattr(ort, "InferenceSession", listen)
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["OneProvider", "OtherProvider"])
    bot = ChatBot.load(folder, threads=2, providers=["OtherProvider", "OneProvider"])
    bot.replies(["你好", "再见"])
    assert seen == [(2, ["OtherProvider", "OneProvider"])] * 2


def test_the_providers_of_the_runtime(folder):
    chosen = ChatBot.load(folder, providers=["CPUExecutionProvider"])
    assert chosen.reply("你好").text == ChatBot.load(folder).reply("你好").text
    message = "execution provider 'NoSuchProvider': this onnxruntime has .*CPUExecutionProvider"
    with pytest.raises(UsageError, match=message):
        ChatBot.load(folder, providers=["CPUExecutionProvider", "NoSuchProvider"])


def in_a_vector(change):
    """Return what damages the second conformance vector of a bundle."""

    def damage(folder: Path, rewrite) -> None:
        lines = (folder / "golden.jsonl").read_bytes().splitlines(keepends=True)
        case = json.loads(lines[1])
        change(case)
        lines[1] = json.dumps(case).encode() + b"\n"
        rewrite(folder, "golden.jsonl", b"".join(lines))

    return damage


class TestVerify:
    @pytest.mark.parametrize(
        ("change", "messages"),
        [
            (lambda case: case["ids"].insert(0, 5), [r"ids \(.*\), expected \(5, "]),
            (lambda case: case.update(ids=[]), [r"ids \(.*\), expected \(\)"]),
            (lambda case: case.update(ids=["\ud800"]), [r"ids \(.*\), expected \('"]),
            (lambda case: case.update(ids=[10**30]), [r"ids \(.*\), expected \(10{30},\)"]),
            (lambda case: case["replies"][0]["ids"].append(5), ["gives other replies than"] * 2),
            (lambda case: case["replies"].clear(), ["gives other replies than expected"] * 2),
            (lambda case: case["replies"][0].update(score=-99.0), ["score off by"] * 2),
            (lambda case: case["replies"][0].update(score=float("nan")), ["score off by nan"] * 2),
        ],
    )
    def test_names_what_differs(self, folder, rewrite, change, messages):
        """Each graph is compared on its own."""
        in_a_vector(change)(folder, rewrite)
        found = ChatBot.load(folder).verify()
        assert len(found) == len(messages)
        for message, difference in zip(messages, found, strict=True):
            assert re.search(message, difference)

    def test_names_a_tokenizer_of_another_model(self, folder, rewrite):
        data = (folder / "vocabulary.json").read_bytes()
        rewrite(folder, "vocabulary.json", data.replace('"你好"'.encode(), '"早安"'.encode()))
        differences = ChatBot.load(folder).verify()
        assert any("not those of their ids" in one for one in differences)
        assert any(re.search(r"ids \(.*\), expected", one) for one in differences)

    @pytest.mark.parametrize(
        "values",
        [{"text": 5}, {"text": None}, {"replies": [{"ids": [5], "score": 10**400}]}, {"ids": 5}],
    )
    def test_vectors_of_another_shape(self, folder, rewrite, values):
        in_a_vector(lambda case: case.update(values))(folder, rewrite)
        with pytest.raises(BundleError, match="line 2: no conformance vector"):
            ChatBot.load(folder).verify()

    def test_vectors_without_end(self, folder, rewrite):
        rewrite(folder, "golden.jsonl", b"[" * 100_000)
        with pytest.raises(BundleError, match="line 1: no conformance vector"):
            ChatBot.load(folder).verify()


class TestAForeignVocabulary:
    @pytest.fixture
    def small(self, folder, rewrite) -> ChatBot:
        vocabulary = json.loads((folder / "vocabulary.json").read_bytes())
        fewer = {name: values[:6] for name, values in vocabulary.items()}
        rewrite(folder, "vocabulary.json", json.dumps(fewer).encode())
        return ChatBot.load(folder)

    def test_a_reply_does_not_need_it(self, small, bot):
        assert small.reply("你好") == bot.reply("你好")

    def test_a_batch_and_the_vectors_do(self, small):
        for use in (lambda: small.replies(["你好龘", "你"]), small.verify):
            with pytest.raises(BundleError, match="ids that its vocabulary of 6 lacks"):
                use()

    def test_ids_that_the_graph_lacks(self, folder, rewrite):
        vocabulary = json.loads((folder / "vocabulary.json").read_bytes())
        words = [f"甲{number}" for number in range(9_000)] + ["龘"]
        more = {
            "tokens": vocabulary["tokens"] + words,
            "costs": vocabulary["costs"] + [0] * len(words),
        }
        rewrite(folder, "vocabulary.json", json.dumps(more).encode())
        with pytest.raises(BundleError, match="the graph fails"):
            ChatBot.load(folder).replies(["你好龘", "你"])


def test_a_refused_graph_prints_nothing(folder, rewrite, capfd):
    graph = (folder / TEXT_GRAPH).read_bytes()
    rewrite(folder, TEXT_GRAPH, graph.replace(b"length_penalty", b"\xff" * 14))
    with pytest.raises(BundleError):
        ChatBot.load(folder)
    assert capfd.readouterr() == ("", "")
