"""The graph cuts text into the ids that `Tokenizer.source` gives, and joins ids to text."""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot import Tokenizer, Vocabulary
from chatbot.errors import ExportError
from chatbot.text import NORMALISATION, normalise
from chatbot.training.export import segmentation
from chatbot.training.export.graph import INT64, STRING, Graph
from chatbot.vocabulary import BOS, EOS, PAD, SEPARATOR, SPECIALS, UNK

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"

M = 30
"""Ids of a source unless a test says otherwise."""


def tokenizer(costs: Mapping[str, int], table: Mapping[str, str] = NORMALISATION) -> Tokenizer:
    return Tokenizer(Vocabulary((*SPECIALS, *costs), (0, 0, 0, 0, *costs.values())), table)


def new_graph() -> Graph:
    return Graph(opsets={"": 20, **segmentation.DOMAINS})


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def source_graph(known: Tokenizer, max_source: int = M) -> Callable[[str], list[int]]:
    """Return the segmentation of a tokenizer as a function of the text."""
    graph = new_graph()
    text = graph.input("text", STRING, [1])
    ids = segmentation.source(text, known, max_source)
    runs = session(graph.model({"source": (ids, INT64, ["S"])}))

    def run(text: str) -> list[int]:
        return runs.run(None, {"text": np.array([text], dtype=object)})[0].tolist()

    return run


def reply_graph(known: Tokenizer) -> Callable[[list[list[int]]], list[np.ndarray]]:
    """Return texts, tokens and names of replies as a function of their ids."""
    graph = new_graph()
    ids = graph.input("ids", INT64, ["K", "T"])
    text, tokens = segmentation.reply_text(ids, known.vocabulary)
    names = segmentation.names(ids, known.vocabulary)
    matrix = (STRING, ["K", "T"])
    outputs = {
        "text": (text, STRING, ["K"]),
        "tokens": (tokens, *matrix),
        "names": (names, *matrix),
    }
    runs = session(graph.model(outputs))
    return lambda ids: runs.run(None, {"ids": np.array(ids, dtype=np.int64)})


def differing(known: Tokenizer, texts: Iterable[str], max_source: int = M) -> list[str]:
    run = source_graph(known, max_source)
    return [text for text in texts if run(text) != known.source(text, max_source)]


# Latin words and digits, words across units, units dearer than their characters, spaces, emoji, and
# many paths of equal cost.
MIXED = tokenizer(
    {
        **dict.fromkeys("天气好你吗不很ab12 ！", 4),
        **dict.fromkeys(["天气", "气好", "你好", "ab", "12", "1", "c", "a b"], 8),
        **dict.fromkeys(["天气好", "你好吗", "ab12", "好ab", "12天", "hello world"], 12),
        "hello": 3,
        "k": 2,
        "x": 2,
        "xk": 50,
        "99": 60,
        "天气好你": 15,
        "😀": 5,
        "👍🏽": 6,
        SEPARATOR: 1,
        "0" * 9: 1,
    }
)
RUN = source_graph(MIXED)
PIECES = st.sampled_from(
    [
        *MIXED.vocabulary.id_of,
        *"abkxyz0129",
        *" \u3000\t",
        *"ＡＺ９?!\0\u200b\ufe0f",
        "猫",
    ]
)


@settings(deadline=None, max_examples=500)
@given(st.text())
@example("")
@example("\0")
@example("你\0好")
@example("\u202eالعربية\u200f")
@example("👨‍👩‍👧\U0010ffff\uffff")
@example("\r\n\n")
def test_any_text(text: str) -> None:
    assert RUN(text) == MIXED.source(text, M)


@settings(deadline=None, max_examples=500)
@given(st.lists(PIECES).map("".join))
@example(" ")
@example(" a  b ")
@example("a 你 b")
@example("天气好你")
@example("ab12天")
def test_texts_of_what_the_vocabulary_knows(text: str) -> None:
    assert RUN(text) == MIXED.source(text, M)


ALPHABET = "天气好ab1 "


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(st.text(ALPHABET, min_size=1, max_size=4), st.integers(0, 9), min_size=1),
    st.dictionaries(st.sampled_from("天aX"), st.sampled_from(["", " ", "b", "气"])),
    st.integers(1, 12),
    st.lists(st.text(ALPHABET + "X", max_size=20), min_size=10, max_size=10),
)
@example({"天": 1}, {}, 1, ["天天"])
def test_any_vocabulary_table_and_length(
    costs: dict[str, int], table: dict[str, str], max_source: int, texts: list[str]
) -> None:
    assert differing(tokenizer(costs, table), texts, max_source) == []


