"""From a trained run to a bundle, refused unless ONNX equals PyTorch."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbot import __version__
from chatbot.bundle import GoldenCase, write_bundle
from chatbot.decoding import Beam, Decoding, Greedy
from chatbot.engine import Engine
from chatbot.text import Tokenizer
from chatbot.training.checkpoint import load_run
from chatbot.training.config import DataConfig
from chatbot.training.export.parity import Parity, prove
from chatbot.training.export.search import build
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS

GOLDEN_TEXTS = (
    "你好",
    "你是谁？",
    "今天心情不太好，怎么办",
    "谢谢你！",
    "晚安",
    "给我讲个笑话吧",
    "我饿了想吃火锅",
    "ＨＥＬＬＯ　World 2026",
    "我的iPhone坏了…",
    "𠮷野家的牛肉饭",
    "😀👍",
    "   ",
    "",
    "\u200b零宽\u00a0空格\t制表",
    "很长的句子" * 40,
)
"""Neutral sentences and hard cases: the conformance vectors must carry nobody's own words."""

GOLDEN_DECODINGS: tuple[Decoding, ...] = (Greedy(), Beam(width=4), Beam(width=2, min_length=3))


def export_run(
    run: str | Path, folder: str | Path, *, decoding: Decoding, about: Mapping[str, Any]
) -> Parity:
    """Write the bundle of a run's best model; raise `ExportError` where ONNX and PyTorch differ."""
    model, recipe, vocabulary, validation = load_run(run)
    about = {"name": Path(folder).name, **about, "training": validation}
    return export_model(
        model, Tokenizer(vocabulary), folder, data=recipe.data, decoding=decoding, about=about
    )


def export_model(
    model: Seq2Seq,
    tokenizer: Tokenizer,
    folder: str | Path,
    *,
    data: DataConfig,
    decoding: Decoding,
    about: Mapping[str, Any],
) -> Parity:
    """Write the bundle of a model, proven equal to its graph on random and on golden sources."""
    model.eval()
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    graph = build(model.config, weights).SerializeToString()
    sources = [[*tokenizer.encode(text)[: data.max_source - 1], EOS] for text in GOLDEN_TEXTS]
    vocabulary = len(tokenizer.vocabulary)
    parity = prove(model, graph, sources, vocabulary=vocabulary)
    write_bundle(
        folder,
        graph=graph,
        tokenizer=tokenizer,
        decoding=decoding,
        max_source=data.max_source,
        golden=_golden(Engine(graph), sources),
        about={
            **about,
            "producer": f"duihua {__version__}",
            "model": {"vocabulary": vocabulary, **vars(model.config)},
        },
    )
    return parity


def _golden(engine: Engine, sources: Sequence[Sequence[int]]) -> Iterator[GoldenCase]:
    for decoding in GOLDEN_DECODINGS:
        for text, source in zip(GOLDEN_TEXTS, sources, strict=True):
            replies = tuple(engine.generate([source], decoding)[0])
            yield GoldenCase(text, tuple(source), decoding, replies)
