"""The part of `benchmarks.loading` that needs PyTorch: processes of their own.

python -m benchmarks.feeding start RUN STORE        makes ids of a store, prints what is padding
python -m benchmarks.feeding train RUN LIKE SIZE    trains on so many pairs as long as those of LIKE
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from chatbot.training.checkpoint import RunFolder
from chatbot.training.config import Recipe
from chatbot.training.dataset import Indices, Pairs
from chatbot.training.trainer import Trainer
from chatbot.vocabulary import EOS, SPECIALS, Vocabulary

MINUTES = 0.5
HELD_OUT = 200
RECIPE = Recipe()


def start(run: str, store: str) -> None:
    pairs, config = Trainer.start(store, run, RECIPE).pairs, RECIPE.train
    bucketed = pairs.plan(config.batch_tokens, seed=0)
    order = np.random.default_rng(0).permutation(len(pairs))
    found = {
        "as the trainer makes them": padding(pairs, bucketed),
        "as many, at random": padding(pairs, np.array_split(order, len(bucketed))),
    }
    sys.stdout.write(json.dumps(found))


def padding(pairs: Pairs, plan: Iterable[Indices]) -> float:
    """Return the computed tokens for each real one."""
    computed = real = 0
    for indices in plan:
        batch = pairs.batch(indices)
        computed += batch.src.numel() + batch.reply.numel()
        real += int(batch.src_len.sum()) + batch.tokens
    return computed / real


def train(run: str, like: str, size: str) -> None:
    folder, vocabulary = RunFolder(run), unnamed(RECIPE.data.vocabulary_size)
    folder.write_pairs("train", random_pairs(RunFolder(like).pairs("train"), int(size)))
    folder.write_pairs("valid", random_pairs(RunFolder(like).pairs("valid"), HELD_OUT))
    folder.create(replace(RECIPE, train=replace(RECIPE.train, minutes=MINUTES)), vocabulary)
    Trainer.resume(run).train(lambda _: None)


def unnamed(size: int) -> Vocabulary:
    words = [f"w{number}" for number in range(size - len(SPECIALS))]
    return Vocabulary((*SPECIALS, *words), [0] * size)


def random_pairs(like: Pairs, size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield pairs with the lengths of those that are there, again and again."""
    random = np.random.default_rng(0)

    def drawn(ids: list[int]) -> list[int]:
        return [*random.integers(len(SPECIALS), RECIPE.data.vocabulary_size, len(ids) - 1), EOS]

    for number in range(size):
        source, reply = like[number % len(like)]
        yield drawn(source), drawn(reply)


if __name__ == "__main__":
    tasks: dict[str, Callable[..., None]] = {"start": start, "train": train}
    tasks[sys.argv[1]](*sys.argv[2:])
