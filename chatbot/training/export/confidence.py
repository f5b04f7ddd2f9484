"""How sure a model has to be of a reply: measured on held-out pairs."""

from collections.abc import Sequence

import numpy as np

from chatbot.decoding import Decoding
from chatbot.fallback import Fallback, log_probability
from chatbot.training.dataset import Pairs
from chatbot.training.evaluation import generate
from chatbot.training.model import Seq2Seq

SHARE = 0.05
"""Share of the held-out prompts that get a fallback instead of their reply."""

_AT_ONCE = 64


def calibrated(
    model: Seq2Seq, pairs: Pairs, replies: Sequence[str], share: float, *, decoding: Decoding
) -> Fallback:
    """Return the fallback that takes the place of the most unsure replies to the held-out prompts.

    Its threshold is the quantile `share` of the log-probabilities of the best replies.
    """
    sources = sorted((pairs[number][0] for number in range(len(pairs))), key=len)
    found = [
        hypotheses[0]
        for start in range(0, len(sources), _AT_ONCE)
        for hypotheses in generate(model, sources[start : start + _AT_ONCE], decoding)
    ]
    sure = [log_probability(one.score, len(one.ids) + one.finished, decoding) for one in found]
    return Fallback(round(float(np.quantile(sure, share)), 4), tuple(replies))
