"""How the loop chooses the next token of every row: greedy, by beam, or by chance.

Equal to `chatbot.training.search`, the reference; R = B · K rows, V tokens that a reply may use.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chatbot.decoding import MAX_REPLY
from chatbot.training.export.graph import (
    FLOAT,
    INT64,
    Value,
    cast,
    op,
    ops,
    reduced,
    reshape,
    unsqueeze,
)
from chatbot.training.search import BLOCKED, JUMPS, MODULI, MULTIPLIERS, NEVER, STREAMS
from chatbot.vocabulary import EOS, PAD


class Settings(NamedTuple):
    """Hold what the caller asks for, within its range; all are scalars."""

    max_len: Value
    min_len: Value
    beam_size: Value
    length_penalty: Value
    temperature: Value
    top_k: Value
    top_p: Value
    seed: Value
    no_repeat_ngram: Value
    repetition_penalty: Value


class Choice(NamedTuple):
    """Hold, for every row after the step, its token, log-probability and the row it comes from."""

    tokens: Value  # (R,) int64
    total: Value  # (R,)
    parents: Value  # (R,) int64


@dataclass(frozen=True)
class Selection:
    """Choose the next tokens of B · K rows."""

    settings: Settings
    sources: Value  # B
    rows: Value  # R
    vocabulary: int  # V

    def initial_total(self) -> Value:
        """Return the log-probabilities (R,) before the first step.

        The hypotheses of a beam start alike, so only the first of each source counts; samples
        all do.
        """
        position = op("Range", 0, self.rows, 1) % self.settings.beam_size  # (R,)
        alive = op("Or", op("Equal", position, 0), self._sampling())
        return op("Where", alive, 0.0, NEVER)

    def choose(self, logits: Value, turn: Value, ids: Value, ended: Value, total: Value) -> Choice:
        """Return the next tokens for logits (R, V), given the replies so far, ids (R, t).

        A branch inside another costs time, and so do logits that leave one: hence the order.
        """
        choose, kinds = logits.graph.branch, [INT64, FLOAT, INT64]
        beam = op("And", op("Greater", self.settings.beam_size, 1), op("Not", self._sampling()))
        discouraging = op("Or", self._penalising(), self._blocking())
        too_short = op("Less", turn, self.settings.min_len)

        def special() -> list[Value]:
            unshaped = op("Not", op("Or", discouraging, too_short))
            ranked = op("And", beam, unshaped)
            return choose(ranked, lambda: self._ranked(logits, ids, ended, total), shaped, kinds)

        def shaped() -> list[Value]:
            kept = self._shaped(logits, turn, ids)
            return choose(
                beam,
                lambda: self._ranked(kept, ids, ended, total),
                lambda: self._each(kept, turn, ended, total),
                kinds,
            )

        def greedy() -> Choice:
            return self._alone(self._greatest(logits), ended, total)

        always = op("Or", discouraging, op("Or", beam, self._sampling()))
        return Choice(*choose(op("Or", always, too_short), special, greedy, kinds))

    def _sampling(self) -> Value:
        return op("Greater", self.settings.temperature, 0.0)

    # Every row for itself.

    def _each(self, logits: Value, turn: Value, ended: Value, total: Value) -> Choice:
        tokens, gain = logits.graph.branch(
            self._sampling(),
            lambda: self._drawn(logits, turn),
            lambda: self._greatest(logits),
            [INT64, FLOAT],
        )
        return self._alone((tokens, gain), ended, total)

    def _alone(self, chosen: tuple[Value, Value], ended: Value, total: Value) -> Choice:
        tokens = op("Where", ended, PAD, chosen[0])  # after its end a row only pads
        gain = op("Where", ended, 0.0, chosen[1])
        return Choice(tokens, total + gain, op("Range", 0, self.rows, 1))

    def _greatest(self, logits: Value) -> tuple[Value, Value]:
        """Return the likeliest tokens (R,) and their log-probabilities."""
        # TopK is faster than ArgMax, and LogSoftmax than its parts.
        best, tokens = ops(
            "TopK", op("LogSoftmax", logits, axis=-1), logits.graph.integers(1), outputs=2
        )  # (R, 1)
        return reshape(tokens, -1), reshape(best, -1)

    def _drawn(self, logits: Value, turn: Value) -> tuple[Value, Value]:
        """Draw tokens (R,) from the likeliest; return their log-probabilities too."""
        settings = self.settings
        top_k = unsqueeze(settings.top_k, 0)
        values, tokens = ops("TopK", logits, top_k, outputs=2)  # (R, k)
        likely = op("Softmax", values / settings.temperature, axis=-1)
        mass = op("CumSum", likely, 1)  # (R, k)
        kept = op("Less", mass - likely, op("Max", settings.top_p, 1e-6))  # the first always is
        kept_mass = reduced("ReduceMax", op("Where", kept, mass, 0.0), 1, keep=True)  # (R, 1)
        reach = unsqueeze(self._uniform(turn), 1) * kept_mass
        passed = op("And", kept, op("LessOrEqual", mass, reach))
        number = reduced("ReduceSum", cast(passed, INT64), 1, keep=True)  # (R, 1)
        last = reduced("ReduceSum", cast(kept, INT64), 1, keep=True) - 1
        place = op("Min", number, last)
        drawn = op("GatherElements", tokens, place, axis=1)  # (R, 1)
        gain = op("GatherElements", op("LogSoftmax", logits, axis=-1), drawn, axis=1)
        return reshape(drawn, -1), reshape(gain, -1)

    def _uniform(self, turn: Value) -> Value:
        """Return numbers (R,) in (0, 1), as `chatbot.training.search.Generator` draws them.

        The n-th state is the first times the n-th power of a multiplier: nothing is carried.
        """
        settings, integers = self.settings, turn.graph.integers
        stream = op("Range", 0, self.rows, 1) % settings.beam_size  # (R,)
        states = []
        for modulus, multiplier, jump in zip(MODULI, MULTIPLIERS, JUMPS, strict=True):
            x = settings.seed % (modulus - 1) + 1
            for _ in range(2):
                x = x * x % (modulus - 1) + 1
            jumps = integers(*(pow(jump, k + 1, modulus) for k in range(STREAMS)))
            start = x * op("Gather", jumps, stream) % modulus
            powers = integers(*(pow(multiplier, n + 1, modulus) for n in range(MAX_REPLY)))
            states.append(start * op("Gather", powers, turn) % modulus)
        z = (states[0] - states[1] - 1) % (MODULI[0] - 1) + 1
        return cast(z, FLOAT) / 2.0**31

    # The rows of a source against each other.

    def _ranked(self, logits: Value, ids: Value, ended: Value, total: Value) -> Choice:
        """Rank all continuations of all hypotheses and keep the best K of each source."""
        width = self.settings.beam_size
        log_probs = op("LogSoftmax", logits, axis=-1)
        each = op("Min", width, self.vocabulary)  # k: K, where there are so many
        gain, tokens = ops("TopK", log_probs, unsqueeze(each, 0), outputs=2)  # (R, k)
        # After its end a hypothesis only pads, once.
        ended = unsqueeze(ended, 1)  # (R, 1)
        first = op("Equal", op("Range", 0, each, 1), 0)  # (k,)
        gain = op("Where", ended, op("Where", first, 0.0, NEVER), gain)
        tokens = op("Where", ended, PAD, tokens)
        candidates = unsqueeze(total, 1) + gain  # (R, k): no row gives more of the best K
        written = op("Concat", _written(ids), cast(op("Not", ended), INT64), axis=1)
        length = cast(reduced("ReduceSum", written, 1, keep=True), FLOAT)  # (R, 1)
        ranked = candidates / penalty(length, self.settings.length_penalty)
        together = reshape(ranked, self.sources, -1)  # (B, K · k)
        _, chosen = ops("TopK", together, unsqueeze(width, 0), outputs=2)  # (B, K)
        first_places = unsqueeze(op("Range", 0, self.sources, 1), 1) * (width * each)  # (B, 1)
        place = reshape(first_places + chosen, -1)  # (R,) among R · k
        return Choice(
            op("Gather", reshape(tokens, -1), place),
            op("Gather", reshape(candidates, -1), place),
            place // each,
        )

    # What shapes the logits.

    def _penalising(self) -> Value:
        return op("Not", op("Equal", self.settings.repetition_penalty, 1.0))

    def _blocking(self) -> Value:
        return op("Greater", self.settings.no_repeat_ngram, 0)

    def _shaped(self, logits: Value, turn: Value, ids: Value) -> Value:
        """Return the logits without an end before its time, and with repetitions less likely."""
        settings, choose = self.settings, logits.graph.branch
        penalise = op("And", self._penalising(), op("Greater", turn, 0))
        (logits,) = choose(
            penalise, lambda: [self._penalised(logits, ids)], lambda: [logits], [FLOAT]
        )
        block = op("And", self._blocking(), op("GreaterOrEqual", turn, settings.no_repeat_ngram))
        (logits,) = choose(
            block, lambda: [self._blocked(logits, turn, ids)], lambda: [logits], [FLOAT]
        )
        end = logits.graph.weight(np.arange(self.vocabulary) == EOS)  # (V,)
        too_short = op("And", end, op("Less", turn, settings.min_len))
        return op("Where", too_short, NEVER, logits)

    def _penalised(self, logits: Value, ids: Value) -> Value:
        """Make the tokens of the reply less likely (Keskar et al. 2019, section 4.1)."""
        theta = self.settings.repetition_penalty
        seen = op("GatherElements", logits, ids, axis=1)  # (R, t)
        less = op("Where", op("Greater", seen, 0.0), seen / theta, seen * theta)
        return op("ScatterElements", logits, ids, less, axis=1)

    def _blocked(self, logits: Value, turn: Value, ids: Value) -> Value:
        """Block the tokens that would complete an n-gram of the reply, n <= t."""
        before = self.settings.no_repeat_ngram - 1  # n - 1 tokens stand before each
        starts = op("Range", 0, turn - before, 1)  # (m,)
        offsets = op("Range", 0, before, 1)  # (n - 1,)
        windows = op("Gather", ids, unsqueeze(starts, 1) + offsets, axis=1)  # (R, m, n - 1)
        last = op("Gather", ids, offsets + (turn - before), axis=1)  # (R, n - 1)
        follow = op("Gather", ids, starts + before, axis=1)  # (R, m)
        other = cast(op("Not", op("Equal", windows, unsqueeze(last, 1))), INT64)
        none = unsqueeze(follow * 0, 2)  # for n = 1: older runtimes cannot sum up nothing
        different = reduced("ReduceSum", op("Concat", other, none, axis=2), 2)
        same = op("Equal", different, 0)  # (R, m)
        block = op("Where", same, BLOCKED, 0.0)
        added = op("ScatterElements", logits, follow, block, axis=1, reduction="add")
        return op("Max", added, logits + BLOCKED)  # once, however often the n-gram stands there


def penalty(length: Value, alpha: Value) -> Value:
    """Return the length penalty of Wu et al. 2016, eq. 14."""
    return ((5.0 + length) / 6.0) ** alpha


def lengths(ids: Value) -> Value:
    """Return how many tokens each reply (…, T) has."""
    return reduced("ReduceSum", _written(ids), -1)


def _written(ids: Value) -> Value:
    return cast(op("Not", op("Equal", ids, PAD)), INT64)
