"""Hashes that are the same everywhere and always, and the split that they give."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

TRAIN, VALID, TEST = "train", "valid", "test"


class Shares(NamedTuple):
    """Per cent of the dialogues that go to the splits besides `train`."""

    valid: int = 5
    test: int = 5


def pair_key(prompt: str, reply: str) -> int:
    """Return 64 bits that stand for a normalised pair."""
    return _hash(f"{prompt}\0{reply}")


def dialogue_key(raws: Sequence[str]) -> int:
    """Return 64 bits that stand for what was said in a dialogue."""
    return _hash("\0".join(raws))


def split_of(key: int, shares: Shares) -> str:
    """Return the split of a dialogue, which depends on nothing but its key."""
    place = key % 100
    if place >= 100 - shares.test:
        return TEST
    return VALID if place >= 100 - shares.test - shares.valid else TRAIN


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
