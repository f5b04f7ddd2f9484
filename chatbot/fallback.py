"""What is said instead of a reply that the model is not sure of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatbot.decoding import Beam, Decoding, Sample
from chatbot.reply import Reply


@dataclass(frozen=True)
class Fallback:
    """Hold honest replies, and below which log-probability of the best reply they take its place.

    They take it too where the model says one of them itself: a network has a favourite wording. A
    reply that was drawn by chance says nothing of how sure the model is: it stays.
    """

    below: float
    replies: tuple[str, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Fallback":
        """Return what stands in a manifest; raise `ValueError` where that is something else."""
        below, replies = values["below"], values["replies"]
        texts = isinstance(replies, list) and replies and all(isinstance(x, str) for x in replies)
        if type(below) not in (int, float) or not math.isfinite(below) or not texts:
            raise ValueError(f"fallback={dict(values)}")
        return cls(float(below), tuple(replies))

    def replaces(self, reply: Reply, decoding: Decoding) -> bool:
        """Return whether the model is less sure of a reply than it has to be, or says so itself."""
        if isinstance(decoding, Sample):
            return False
        if reply.text in self.replies:
            return True
        tokens = len(reply.tokens) + reply.finished
        return log_probability(reply.score, tokens, decoding) < self.below

    def reply(self, turn: str) -> str:
        """Return what to say to a turn: one of the replies, by its number of characters."""
        return self.replies[len(turn) % len(self.replies)]


def log_probability(score: float, tokens: int, decoding: Decoding) -> float:
    """Return the log-probability of a reply whose score a search gave, its end mark included."""
    alpha = decoding.length_penalty if isinstance(decoding, Beam) else 0.0
    return float(score * ((5 + tokens) / 6) ** alpha)