def test_ten_thousand_hard_sentences() -> None:
    assert differing(MIXED, segmentation.hard_sentences(MIXED, 10_000, seed=1)) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real corpora in {SHARED}")
def test_ten_thousand_real_sentences() -> None:
    with gzip.open(SHARED / "xhj_input.txt.gz", "rt", encoding="utf-8") as lines:
        texts = [line.rstrip("\n") for line in islice(lines, 10_000)]
    counts: Counter[str] = Counter()
    for text in map(normalise, texts):
        for length in (1, 2, 3, 4):  # every piece that comes again may be a word
            counts.update(text[start : start + length] for start in range(len(text) - length + 1))
    known = Tokenizer(Vocabulary.learn(counts, size=20_000))
    assert len(known.vocabulary) > 10_000
    assert differing(known, texts) == []


def test_the_example_of_the_specification() -> None:
    page = (ROOT / "exports" / "README.md").read_text("utf-8")
    ((block),) = re.findall("```json\n(.*?)```", page, re.DOTALL)
    shown = json.loads(block)
    stored = json.loads((ROOT / "tests/data/tiny_bundle/vocabulary.json").read_text("utf-8"))
    known = Tokenizer(Vocabulary(stored["tokens"], stored["costs"]))
    assert source_graph(known)(shown["text"]) == shown["source"]


SMALL = {"你": 5, "好": 5, "你好": 10, "好吗": 9, "吗": 4, "a": 7, "b": 7, "ab1": 30, "hello": 3}
# What costs 9 in all, and how it is cut: the longer first word wins, also further on.
TIES = {"天": 3, "气": 3, "好": 3, "天气": 6, "气好": 6}


@pytest.mark.parametrize(
    ("costs", "text", "words"),
    [  # expected values: the rules of exports/README.md, applied by hand; UNK costs 1000 more
        (SMALL, "你好", ["你好"]),  # 10 = 5 + 5
        (SMALL, "你好吗", ["你好", "吗"]),  # 10 + 4 = 5 + 9
        (TIES, "天气好", ["天气", "好"]),
        (TIES, "好天气好", ["好", "天气", "好"]),
        (SMALL, "ＨＥＬＬＯ", ["hello"]),
        (SMALL, "hello hello", ["hello", UNK, "hello"]),  # the space is a character
        (SMALL, "hello  你 hello", ["hello", "你", "hello"]),
        (SMALL, "ab", ["a", "b"]),
        (SMALL, "ab1", ["ab1"]),  # two units that joined are a word; 1 alone is unknown
        (SMALL, "ab12", ["a", "b", UNK, UNK]),  # 12 is one unit: ab1 ends inside it
        (SMALL, "hellob", [UNK, UNK, UNK, UNK, UNK, "b"]),
        (SMALL, "猫", [UNK]),
        (SMALL, " \u3000\t", []),
        (SMALL, "<pad>", [UNK, UNK, "a", UNK, UNK]),
        ({"你": 1, "你" * 40: 1}, "你", ["你"]),  # the longest word is longer than the text
        ({"ab": 99, "a": 1, "b": 1}, "ab", ["ab"]),  # a unit that is a word is not cut
        ({"ab": 99, "a": 1, "b": 1, "你": 1}, "ab你ab", ["ab", "你", "ab"]),
        ({"今天": 9, "天气": 0, "气": 9}, "今天气", ["今天", "气"]),  # 18 < 1009 + 0
        ({"你": 3, "好": 3, "你好": 1 << 40}, "你好", ["你", "好"]),
    ],
)
def test_worked_examples(costs: dict[str, int], text: str, words: list[str | int]) -> None:
    known = tokenizer(costs)
    ids = [known.vocabulary.id_of.get(word, UNK) for word in words]
    assert source_graph(known)(text) == [*ids, EOS]
    assert known.source(text, M) == [*ids, EOS]


def test_a_separator_that_the_table_leaves_alone_is_a_token() -> None:
    table = {key: text for key, text in NORMALISATION.items() if key != SEPARATOR}
    known = tokenizer({"你好": 1, SEPARATOR: 1}, table)
    hello, separator = (known.vocabulary.id_of[word] for word in ("你好", SEPARATOR))
    run = source_graph(known)
    assert run(f"你好{SEPARATOR} 你好") == [hello, separator, hello, EOS]
    assert run(SEPARATOR * 2) == [separator, separator, EOS]


