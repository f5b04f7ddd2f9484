"""`exports/README.md` suffices: clients written from it alone give what the bundles promise.

No code of the project is used, but to compare with where no golden file promises anything.
"""

import hashlib
import json
import random
import re
import shutil
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from jsonschema import Draft202012Validator

from chatbot import Beam, ChatBot, Greedy, Sample
from chatbot.decoding import to_dict

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "tiny_bundle"
FOLDERS = (TINY, ROOT / "exports" / "xiaoyan")
BUNDLES = [folder for folder in FOLDERS if (folder / "manifest.json").is_file()]
PAGE = (ROOT / "exports" / "README.md").read_text("utf-8")
SCHEMA = json.loads((ROOT / "exports" / "manifest.schema.json").read_text("utf-8"))

PAD, BOS, EOS, UNK = range(4)
SHARED = {"max_length": 30, "min_length": 1, "no_repeat_ngram": 0, "repetition_penalty": 1.0}
GREEDY = {"kind": "greedy", **SHARED}
SAMPLE = {"kind": "sample", "temperature": 0.8, "top_k": 40, "top_p": 0.95, "seed": 7, "samples": 1}


def inputs(decoding: dict) -> dict[str, np.ndarray]:
    whole = {
        "max_len": decoding["max_length"],
        "min_len": decoding["min_length"],
        "beam_size": decoding.get("width", decoding.get("samples", 1)),
        "top_k": decoding.get("top_k", 0),
        "seed": decoding.get("seed", 0),
        "no_repeat_ngram": decoding["no_repeat_ngram"],
    }
    real = {
        "length_penalty": decoding.get("length_penalty", 0),
        "temperature": decoding.get("temperature", 0),
        "top_p": decoding.get("top_p", 1),
        "repetition_penalty": decoding["repetition_penalty"],
    }
    integers = {name: np.array(value, np.int64) for name, value in whole.items()}
    return integers | {name: np.array(value, np.float32) for name, value in real.items()}


def session_of(graph: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(graph), providers=["CPUExecutionProvider"])


class TextClient:
    """Reply with one file and one call."""

    def __init__(self, folder: Path) -> None:
        self.session = session_of(folder / "text.onnx")
        self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, text: str, decoding: dict) -> dict[str, np.ndarray]:
        text = re.sub("[\ud800-\udfff]", "\ufffd", text)
        given = {"text": np.array([text], object), **inputs(decoding)}
        return dict(zip(self.outputs, self.session.run(self.outputs, given), strict=True))


class IdsClient:
    """Cut text and join replies, with a graph between that knows ids alone."""

    def __init__(self, folder: Path) -> None:
        def read(name: str):
            return json.loads((folder / name).read_text("utf-8"))

        self.manifest, self.table = read("manifest.json"), read("normalisation.json")
        self.tokens, costs = read("vocabulary.json").values()
        known = range(UNK + 1, len(self.tokens))
        self.id_of = {self.tokens[i]: i for i in known}
        self.cost_of = {self.tokens[i]: costs[i] for i in known}
        self.unknown = 1000 + max(self.cost_of.values())
        self.session = (
            session_of(folder / "ids.onnx") if "ids.onnx" in self.manifest["files"] else None
        )

    def normalised(self, text: str) -> str:
        replaced = "".join(self.table.get(character, character) for character in text)
        replaced = re.sub("[\ud800-\udfff]", "\ufffd", replaced)
        spaced = re.sub("(?<![a-z0-9]) | (?![a-z0-9])", "", re.sub(" +", " ", replaced))
        return spaced[: 16 * self.manifest["max_source"]]

    def units(self, text: str) -> list[str]:
        return re.findall("(?s)[a-z]+|[0-9]+|.", self.normalised(text))

    def cost(self, word: str) -> int:
        if word in self.cost_of:
            return self.cost_of[word]
        return sum(self.cost_of.get(character, self.unknown) for character in word)

    def words(self, text: str) -> list[str]:
        units = self.units(text)
        longest = max(map(len, self.id_of))
        # Of units[i:], last first: cost, minus the end of the first word, the first word.
        best = [(0, 0, "")]
        for i in reversed(range(len(units))):
            candidates = []
            for j in range(i + 1, min(i + longest, len(units)) + 1):
                word = "".join(units[i:j])
                if j == i + 1 or word in self.id_of:
                    candidates.append((self.cost(word) + best[len(units) - j][0], -j, word))
            best.append(min(candidates))
        words, i = [], 0
        while i < len(units):
            _, end, word = best[len(units) - i]
            words.append(word)
            i = -end
        return words

    def source(self, text: str) -> list[int]:
        pieces = [p for word in self.words(text) for p in ([word] if word in self.id_of else word)]
        ids = [self.id_of.get(piece, UNK) for piece in pieces]
        return [*ids[: self.manifest["max_source"] - 1], EOS]

    def run(self, sources: list[list[int]], decoding: dict) -> dict[str, np.ndarray]:
        src = np.full((len(sources), max(map(len, sources))), PAD, np.int64)
        for row, source in zip(src, sources, strict=True):
            row[: len(source)] = source
        lengths = np.array([len(source) for source in sources], np.int64)
        names = ["ids", "lengths", "scores", "attention"]
        given = {"src": src, "src_len": lengths, **inputs(decoding)}
        return dict(zip(names, self.session.run(names, given), strict=True))

    def replies(self, sources: list[list[int]], decoding: dict) -> list[list[dict]]:
        found = self.run(sources, decoding)
        return [
            [
                {"text": "".join(self.tokens[i] for i in ids), "ids": ids, "score": near(score)}
                for ids, score in zip(written(rows, lengths), scores, strict=True)
            ]
            for rows, lengths, scores in zip(
                found["ids"], found["lengths"], found["scores"], strict=True
            )
        ]


