"""From a trained run to a bundle, refused unless ONNX equals PyTorch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from chatbot import __version__
from chatbot.bundle import IDS_GRAPH, TEXT_GRAPH, GoldenCase, write_bundle
from chatbot.decoding import Beam, Decoding, Greedy, Sample
from chatbot.engine import IdsEngine, TextEngine
from chatbot.errors import StoreError
from chatbot.fallback import Fallback
from chatbot.text import Tokenizer
from chatbot.training.checkpoint import RunFolder, load_run
from chatbot.training.config import DataConfig
from chatbot.training.dataset import Codec, Pairs, tokenizer
from chatbot.training.export.confidence import SHARE, calibrated
from chatbot.training.export.flavours import ids_graph, segmentation_graph, text_graph
from chatbot.training.export.parity import Parity, prove, prove_segmentation, prove_text
from chatbot.training.export.quality import (
    MAX_PERPLEXITY_RATIO,
    MIN_AGREEMENT,
    Quality,
    measure,
)
from chatbot.training.export.segmentation import hard_sentences
from chatbot.training.export.weights import Storage
from chatbot.training.model import Seq2Seq
from chatbot.training.store import Store

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

GOLDEN_DECODINGS: tuple[Decoding, ...] = (
    Greedy(),
    Beam(width=4),
    Beam(width=2, min_length=3),
    Greedy(no_repeat_ngram=2, repetition_penalty=1.2),
    Sample(seed=7, samples=2, max_length=12),
    Sample(seed=1, temperature=1.3, top_k=0, top_p=0.9, max_length=12, no_repeat_ngram=1),
)

SENTENCES = 10_000
"""Sentences whose segmentation is proven."""

SOURCES = 500
"""Sentences whose replies are proven; the golden texts come on top."""

SMALLER: Mapping[Storage, Sequence[Storage]] = {
    "int8": ("int8", "int8-weights"),
    "int8-weights": ("int8-weights",),
    "fp16": ("fp16",),
    "fp32": (),
}
"""What is tried for smaller weights, in this order; where none of it will do, they have 32 bits."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Form:
    """Say what a bundle's graphs are to be."""

    storage: Storage = "fp32"
    quality: Quality | None = None  # of smaller weights, measured before
    batches: bool = False  # a graph for batches of ids as well
    context: int = 0  # turns that the model was trained to read besides the last
    fallback: Fallback | None = None  # instead of a reply that the model is not sure of


class Honest(NamedTuple):
    """Say what takes the place of a reply that the model is not sure of, and how often."""

    replies: Sequence[str]
    share: float = SHARE  # of the held-out prompts


@dataclass(frozen=True)
class Exported:
    """Hold what was proven and what was written."""

    parity: Parity  # of the 32-bit graph to PyTorch
    sentences: int  # that the graph cuts as `chatbot.text` does
    ties: int  # replies that rounding led apart between one text and a batch
    form: Form

    def lines(self) -> Iterator[str]:
        """Say it."""
        parity, quality = self.parity, self.form.quality
        yield (
            f"{parity.compared} searches over {parity.sources} sources agree with PyTorch "
            f"(largest difference of a score {parity.difference:.1e}, {parity.ties} ties); "
            f"{self.sentences} sentences are cut as chatbot.text cuts them."
        )
        if quality:
            yield (
                f"Smaller weights: perplexity × {quality.perplexity_ratio:.5f}, the same likeliest "
                f"token at {quality.agreement:.2%} of {quality.tokens} steps (allowed: × "
                f"{MAX_PERPLEXITY_RATIO}, {MIN_AGREEMENT:.1%})."
            )
        if quality and not quality.passes:
            yield "That is too much: the weights are stored in 32 bits."
        if fallback := self.form.fallback:
            yield (
                f"A reply less likely than e^{fallback.below:.2f} gives way to one of "
                f"{len(fallback.replies)} that say so."
            )


