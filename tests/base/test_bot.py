"""Text in, reply out, through the graph of a real bundle."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatbot import Beam, ChatBot, Greedy
from chatbot.bundle import GRAPH
from chatbot.errors import BundleError

AWKWARD = [
    "",
    " ",
    "你好" * 5000,
    "😀👨‍👩‍👧",
    "\ud800",
    "\x00",
    "\u202eشكرا",
    "鿿鿿",
    "<eos>",
    "\n",
    "a" * 10_000,
]


def test_the_replies_are_those_that_the_bundle_promises(bot):
    assert bot.verify() == []


def test_a_reply_is_the_best_of_what_the_vector_lists(bot):
    for case in bot.bundle.golden():
        reply = bot.reply(case.text, case.decoding)
        assert reply.text == bot.bundle.tokenizer.decode(case.replies[0].ids)
        assert reply.text == "".join(reply.tokens)
        assert reply.score == pytest.approx(case.replies[0].score, abs=1e-3)


@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: ascii(text)[:12])
def test_any_text_gets_a_reply(bot, text):
    reply = bot.reply(text)
    assert isinstance(reply.text, str)
    assert reply.score <= 0


@pytest.mark.parametrize("decoding", [None, Greedy(), Beam(width=3), Greedy(max_length=2)])
def test_a_batch_gives_the_replies_of_its_members(bot, texts, decoding):
    some = [*texts[:5], "", "鿿"]
    together = bot.replies(some, decoding)
    for text, reply in zip(some, together, strict=True):
        alone = bot.reply(text, decoding)
        assert alone.text == reply.text
        assert alone.score == pytest.approx(reply.score, abs=1e-4)


def test_no_texts_no_replies(bot):
    assert bot.replies([]) == []


@pytest.mark.parametrize("longest", [1, 2, 5])
def test_a_reply_is_not_longer_than_was_asked_for(bot, texts, longest):
    for reply in bot.replies(texts, Beam(max_length=longest)):
        assert len(reply.tokens) <= longest


def test_threads_share_a_bot(bot, texts):
    work = texts * 10
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(bot.reply, work)) == [bot.reply(text) for text in work]


def test_threads_of_the_runtime(folder, texts):
    one, two = ChatBot.load(folder, threads=1), ChatBot.load(folder, threads=2)
    assert [r.text for r in one.replies(texts)] == [r.text for r in two.replies(texts)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda case: case["ids"].insert(0, 5), r"ids \(.*\), expected \(5, "),
        (lambda case: case["replies"][0]["ids"].append(5), "gives other replies than expected"),
        (lambda case: case["replies"].clear(), "gives other replies than expected"),
        (lambda case: case["replies"][0].update(score=-99.0), "score off by"),
        (lambda case: case["replies"][0].update(score=float("nan")), "score off by nan"),
    ],
)
def test_verify_names_what_differs(folder, rewrite, change, message):
    lines = (folder / "golden.jsonl").read_bytes().splitlines(keepends=True)
    case = json.loads(lines[1])
    change(case)
    lines[1] = json.dumps(case).encode() + b"\n"
    rewrite(folder, "golden.jsonl", b"".join(lines))
    [difference] = ChatBot.load(folder).verify()
    assert re.search(message, difference)


def test_a_graph_that_is_none(folder, rewrite):
    rewrite(folder, GRAPH, b"not a graph")
    with pytest.raises(BundleError, match="onnxruntime refuses the graph"):
        ChatBot.load(folder)


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [(b"src_len", b"src_lex", "the graph takes"), (b"lengths", b"lengthz", "the graph gives")],
)
def test_a_graph_with_other_names(folder, rewrite, name, other, message):
    graph = (folder / GRAPH).read_bytes()
    rewrite(folder, GRAPH, graph.replace(name, other))  # the same length: still well-formed
    with pytest.raises(BundleError, match=message):
        ChatBot.load(folder)


def small_vocabulary(folder, rewrite):
    vocabulary = json.loads((folder / "vocabulary.json").read_bytes())
    fewer = {name: values[:6] for name, values in vocabulary.items()}
    rewrite(folder, "vocabulary.json", json.dumps(fewer).encode())


def large_vocabulary(folder, rewrite):
    vocabulary = json.loads((folder / "vocabulary.json").read_bytes())
    words = [f"甲{number}" for number in range(9_000)] + ["龘"]
    more = {
        "tokens": vocabulary["tokens"] + words,
        "costs": vocabulary["costs"] + [0] * len(words),
    }
    rewrite(folder, "vocabulary.json", json.dumps(more).encode())


@pytest.mark.parametrize(
    ("swap", "message"),
    [
        (small_vocabulary, "ids that its vocabulary of 6 lacks"),
        (large_vocabulary, "the graph fails"),
    ],
)
def test_a_graph_of_another_model(folder, rewrite, swap, message):
    swap(folder, rewrite)
    bot = ChatBot.load(folder)
    with pytest.raises(BundleError, match=message):
        bot.reply("你好龘")


@pytest.mark.parametrize(
    "values",
    [{"text": 5}, {"text": None}, {"replies": [{"ids": [5], "score": 10**400}]}],
)
def test_conformance_vectors_of_another_shape(folder, rewrite, values):
    line = (folder / "golden.jsonl").read_bytes().splitlines()[0]
    rewrite(folder, "golden.jsonl", json.dumps(json.loads(line) | values).encode())
    with pytest.raises(BundleError, match="line 1: no conformance vector"):
        ChatBot.load(folder).verify()


def test_conformance_vectors_without_end(folder, rewrite):
    rewrite(folder, "golden.jsonl", b"[" * 100_000)
    with pytest.raises(BundleError, match="line 1: no conformance vector"):
        ChatBot.load(folder).verify()


def test_absurdly_many_threads_are_no_error(folder):
    assert ChatBot.load(folder, threads=10**12).reply("你好").text != ""


def test_a_refused_graph_prints_nothing(folder, rewrite, capfd):
    graph = (folder / GRAPH).read_bytes()
    rewrite(folder, GRAPH, graph.replace(b"length_penalty", b"\xff" * 14))
    with pytest.raises(BundleError):
        ChatBot.load(folder)
    assert capfd.readouterr().out == ""