def written(rows: np.ndarray, lengths: np.ndarray) -> list[list[int]]:
    """The ids of each reply, without EOS."""
    replies = [row[:length].tolist() for row, length in zip(rows, lengths, strict=True)]
    return [ids[:-1] if ids[-1] == EOS else ids for ids in replies]


def near(score: float):
    return pytest.approx(float(score), abs=0.01)


def golden(folder: Path) -> list[dict]:
    return [*map(json.loads, (folder / "golden.jsonl").read_text("utf-8").splitlines())]


def in_folders(argument: str):
    return pytest.mark.parametrize(argument, BUNDLES, ids=lambda folder: folder.name)


@in_folders("folder")
def test_the_few_lines_of_the_page_answer(folder, monkeypatch, capsys):
    ((code),) = re.findall("```python\n(.*?)```", PAGE, re.DOTALL)
    (promised,) = [
        case["replies"][0]["text"]
        for case in golden(folder)
        if case["text"] == "你好" and case["decoding"] == GREEDY
    ]
    monkeypatch.chdir(folder)
    exec(code, {})
    assert capsys.readouterr().out == f"{promised}\n"


@in_folders("folder")
def test_a_client_of_the_graph_of_text_passes_the_golden_file(folder):
    client = TextClient(folder)
    cases = golden(folder)
    assert {case["decoding"]["kind"] for case in cases} == {"greedy", "beam", "sample"}
    for case in cases:
        found = client.run(case["text"], case["decoding"])
        ids = written(found["ids"], found["lengths"])
        assert found["source"].tolist() == case["ids"]
        assert [
            {"text": text, "ids": row, "score": near(score)}
            for text, row, score in zip(found["reply"], ids, found["scores"], strict=True)
        ] == case["replies"]


@in_folders("folder")
def test_a_client_that_cuts_text_itself_passes_the_golden_file(folder):
    client = IdsClient(folder)
    for case in golden(folder):
        assert client.source(case["text"]) == case["ids"]
        if client.session:
            assert client.replies([case["ids"]], case["decoding"]) == [case["replies"]]


@in_folders("folder")
def test_the_graph_cuts_text_as_the_page_says(folder):
    graph, client, draw = TextClient(folder), IdsClient(folder), random.Random(0)
    small = "abz09 " * 3 + "".join(client.table)
    pieces = [*client.tokens[4:], *small, "\u3000", "😀", "👨\u200d👩", "𠮷", "\ud800", "<unk>"]
    for size in [0, *range(1, 25)] * 8 + [1000]:
        text = "".join(draw.choices(pieces, k=size))
        found = graph.run(text, GREEDY | {"max_length": 1})
        assert found["source"].tolist() == client.source(text), text


