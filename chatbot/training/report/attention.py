"""What a run's best model looks at while it answers prompts that were held out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot.decoding import Greedy
from chatbot.engine import IdsEngine
from chatbot.training.checkpoint import RunFolder, load_run
from chatbot.training.dataset import Pairs, tokenizer
from chatbot.training.export.flavours import ids_graph
from chatbot.vocabulary import EOS, SEPARATOR, Vocabulary

PROMPTS = 4
"""Prompts that are shown."""

MOST_READ, MOST_SAID = 40, 24
"""Tokens of the longest prompt and of the longest reply that a page has room for."""

_SEARCHED = 10_000
"""Held-out pairs among which short prompts are looked for."""


@dataclass(frozen=True)
class Attended:
    """Hold a prompt, the reply to it, and the weight of each token read for each token said."""

    prompt: str
    reply: str
    read: tuple[str, ...]
    said: tuple[str, ...]
    weights: npt.NDArray[Any]  # (T, S); each row sums to 1


def attended(path: str | Path) -> list[Attended]:
    """Return what the best model of a run says to a few held-out prompts, greedily.

    Raises `TrainingError` where no model has been kept yet; without attention there is nothing.
    """
    run = RunFolder(path)
    model, recipe, vocabulary, _ = load_run(path)
    if recipe.model.mode != "attention":
        return []
    pairs = run.pairs("valid")
    sources = list(islice(_short(pairs if len(pairs) else run.pairs("train")), PROMPTS))
    if not sources:
        return []
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    engine = IdsEngine(ids_graph(recipe.model, arrays, "fp32").SerializeToString())
    longest = min(recipe.data.max_reply, MOST_SAID)
    found = engine.generate(sources, Greedy(max_length=longest))
    cutter = tokenizer(recipe, vocabulary)
    return [
        Attended(
            cutter.decode(source).replace(SEPARATOR, " ← "),
            cutter.decode(best.ids),
            _named(source, vocabulary),
            _named([*best.ids, EOS] if best.finished else best.ids, vocabulary),
            np.asarray(best.attention),
        )
        for source, (best, *_) in zip(sources, found, strict=True)
    ]


def _short(pairs: Pairs) -> Iterator[list[int]]:
    """Yield different sources that a page has room for."""
    seen = set()
    for index in range(min(len(pairs), _SEARCHED)):
        source, _ = pairs[index]
        if len(source) <= MOST_READ and tuple(source) not in seen:
            seen.add(tuple(source))
            yield source


def _named(ids: Iterable[int], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the tokens with these ids, the special ones too; what is invisible by a sign."""
    signs = {" ": "␣", SEPARATOR: "←"}
    tokens = (vocabulary.tokens[number] for number in ids)
    return tuple(signs.get(token, token) for token in tokens)