def export_run(
    run: str | Path,
    folder: str | Path,
    *,
    decoding: Decoding,
    form: Form = Form("int8"),
    honest: Honest | None = None,
    store: str | Path | None = None,
    about: Mapping[str, Any],
    tell: Tell = lambda _: None,
) -> Exported:
    """Write the bundle of a run's best model; raise `ExportError` where ONNX and PyTorch differ.

    Smaller weights than 32-bit ones are measured on the held-out pairs of `store`, by default
    those of the run, and written only if nobody would notice. By the same pairs it is found how
    sure the model has to be of a reply, where `honest` ones can take its place.
    """
    model, recipe, vocabulary, validation = load_run(run)
    cutter = tokenizer(recipe, vocabulary)
    form = replace(form, context=recipe.data.context)
    with _held_out(RunFolder(run), Codec(recipe, vocabulary), store) as pairs:
        form = smallest(form, model, pairs, tell)
        if honest:
            tell(f"Replying to {len(pairs)} held-out prompts, to know when it is unsure …")
            form = replace(form, fallback=calibrated(model, pairs, *honest, decoding=decoding))
    return export_model(
        model,
        cutter,
        folder,
        data=recipe.data,
        decoding=decoding,
        form=form,
        about={"name": Path(folder).name, **about, "training": validation},
        tell=tell,
    )


def smallest(form: Form, model: Seq2Seq, pairs: Pairs, tell: Tell) -> Form:
    """Return the form with the first of its `SMALLER` weights that nobody would notice."""
    for storage in SMALLER[form.storage]:
        tell(f"Measuring {storage} weights on {len(pairs)} held-out pairs …")
        quality = measure(model.config, _arrays(model), storage, pairs)
        form = replace(form, storage=storage if quality.passes else "fp32", quality=quality)
        if quality.passes:
            break
    return form


def export_model(
    model: Seq2Seq,
    cutter: Tokenizer,
    folder: str | Path,
    *,
    data: DataConfig,
    decoding: Decoding,
    form: Form = Form(),
    about: Mapping[str, Any],
    tell: Tell = lambda _: None,
) -> Exported:
    """Write the bundle of a model whose graphs are proven to do what it does."""
    model.eval()
    config, arrays, storage = model.config, _arrays(model), form.storage
    length = data.max_source
    sentences = list(hard_sentences(cutter, SENTENCES, seed=0))
    texts = [*GOLDEN_TEXTS, *sentences[:SOURCES]]
    sources = [cutter.source(text, length) for text in texts]

    tell(f"Comparing the replies to {len(sources)} sentences with PyTorch's …")
    exact = ids_graph(config, arrays, "fp32").SerializeToString()
    parity = prove(model, exact, sources, vocabulary=len(cutter.vocabulary))

    tell(f"Comparing the segmentation of {len(sentences)} sentences …")
    cutting = segmentation_graph(cutter, length).SerializeToString()
    prove_segmentation(cutting, cutter, length, sentences)

    tell(f"Comparing the graph of text ({storage}) with batches of ids …")
    whole = text_graph(config, arrays, storage, tokenizer=cutter, max_source=length)
    graphs = {TEXT_GRAPH: whole.SerializeToString()}
    in_batches = (
        exact if storage == "fp32" else ids_graph(config, arrays, storage).SerializeToString()
    )
    engine = TextEngine(graphs[TEXT_GRAPH])
    ties = prove_text(engine, IdsEngine(in_batches), cutter, length, texts)
    if form.batches:
        graphs[IDS_GRAPH] = in_batches
    write_bundle(
        folder,
        graphs=graphs,
        tokenizer=cutter,
        decoding=decoding,
        max_source=length,
        context=form.context,
        golden=_golden(engine),
        about={
            **about,
            "producer": f"duihua {__version__}",
            "model": {"vocabulary": len(cutter.vocabulary), **asdict(config)},
            "weights": storage,
            **({"quality": asdict(form.quality)} if form.quality else {}),
            **({"fallback": asdict(form.fallback)} if form.fallback else {}),
        },
    )
    return Exported(parity, len(sentences), ties, form)


def _arrays(model: Seq2Seq) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@contextmanager
def _held_out(run: RunFolder, codec: Codec, store: str | Path | None) -> Iterator[Pairs]:
    """Open the pairs by which smaller weights are measured: the run's, or those of a store."""
    if store is None:
        pairs = run.pairs("valid")
        yield pairs if len(pairs) else run.pairs("train")  # a tiny store may have none by chance
        return
    with TemporaryDirectory() as folder:
        for split in ("valid", "train"):
            pairs = Pairs.write(Path(folder, split), codec.encoded_split(Store(store), split))
            if len(pairs):
                yield pairs
                return
    raise StoreError(f"{store}: no pairs to measure smaller weights on. Import dialogues into it.")


def _golden(engine: TextEngine) -> Iterator[GoldenCase]:
    for decoding in GOLDEN_DECODINGS:
        for text in GOLDEN_TEXTS:
            _, found, source = engine.answer(text, decoding)
            yield GoldenCase(text, source, decoding, tuple(found))
