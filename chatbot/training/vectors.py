"""Word vectors that somebody trained before, in word2vec's text format."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from chatbot.errors import UsageError
from chatbot.vocabulary import SPECIALS, Vocabulary


def start_from(embedding: nn.Embedding, vocabulary: Vocabulary, path: str | Path) -> int:
    """Put the vectors of a file in the place of the random ones; return how many tokens have one.

    All are scaled alike, to the mean length of the random vectors, on which the output relies.
    """
    rows, size = [], embedding.embedding_dim
    vectors = []
    for token, vector in _read(Path(path), size, vocabulary):
        rows.append(vocabulary.id_of[token])
        vectors.append(vector)
    if not rows:
        raise UsageError(f"{path}: no vector of a token of the vocabulary. Is it Chinese?")
    found = torch.tensor(vectors)  # (N, E)
    with torch.no_grad():
        usual = embedding.weight[len(SPECIALS) :].norm(dim=1).mean()
        embedding.weight[rows] = (found * (usual / found.norm(dim=1).mean().clamp(min=1e-12))).to(
            embedding.weight.device
        )
    return len(rows)


def _read(path: Path, size: int, vocabulary: Vocabulary) -> Iterator[tuple[str, list[float]]]:
    """Yield the vectors of known tokens; the file is read line by line, however long."""
    seen: set[str] = set()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                token, *numbers = line.rstrip().split(" ")
                if number == 1 and len(numbers) == 1:  # "COUNT SIZE"
                    continue
                if token not in vocabulary.id_of or token in seen:
                    continue
                seen.add(token)
                yield token, _vector(numbers, size, f"{path}, line {number}")
    except OSError as error:
        raise UsageError(f"{path}: no word vectors ({error}).") from error


def _vector(numbers: list[str], size: int, place: str) -> list[float]:
    try:
        vector = [float(number) for number in numbers]
    except ValueError as error:
        raise UsageError(f"{place}: expected a word and numbers ({error}).") from error
    if not all(map(math.isfinite, vector)):
        raise UsageError(f"{place}: a number that is none. Leave the line out.")
    if len(vector) != size:
        raise UsageError(
            f"{place}: {len(vector)} numbers, but model.embedding is {size}. Make them equal."
        )
    return vector
