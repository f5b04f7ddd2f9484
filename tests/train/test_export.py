"""The graph equals the model, or nothing is written."""

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from chatbot import Beam, ChatBot, Greedy, Tokenizer, Vocabulary
from chatbot.bundle import INPUTS, OUTPUTS
from chatbot.engine import Engine
from chatbot.errors import BundleError, ExportError
from chatbot.training.config import DataConfig
from chatbot.training.evaluation import generate
from chatbot.training.export import GOLDEN_DECODINGS, GOLDEN_TEXTS, export_model
from chatbot.training.export.parity import prove
from chatbot.training.export.search import build
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS
from tests.train.conftest import CELLS, MODES, seeded, small

V = 24
SHAPES = (
    {},
    {
        "bidirectional": False,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "summary": "mean",
        "attention": "additive",
        "tied": False,
    },
    {"encoder_layers": 2, "summary": "sum", "attention": "dot"},
)


def lively(settings: dict) -> Seq2Seq:
    """Return a model whose replies differ: larger weights than those of the start."""
    model = seeded(small(**settings), V, seed=1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(2.0)
    return model


def graph_of(model: Seq2Seq) -> onnx.ModelProto:
    return build(model.config, {name: t.numpy() for name, t in model.state_dict().items()})


@pytest.mark.parametrize(("mode", "cell"), list(itertools.product(MODES, CELLS)))
@pytest.mark.parametrize("shape", SHAPES)
def test_every_mode_and_cell_equals_pytorch(mode: str, cell: str, shape: dict) -> None:
    model = lively({"mode": mode, "cell": cell, **shape})
    parity = prove(model, graph_of(model).SerializeToString(), [], vocabulary=V)
    assert parity.difference < 1e-4
    assert parity.compared == 4 * 18


def test_the_graph_is_one_standard_loop() -> None:
    graph = graph_of(lively({}))
    assert [value.name for value in graph.graph.input] == list(INPUTS)
    assert [value.name for value in graph.graph.output] == list(OUTPUTS)
    assert {opset.domain: opset.version for opset in graph.opset_import} == {"": 17}
    assert [node.op_type for node in graph.graph.node].count("Loop") == 1


def test_a_batch_gives_what_each_source_gives_alone() -> None:
    model = lively({"attention": "additive"})
    engine = Engine(graph_of(model).SerializeToString())
    sources = [[5, 6, 7, 8, EOS], [9, EOS], [EOS], [10, 11, EOS]]
    for decoding in (Greedy(), Beam(width=3)):
        together = engine.generate(sources, decoding)
        for source, found in zip(sources, together, strict=True):
            (alone,) = engine.generate([source], decoding)
            assert [h.ids for h in found] == [h.ids for h in alone]
            assert [h.score for h in found] == pytest.approx([h.score for h in alone], abs=1e-5)


def test_a_beam_wider_than_the_vocabulary_equals_pytorch() -> None:
    model = lively({})
    engine = Engine(graph_of(model).SerializeToString())
    decoding = Beam(width=40, max_length=3)
    (ours,), (theirs,) = (
        generate(model, [[5, EOS]], decoding),
        engine.generate([[5, EOS]], decoding),
    )
    assert [h.score for h in ours] == pytest.approx([h.score for h in theirs], abs=1e-4)


def test_ties_are_settled_by_scoring_the_replies_of_the_graph() -> None:
    """In context mode the order of two words hardly matters, so rounding leads the beams apart."""
    model = lively({"mode": "context", "cell": "rnn", **SHAPES[2]})
    parity = prove(model, graph_of(model).SerializeToString(), [], vocabulary=V)
    assert parity.ties > 0
    assert parity.difference < 1e-4


def mutate(graph: onnx.ModelProto, change) -> bytes:
    """Return the graph with its largest floating-point weight changed."""
    floats = [w for w in graph.graph.initializer if w.data_type == onnx.TensorProto.FLOAT]
    weight = max(floats, key=lambda w: len(w.raw_data))
    array = numpy_helper.to_array(weight).copy()
    change(array)
    weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    return graph.SerializeToString()


def test_one_changed_weight_is_noticed() -> None:
    model = lively({})

    def nudge(array: np.ndarray) -> None:
        array[-1, -1] += 0.05

    with pytest.raises(ExportError, match="graph and PyTorch differ: a score by"):
        prove(model, mutate(graph_of(model), nudge), [], vocabulary=V)


def test_a_flipped_linear_before_reset_is_noticed() -> None:
    """Known defect of exporters: ONNX's other GRU, wrong numbers without an error."""
    model = lively({"cell": "gru"})
    graph = graph_of(model)
    for node in graph.graph.node:
        if node.op_type == "GRU":
            for attribute in node.attribute:
                if attribute.name == "linear_before_reset":
                    attribute.i = 0
    with pytest.raises(ExportError, match="graph and PyTorch differ"):
        prove(model, graph.SerializeToString(), [], vocabulary=V)


@pytest.fixture
def parts() -> tuple[Seq2Seq, Tokenizer]:
    vocabulary = Vocabulary.learn({"你好": 5, "你": 3, "好": 3, "再见": 4, "吗": 2})
    torch.manual_seed(0)
    return Seq2Seq(small(), len(vocabulary)), Tokenizer(vocabulary)


def export(parts: tuple[Seq2Seq, Tokenizer], folder: Path) -> None:
    model, tokenizer = parts
    data = DataConfig(max_source=20)
    export_model(model, tokenizer, folder, data=data, decoding=Beam(width=3), about={"name": "x"})


def test_a_bundle_answers_as_pytorch_does(parts: tuple[Seq2Seq, Tokenizer], tmp_path: Path) -> None:
    folder = tmp_path / "模型 1"
    export(parts, folder)
    bot = ChatBot.load(folder)
    assert bot.bundle.decoding == Beam(width=3)
    assert bot.verify() == []
    assert len(list(bot.bundle.golden())) == len(GOLDEN_TEXTS) * len(GOLDEN_DECODINGS)
    model, tokenizer = parts
    for decoding in GOLDEN_DECODINGS:
        sources = [bot.bundle.source(text) for text in GOLDEN_TEXTS]
        found = generate(model, sources, decoding)
        expected = [tokenizer.decode(hypotheses[0].ids) for hypotheses in found]
        assert [reply.text for reply in bot.replies(GOLDEN_TEXTS, decoding)] == expected


def test_a_refused_export_leaves_the_old_bundle(
    parts: tuple[Seq2Seq, Tokenizer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    export(parts, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def wrong(config, weights):
        bias = weights["output.bias"] + np.linspace(
            0, 1, len(weights["output.bias"]), dtype=np.float32
        )
        return build(config, {**weights, "output.bias": bias})

    monkeypatch.setattr("chatbot.training.export.build", wrong)
    with pytest.raises(ExportError):
        export(parts, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_that_is_no_bundle_is_not_replaced(
    parts: tuple[Seq2Seq, Tokenizer], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(BundleError, match="exists and is no bundle"):
        export(parts, tmp_path / "photos")
