"""Which replies answer the same sources: what the prototypes are prototypes of."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from chatbot.training.dataset import Indices, Pairs
from chatbot.training.model import NO_CLASS


def classes(pairs: Pairs, most: int) -> Indices:
    """Return for each pair the class of its reply, the most frequent first; beyond `most` NO_CLASS.

    Replies that have a source in common are of one class, and so are those that are linked by
    others: the connected components of the graph of sources and replies.
    """
    if not most:
        return np.broadcast_to(np.int64(NO_CLASS), len(pairs))
    keys = [
        (_key(source), _key(reply)) for source, reply in map(pairs.__getitem__, range(len(pairs)))
    ]
    sources, replies = (_numbered(np.array(side, np.uint64)) for side in zip(*keys, strict=True))
    found = _components(sources, replies)
    _, numbers, counts = np.unique(found, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    ranked = rank[numbers]
    return np.where(ranked < most, ranked, NO_CLASS)


def _components(sources: Indices, replies: Indices) -> Indices:
    """Return for each edge of the graph the least number of a reply in its component."""
    least = np.arange(replies.max() + 1)  # of each reply's component, as far as is known
    while True:
        of_source = np.full(sources.max() + 1, len(least))
        np.minimum.at(of_source, sources, least[replies])
        now = least.copy()
        np.minimum.at(now, replies, of_source[sources])
        now = now[now]  # a component's least may itself have found a lesser one
        if np.array_equal(now, least):
            return least[replies]
        least = now


def _key(ids: list[int]) -> int:
    digest = blake2b(np.array(ids, "<i4").tobytes(), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def _numbered(keys: npt.NDArray[np.uint64]) -> Indices:
    """Replace equal keys by equal numbers from 0."""
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)
