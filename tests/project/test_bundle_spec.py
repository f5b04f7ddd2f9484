"""`exports/README.md` suffices: a client written from it alone gives what the bundles promise."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "tiny_bundle"
FOLDERS = (TINY, ROOT / "exports" / "mini")
BUNDLES = [folder for folder in FOLDERS if (folder / "manifest.json").is_file()]
SCHEMA = json.loads((ROOT / "exports" / "manifest.schema.json").read_text("utf-8"))

OUTPUTS = ["ids", "lengths", "scores"]
PAD, BOS, EOS, UNK = range(4)


class Client:
    """Read one bundle; no code of the project is used."""

    def __init__(self, folder: Path) -> None:
        def read(name: str):
            return json.loads((folder / name).read_text("utf-8"))

        self.manifest, self.table = read("manifest.json"), read("normalisation.json")
        self.tokens, costs = read("vocabulary.json").values()
        known = range(UNK + 1, len(self.tokens))
        self.id_of = {self.tokens[i]: i for i in known}
        self.cost_of = {self.tokens[i]: costs[i] for i in known}
        self.unknown = 1000 + max(self.cost_of.values())
        self.session = ort.InferenceSession(
            str(folder / "ids.onnx"), providers=["CPUExecutionProvider"]
        )

    def normalised(self, text: str) -> str:
        replaced = "".join(self.table.get(character, character) for character in text)
        replaced = re.sub("[\ud800-\udfff]", "\ufffd", replaced)
        return re.sub("(?<![a-z0-9]) | (?![a-z0-9])", "", re.sub(" +", " ", replaced))

    def units(self, text: str) -> list[str]:
        return re.findall("(?s)[a-z]+|[0-9]+|.", self.normalised(text))

    def cost(self, word: str) -> int:
        if word in self.cost_of:
            return self.cost_of[word]
        return sum(self.cost_of.get(character, self.unknown) for character in word)

    def words(self, text: str) -> list[str]:
        units = self.units(text)
        best = [
            (0, 0, ())
        ]  # of units[i:], last first: cost, minus the end of the first word, words
        for i in reversed(range(len(units))):
            candidates = []
            for j in range(i + 1, len(units) + 1):
                word = "".join(units[i:j])
                if j == i + 1 or word in self.id_of:
                    rest = best[len(units) - j]
                    candidates.append((self.cost(word) + rest[0], -j, (word, *rest[2])))
            best.append(min(candidates))
        return list(best[-1][2])

    def source(self, text: str) -> list[int]:
        pieces = [p for word in self.words(text) for p in ([word] if word in self.id_of else word)]
        ids = [self.id_of.get(piece, UNK) for piece in pieces]
        return [*ids[: self.manifest["max_source"] - 1], EOS]

    def run(self, source: list[int], decoding: dict) -> list[np.ndarray]:
        feed = {
            "src": np.array([source], dtype=np.int64),
            "src_len": np.array([len(source)], dtype=np.int64),
            "max_len": np.array(decoding["max_length"], dtype=np.int64),
            "min_len": np.array(decoding["min_length"], dtype=np.int64),
            "beam_size": np.array(decoding.get("width", 1), dtype=np.int64),
            "length_penalty": np.array(decoding.get("length_penalty", 0), dtype=np.float32),
        }
        return [output[0] for output in self.session.run(OUTPUTS, feed)]

    def replies(self, source: list[int], decoding: dict) -> list[dict]:
        found = []
        for row, length, score in zip(*self.run(source, decoding), strict=True):
            ids = row[:length].tolist()
            ids = ids[:-1] if ids[-1:] == [EOS] else ids
            text = "".join(self.tokens[i] for i in ids)
            found.append({"text": text, "ids": ids, "score": pytest.approx(float(score), abs=1e-3)})
        return found


def in_folders(argument: str):
    return pytest.mark.parametrize(argument, BUNDLES, ids=lambda folder: folder.name)


@in_folders("folder")
def test_a_client_written_from_the_specification_passes_the_golden_file(folder):
    client = Client(folder)
    lines = (folder / "golden.jsonl").read_text("utf-8").splitlines()
    assert lines
    for case in map(json.loads, lines):
        assert client.source(case["text"]) == case["ids"]
        assert client.replies(case["ids"], case["decoding"]) == case["replies"]


def test_the_numbers_of_the_worked_example_are_real():
    page = (ROOT / "exports" / "README.md").read_text("utf-8")
    ((block),) = re.findall("```json\n(.*?)```", page, re.DOTALL)
    example, client = json.loads(block), Client(TINY)
    text, decoding = example["text"], example["decoding"]
    ids, lengths, scores = client.run(example["source"], decoding)
    assert {
        "text": text,
        "normalised": client.normalised(text),
        "units": client.units(text),
        "words": client.words(text),
        "costs": [client.cost(word) for word in client.words(text)],
        "source": client.source(text),
        "decoding": decoding,
        "ids": ids.tolist(),
        "lengths": lengths.tolist(),
        "scores": pytest.approx(scores.tolist(), abs=1e-3),
        "replies": [reply["text"] for reply in client.replies(example["source"], decoding)],
    } == example


@in_folders("folder")
def test_the_manifest_of_every_committed_bundle_fits_the_schema(folder):
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(manifest)
    for name, listed in manifest["files"].items():
        data = (folder / name).read_bytes()
        assert listed == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"max_source": 0},
        {"decoding": {"kind": "sample", "max_length": 30, "min_length": 1}},
        {"decoding": {"kind": "greedy", "max_length": 30}},
        {"files": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_what_a_client_must_refuse(change):
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    Draft202012Validator.check_schema(SCHEMA)
    assert not Draft202012Validator(SCHEMA).is_valid(manifest | change)


def test_a_field_that_a_client_does_not_know_is_no_error():
    manifest = json.loads((TINY / "manifest.json").read_text("utf-8"))
    Draft202012Validator(SCHEMA).validate(manifest | {"colour": "red"})
