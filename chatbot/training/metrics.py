"""How like replies are to their references, and how varied they are, over tokens of any kind.

`*_statistics` counts one reply; a score is computed from the sum of such rows, so that a bootstrap
need only add them up again. A score of many sums at once has their leading dimensions.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Tokens = Sequence[Hashable]
Array = npt.NDArray[np.float64]

LARGEST_EXPONENT = 700.0
"""Where a perplexity is capped: e to a little more is no float."""

BLEU_ORDER = 4
CHRF_ORDER = 6
CHRF_BETA = 2
"""How many times recall counts as much as precision."""


def bleu_statistics(reply: Tokens, references: Sequence[Tokens]) -> tuple[int, ...]:
    """Return the lengths of the reply and of its reference, then matches and n-grams of each order.

    Of several references the one nearest in length counts, of equally near ones the shorter; an
    n-gram matches as often as the reference that has it most often.
    """
    lengths = [len(reference) for reference in references]
    nearest = min(lengths, key=lambda length: (abs(length - len(reply)), length))
    orders = range(1, BLEU_ORDER + 1)
    matches = [_matches(reply, references, n) for n in orders]
    return (len(reply), nearest, *matches, *(max(0, len(reply) - n + 1) for n in orders))


def bleu(sums: npt.ArrayLike, order: int = BLEU_ORDER) -> Array:
    """Map sums (…, 10) to corpus BLEU with n-grams up to `order`, 0 to 100, not smoothed.

    Papineni et al. 2002: 0 where no n-gram of an order matches anywhere.
    """
    values = np.asarray(sums, dtype=np.float64)
    reply, reference = values[..., 0], values[..., 1]
    matches = values[..., 2 : 2 + order]  # (…, order)
    possible = values[..., 2 + BLEU_ORDER : 2 + BLEU_ORDER + order]
    with np.errstate(divide="ignore"):
        logarithm = np.log(_ratio(matches, possible)).mean(axis=-1)
        brevity = np.minimum(0.0, 1.0 - 1.0 / _ratio(reply, reference))
    return np.asarray(100.0 * np.exp(logarithm + brevity))


def d2l_bleu(reply: Tokens, reference: Tokens, k: int = 2) -> float:
    """Return the BLEU of Dive into Deep Learning, section 9.7, 0 to 1, of one reply.

    exp(min(0, 1 - reference length / reply length)) · Π_{n ≤ k} p_n^(1 / 2^n). An order that the
    reply is too short for is left out, where the book's code divides by 0; an empty reply has 0.
    """
    if not reply:
        return 0.0
    score = float(np.exp(min(0.0, 1.0 - len(reference) / len(reply))))
    for n in range(1, min(k, len(reply)) + 1):
        score *= (_matches(reply, [reference], n) / (len(reply) - n + 1)) ** 0.5**n
    return score


def d2l_statistics(reply: Tokens, references: Sequence[Tokens]) -> tuple[float, int]:
    """Return the `d2l_bleu` of the best reference, and 1: their sums give the mean."""
    return max(d2l_bleu(reply, reference) for reference in references), 1


def mean(sums: npt.ArrayLike) -> Array:
    """Map sums (…, 2) of values and of their number to the mean."""
    values = np.asarray(sums, dtype=np.float64)
    return _ratio(values[..., 0], values[..., 1])


def chrf_statistics(reply: Tokens, references: Sequence[Tokens]) -> tuple[int, ...]:
    """Return for each order the n-grams of the reply, of its reference, and the matches.

    The tokens are characters without spaces. Of several references the best one counts. An order
    that the reference is too short for has no n-grams in the reply either.
    """
    rows = [_chrf_row(reply, reference) for reference in references]
    return max(rows, key=chrf)


def chrf(sums: npt.ArrayLike) -> Array:
    """Map sums (…, 18) to chrF2, 0 to 100 (Popović 2015), over the orders that both sides have."""
    values = np.asarray(sums, dtype=np.float64)
    counts = values.reshape(*values.shape[:-1], CHRF_ORDER, 3)
    reply, reference, matches = (counts[..., column] for column in range(3))  # (…, 6) each
    orders = ((reply > 0) & (reference > 0)).sum(axis=-1)
    precision = _ratio(_ratio(matches, reply).sum(axis=-1), orders)
    recall = _ratio(_ratio(matches, reference).sum(axis=-1), orders)
    weighted = CHRF_BETA**2 * precision + recall
    return 100.0 * _ratio((1 + CHRF_BETA**2) * precision * recall, weighted)


def distinct(replies: Iterable[Tokens], n: int) -> float:
    """Return the different n-grams of all replies over their number (Li et al. 2016), 0 to 1."""
    counts: Counter[tuple[Hashable, ...]] = Counter()
    for reply in replies:
        counts.update(_ngrams(reply, n))
    return len(counts) / max(1, counts.total())


def perplexity(sums: npt.ArrayLike) -> Array:
    """Map sums (…, 2) of nats and of tokens to e to the loss a token; capped where a float ends."""
    values = np.asarray(sums, dtype=np.float64)
    return np.asarray(np.exp(np.minimum(_ratio(values[..., 0], values[..., 1]), LARGEST_EXPONENT)))


def _chrf_row(reply: Tokens, reference: Tokens) -> tuple[int, ...]:
    row: list[int] = []
    for n in range(1, CHRF_ORDER + 1):
        of_reply, of_reference = (max(0, len(side) - n + 1) for side in (reply, reference))
        matches = _matches(reply, [reference], n)
        row += [of_reply if of_reference else 0, of_reference, matches]
    return tuple(row)


def _matches(reply: Tokens, references: Sequence[Tokens], n: int) -> int:
    """Count the n-grams of the reply that stand in a reference, each as often as there at most."""
    wanted: Counter[tuple[Hashable, ...]] = Counter()
    for reference in references:
        wanted |= _ngrams(reference, n)
    return (_ngrams(reply, n) & wanted).total()


def _ngrams(tokens: Tokens, n: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))


def _ratio(part: Array, whole: npt.ArrayLike) -> Array:
    """Return part / whole, 0 where there is no whole."""
    whole = np.asarray(whole, dtype=np.float64)
    ratio: Array = np.zeros(np.broadcast(part, whole).shape)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