def test_the_replies_of_a_batch_are_those_of_its_sources():
    cases = [case for case in golden(TINY) if case["decoding"]["kind"] == "beam"]
    decoding = cases[0]["decoding"]
    cases = [case for case in cases if case["decoding"] == decoding]
    client = IdsClient(TINY)
    sources = [case["ids"] for case in cases]
    assert client.replies(sources, decoding) == [case["replies"] for case in cases]
    attention = client.run(sources, decoding)["attention"]  # (B, K, T, S)
    for source, looks in zip(sources, attention, strict=True):
        assert not looks[..., len(source) :].any()


def test_attention_has_a_row_for_each_token_and_a_column_for_each_of_the_source():
    found = TextClient(TINY).run("谢谢你！", GREEDY)
    rows, columns = len(found["tokens"][0]), len(found["source_tokens"])
    assert found["source_tokens"].tolist() == ["谢谢", "你", "！", "<eos>"]
    assert found["attention"].shape == (1, rows, columns)
    assert found["attention"].sum(axis=-1) == pytest.approx(1)


@in_folders("folder")
def test_a_shorter_run_is_the_beginning_of_a_longer_one(folder):
    client = TextClient(folder)
    for case in golden(folder):
        if case["decoding"]["kind"] == "beam" or len(case["replies"]) > 1:
            continue
        length, steps = 1, 0
        while True:
            found = client.run(case["text"], case["decoding"] | {"max_length": length})
            ids = found["ids"][0].tolist()
            steps += len(ids)
            assert ids == [*case["replies"][0]["ids"], EOS][: len(ids)]
            if ids[-1] == EOS or length == case["decoding"]["max_length"]:
                break
            length = min(2 * length, case["decoding"]["max_length"])
        assert found["reply"][0] == case["replies"][0]["text"]
        assert steps < 3 * len(ids)


def log_probability(found: dict[str, np.ndarray], decoding: dict) -> float:
    longer = (5 + int(found["lengths"][0])) / 6
    return float(found["scores"][0]) * longer ** decoding.get("length_penalty", 0)


def shown(fallback: dict, turn: str, found: dict[str, np.ndarray], decoding: dict) -> str:
    """What a person sees of the replies to a turn."""
    searched = decoding["kind"] != "sample"
    unsure = log_probability(found, decoding) < fallback["below"]
    if searched and (unsure or found["reply"][0] in fallback["replies"]):
        return fallback["replies"][len(turn) % len(fallback["replies"])]
    return found["reply"][0]


@pytest.mark.parametrize("decoding", [Greedy(), Beam(width=3), Sample(seed=7)], ids=type)
@pytest.mark.parametrize("unsure", [7, 3, 0])
def test_a_client_falls_back_where_the_package_does(tmp_path, decoding, unsure):
    turns = ["你好", "你是谁？", "😀", "你好😀😀", "👨\u200d👩", "你\ud800好", ""]
    client, earlier, values = TextClient(TINY), "早上好", to_dict(decoding)
    found = [client.run(f"{turn}\u001e{earlier}", values) for turn in turns]
    likely = [-1e4, *sorted(log_probability(one, values) for one in found), 1]
    below = (likely[unsure] + likely[unsure + 1]) / 2
    fallback = {"below": below, "replies": ["嗯？", "没听懂。", "再说一遍？"]}

    folder = Path(shutil.copytree(TINY, tmp_path / "honest"))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest |= {"context": 1, "fallback": fallback}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    bot = ChatBot.load(folder)

    seen = [shown(fallback, turn, one, values) for turn, one in zip(turns, found, strict=True)]
    assert seen == [bot.reply(turn, decoding, context=[earlier]).text for turn in turns]
    honest = sum(text in fallback["replies"] for text in seen)
    assert honest == (0 if isinstance(decoding, Sample) else unsure)