@pytest.mark.parametrize("text", ["a", "你好", " ", "a ", "\0", "猫", "天气好你"])
def test_a_hundred_thousand_characters(text: str) -> None:
    long = text * (100_000 // len(text))
    assert RUN(long) == MIXED.source(long, M)


def test_what_is_cut_off_does_not_count() -> None:
    known = tokenizer({"a" * 32: 1, "a" * 33: 1})
    shorter, longer = known.vocabulary.id_of.values()
    run = source_graph(known, 2)  # 32 characters
    assert run("a" * 33) == [shorter, EOS]
    assert source_graph(known, 3)("a" * 33) == [longer, EOS]
    assert run("\u200b" * 40 + "a" * 32) == [shorter, EOS]  # characters of the normalised text


def test_costs_whose_sum_would_overflow_are_refused() -> None:
    fits = (1 << 62) // (16 * M + 1) - 1000
    assert differing(tokenizer({"你": fits, "好": 1}), ["猫" * 16 * M, "你好" * 8 * M]) == []
    with pytest.raises(ExportError, match="does not fit in 62 bits"):
        source_graph(tokenizer({"你": fits + 1}))


def test_a_token_is_stored_as_text_twice_and_in_twelve_bytes() -> None:
    """Once to be found and once to be shown; an id and a cost."""
    drawn = random.Random(0)
    words = {"".join(chr(0x4E00 + drawn.randrange(5000)) for _ in range(3)) for _ in range(5000)}
    known = tokenizer(dict.fromkeys(sorted(words), 13_000))
    graph = new_graph()
    ids = segmentation.source(graph.input("text", STRING, [1]), known, M)
    names = segmentation.names(ids, known.vocabulary)
    reply, tokens = segmentation.reply_text(graph.input("ids", INT64, ["K", "T"]), known.vocabulary)
    outputs = {"source": (ids, INT64, ["S"]), "names": (names, STRING, ["S"])}
    outputs |= {"reply": (reply, STRING, ["K"]), "tokens": (tokens, STRING, ["K", "T"])}
    text = sum(len(word.encode()) for word in words)
    fixed = 20_000  # the nodes and the table of replacements
    assert graph.model(outputs).ByteSize() < 2 * text + 12 * len(words) + fixed


V = len(MIXED.vocabulary)
REPLY = reply_graph(MIXED)


@settings(deadline=None)
@given(
    st.integers(1, 9).flatmap(
        lambda steps: st.lists(
            st.lists(st.sampled_from([BOS, UNK, *range(4, V)]), max_size=steps).map(
                lambda ids: [*ids, EOS, *[PAD] * steps][:steps]
            ),
            min_size=1,
            max_size=4,
        )
    )
)
@example([[EOS]])
def test_replies_as_text(ids: list[list[int]]) -> None:
    texts, tokens, names = REPLY(ids)
    assert texts.tolist() == [MIXED.decode(row) for row in ids]
    assert ["".join(row) for row in tokens] == texts.tolist()
    assert [[t for t in row if t] for row in tokens] == [MIXED.tokens(row) for row in ids]
    assert names.tolist() == [[MIXED.vocabulary.tokens[number] for number in row] for row in ids]


def test_the_special_tokens_of_a_reply() -> None:
    hello = MIXED.vocabulary.id_of["你好"]
    texts, tokens, names = REPLY([[BOS, hello, UNK, EOS, PAD]])
    assert texts.tolist() == ["你好\ufffd"]
    assert tokens.tolist() == [["", "你好", "\ufffd", "", ""]]
    assert names.tolist() == [["<bos>", "你好", "<unk>", "<eos>", "<pad>"]]


def test_hard_sentences_are_hard_and_the_same_for_a_seed() -> None:
    texts = list(segmentation.hard_sentences(MIXED, 500, seed=3))
    assert texts == list(segmentation.hard_sentences(MIXED, 500, seed=3))
    assert texts != list(segmentation.hard_sentences(MIXED, 500, seed=4))
    assert len(texts) == 500
    assert {"", max(texts, key=len)} <= set(texts)
    together = "".join(texts)
    assert {*"AａＡ９ \u3000\u200b\t?", "😀", SEPARATOR} <= set(together)
    assert max(map(len, texts)) > 16 * M
    sources = [MIXED.source(text, M) for text in texts]
    found = {number for source in sources for number in source}
    assert found >= {UNK, *MIXED.vocabulary.id_of.values()} - {MIXED.vocabulary.id_of[SEPARATOR]}
    together.encode()  # no surrogates
    assert list(segmentation.hard_sentences(tokenizer({"a": 1}, {}), 50, seed=1))
