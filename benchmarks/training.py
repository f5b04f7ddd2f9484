"""Training speed: a step of each decoder, and the step-by-step loop of the PyTorch tutorial."""

from collections.abc import Callable
from functools import partial
from typing import get_args

import torch
from torch.nn.utils import clip_grad_norm_

from benchmarks.timing import interleaved, ratios, seconds, spread, table
from benchmarks.tutorial import Tutorial
from chatbot.training.config import Mode, ModelConfig, TrainConfig
from chatbot.training.dataset import Batch
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS, PAD, SPECIALS

ROUNDS = 5
REPEATS = 3
VOCABULARY = 15_000
SOURCES, LONGEST_SOURCE, LONGEST_REPLY = 164, 15, 10  # 4,100 tokens, padding included
DEFAULT = ModelConfig()


def run(rounds: int) -> str:
    torch.manual_seed(0)
    batch = random_batch()
    tokens = reply_tokens(batch)
    tutorial = Tutorial(DEFAULT, VOCABULARY)
    steps: dict[str, Callable[[], object]] = {
        mode: trainer_step(ModelConfig(mode=mode), batch) for mode in get_args(Mode)
    }
    steps["tutorial"] = partial(tutorial.step, batch)
    measured, note = interleaved(
        {name: partial(tokens_per_second, step, tokens) for name, step in steps.items()},
        rounds,
    )
    rows = [
        [name, spread(speed, ",.0f"), spread(ratios(speed, measured["tutorial"]), ".2f")]
        for name, speed in measured.items()
    ]
    return table(["", "reply tokens/s", "to the tutorial's loop"], rows, note)


def tokens_per_second(step: Callable[[], object], tokens: int) -> float:
    return tokens / seconds(step, repeats=REPEATS)


def trainer_step(config: ModelConfig, batch: Batch) -> Callable[[], object]:
    """Return what `chatbot train` does with one batch."""
    defaults = TrainConfig()
    model = Seq2Seq(config, VOCABULARY)
    optimizer = torch.optim.Adam(model.parameters(), lr=defaults.learning_rate)

    def step() -> float:
        loss, tokens = model.loss(*batch)
        optimizer.zero_grad()
        torch.autograd.backward(loss / tokens)
        clip_grad_norm_(model.parameters(), defaults.clip)
        optimizer.step()
        return float(loss.item())

    return step


def random_batch() -> Batch:
    """Return a batch as the trainer makes them: replies alike in length, sources less so."""
    src_len = torch.randint(5, LONGEST_SOURCE + 1, (SOURCES,))
    src_len[0] = LONGEST_SOURCE
    reply_len = torch.randint(LONGEST_REPLY - 1, LONGEST_REPLY + 1, (SOURCES,))
    return Batch(padded(src_len, LONGEST_SOURCE), src_len, padded(reply_len, LONGEST_REPLY))


def reply_tokens(batch: Batch) -> int:
    """Return the number of tokens that are learnt, padding left out."""
    return int((batch.reply != PAD).sum())


def padded(lengths: torch.Tensor, longest: int) -> torch.Tensor:
    """Return random ids (B, longest) that end with EOS."""
    ids = torch.randint(len(SPECIALS), VOCABULARY, (len(lengths), longest))
    places = torch.arange(longest)[None] - lengths[:, None]  # (B, longest); -1 at the end
    ids[places == -1] = EOS
    ids[places >= 0] = PAD
    return ids