@pytest.mark.parametrize(
    ("out_of_range", "in_range"),
    [
        ({"max_length": -3}, {"max_length": 1}),
        ({"min_length": 99, "max_length": 7}, {"min_length": 7, "max_length": 7}),
        ({"width": 0}, {"width": 1}),
        ({"width": 65}, {"width": 64}),
        ({"width": 3, "length_penalty": 6}, {"width": 3, "length_penalty": 5}),
        ({"width": 3, "length_penalty": float("nan")}, {"width": 3, "length_penalty": 0}),
        ({"width": 3, "temperature": 0.009}, {"width": 3, "temperature": 0}),
        ({"width": 3, "temperature": float("nan")}, {"width": 3, "temperature": 0}),
        ({"width": 64, "temperature": 1e9}, {"width": 64, "temperature": 100}),
        ({"temperature": 5, "top_k": -1}, {"temperature": 5, "top_k": 0}),
        ({"temperature": 5, "top_k": 10**9}, {"temperature": 5, "top_k": 0}),
        ({"temperature": 5, "top_p": -0.1}, {"temperature": 5, "top_p": 1}),
        ({"no_repeat_ngram": -1}, {"no_repeat_ngram": 0}),
        ({"repetition_penalty": 0.05}, {"repetition_penalty": 1}),
        ({"repetition_penalty": 99.0}, {"repetition_penalty": 10}),
    ],
    ids=str,
)
def test_the_graph_brings_settings_into_their_range(out_of_range, in_range):
    client = TextClient(TINY)
    found, expected = (client.run("你是谁？", GREEDY | one) for one in (out_of_range, in_range))
    assert found["ids"].tolist() == expected["ids"].tolist()
    assert found["scores"].tolist() == expected["scores"].tolist()


# The random numbers, and what they choose.

MODULI, FACTORS = (2147483563, 2147483399), (40014, 40692)


def random_numbers(seed: int, stream: int, count: int) -> list[np.float32]:
    states = []
    for modulus, factor in zip(MODULI, FACTORS, strict=True):
        x = 1 + seed % (modulus - 1)
        for _ in range(2):
            x = 1 + x * x % (modulus - 1)
        states.append(x * pow(factor, 2**20 * (stream + 1), modulus) % modulus)
    numbers = []
    for _ in range(count):
        states = [a * s % m for a, s, m in zip(FACTORS, states, MODULI, strict=True)]
        z = 1 + (states[0] - states[1] - 1) % (MODULI[0] - 1)
        numbers.append(np.float32(z) / np.float32(2**31))
    return numbers


def drawn(logits: np.ndarray, decoding: dict, u: np.float32) -> int:
    """The place of the token that u chooses; the logits fall."""
    x = logits[: decoding["top_k"] or None] / np.float32(decoding["temperature"])
    p = np.exp(x - x[0])
    p /= p.sum()
    c = np.cumsum(p)
    kept = int((c - p < max(decoding["top_p"], 1e-6)).sum())
    return min(int((c[:kept] <= u * c[kept - 1]).sum()), kept - 1)


def first_tokens(client: TextClient, text: str, decoding: dict, vocabulary: int) -> list[int]:
    """What the samples must begin with, in any order: a beam of 64 tells how likely tokens are."""
    beam = GREEDY | {"width": 64, "max_length": 1, "min_length": decoding["min_length"]}
    found = client.run(text, beam)
    allowed = found["scores"] > -1e6
    tokens, logits = found["ids"][allowed, 0], found["scores"][allowed]  # but for a constant
    assert len(tokens) >= (decoding["top_k"] or vocabulary - 4)  # it knows all that may come
    draws = [random_numbers(decoding["seed"], k, 1)[0] for k in range(decoding["samples"])]
    return sorted(int(tokens[drawn(logits, decoding, u)]) for u in draws)


@in_folders("folder")
def test_golden_samples_begin_as_the_page_says(folder):
    client, vocabulary = TextClient(folder), len(IdsClient(folder).tokens)
    cases = [case for case in golden(folder) if case["decoding"]["kind"] == "sample"]
    cases = [case for case in cases if 0 < (case["decoding"]["top_k"] or vocabulary - 4) <= 63]
    assert cases
    for case in cases:
        begun = sorted(reply["ids"][0] for reply in case["replies"])
        assert begun == first_tokens(client, case["text"], case["decoding"], vocabulary)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**53 - 1, -1])
def test_each_of_64_samples_has_its_own_stream(seed):
    client, vocabulary = TextClient(TINY), len(IdsClient(TINY).tokens)
    many = {"temperature": 3, "top_k": 0, "top_p": 0.9, "seed": seed, "samples": 64}
    decoding = SAMPLE | SHARED | many | {"max_length": 1}
    found = client.run("你是谁？", decoding)
    assert sorted(found["ids"][:, 0].tolist()) == first_tokens(
        client, "你是谁？", decoding, vocabulary
    )
    assert all(a >= b for a, b in pairwise(found["scores"]))


def test_every_step_takes_the_next_random_number():
    """Of two tokens the likelier is taken where u falls below its share of the probability."""
    client, steps = TextClient(TINY), 5
    decoding = SAMPLE | SHARED | {"temperature": 100, "top_k": 2, "top_p": 1, "min_length": steps}
    replies, followers = {}, defaultdict(dict)
    for seed in range(48):
        scores = [0.0]
        for length in range(1, steps + 1):
            found = client.run("你是谁？", decoding | {"seed": seed, "max_length": length})
            scores.append(float(found["scores"][0]))
        replies[seed] = ids = found["ids"][0].tolist()
        for t, token in enumerate(ids):
            followers[tuple(ids[:t])][token] = scores[t + 1] - scores[t]  # log-probability
    compared = [0] * steps
    for seed, ids in replies.items():
        for t, u in enumerate(random_numbers(seed, 0, steps)):
            two = sorted(followers[tuple(ids[:t])].items(), key=lambda item: -item[1])
            if len(two) == 2:
                likelihoods = np.array([gain for _, gain in two], np.float32)
                assert ids[t] == two[drawn(likelihoods, decoding, u)][0]
                compared[t] += 1
    assert min(compared) >= 8


# The page and the schema.


def test_the_numbers_of_the_worked_example_are_real():
    ((block),) = re.findall("```json\n(.*?)```", PAGE, re.DOTALL)
    example, client = json.loads(block), IdsClient(TINY)
    text, decoding = example["text"], example["decoding"]
    found = TextClient(TINY).run(text, decoding)
    assert found["source"].tolist() == client.source(text)
    assert {
        "text": text,
        "normalised": client.normalised(text),
        "units": client.units(text),
        "words": client.words(text),
        "costs": [client.cost(word) for word in client.words(text)],
        "source": client.source(text),
        "source_tokens": found["source_tokens"].tolist(),
        "decoding": decoding,
        "ids": found["ids"].tolist(),
        "lengths": found["lengths"].tolist(),
        "scores": [near(score) for score in found["scores"]],
        "reply": found["reply"].tolist(),
    } == example


@in_folders("folder")
def test_the_manifest_of_every_committed_bundle_fits_the_schema(folder):
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(manifest)
    for name, listed in manifest["files"].items():
        data = (folder / name).read_bytes()
        assert listed == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize(
    "decoding",
    [GREEDY, SHARED | {"kind": "beam", "width": 4, "length_penalty": 0.6}, SAMPLE | SHARED],
    ids=lambda decoding: decoding["kind"],
)
def test_the_schema_knows_every_kind_of_decoding(decoding):
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    validator = Draft202012Validator(SCHEMA)
    assert validator.is_valid(manifest | {"decoding": decoding})
    for name in decoding:
        short = {key: value for key, value in decoding.items() if key != name}
        assert not validator.is_valid(manifest | {"decoding": short})
    assert not validator.is_valid(manifest | {"decoding": decoding | {"colour": "red"}})


@pytest.mark.parametrize(
    "change",
    [
        {"format": 1},
        {"format": 3},
        {"weights": "int4"},
        {"quality": {"perplexity": 30.1}},
        {"max_source": 0},
        {"context": -1},
        {"context": None},
        {"decoding": GREEDY | {"kind": "oracle"}},
        {"decoding": GREEDY | {"max_length": 513}},
        {"decoding": GREEDY | {"repetition_penalty": 0}},
        {"decoding": SAMPLE | SHARED | {"temperature": 0}},
        {"decoding": SAMPLE | SHARED | {"seed": -1}},
        {"fallback": {"below": -3.5}},
        {"fallback": {"below": -3.5, "replies": []}},
        {"fallback": {"below": "-3.5", "replies": ["嗯？"]}},
        {"files": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_what_no_bundle_of_this_format_has(change):
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    Draft202012Validator.check_schema(SCHEMA)
    assert not Draft202012Validator(SCHEMA).is_valid(manifest | change)


def test_the_schema_wants_the_graph_of_text_and_no_other():
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    files = manifest["files"]
    for name in files:
        fewer = {key: value for key, value in files.items() if key != name}
        fits = Draft202012Validator(SCHEMA).is_valid(manifest | {"files": fewer})
        assert fits == (name == "ids.onnx")


def test_the_schema_knows_a_fallback():
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    fallback = {"below": -3.5, "replies": ["嗯？"]}
    assert Draft202012Validator(SCHEMA).is_valid(manifest | {"fallback": fallback})


def test_a_field_that_a_client_does_not_know_is_no_error():
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(manifest | {"colour": "red"})
