"""Training speed: ours, and the recurrent model of JoeyNMT with as many layers of the same widths.

JoeyNMT's decoder attends as Luong et al. 2015 with input feeding and takes a step after the other;
its output reads the attentional state, ours, untied, state and context. Both do what their trainer
does with a batch: loss a token, gradients, their norm clipped, Adam.
"""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks import training
from benchmarks.timing import interleaved, ratios, spread, table
from chatbot.training.config import ModelConfig, TrainConfig
from chatbot.training.dataset import Batch
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS

ROUNDS = 5
GENERAL = replace(training.UNTIED, attention="general")
JOEY = "JoeyNMT"
PADDING, BEGIN, END = 1, 2, 3  # behind their unknown word, 0
SPECIALS: dict[str, Any] = {
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": None,
    "unk_id": 0,
    "pad_id": PADDING,
    "bos_id": BEGIN,
    "eos_id": END,
    "lang_tags": [],
}


def run(rounds: int) -> str:
    if find_spec("joeynmt") is None:
        return "Skipped: joeynmt is not installed beside this project."
    torch.set_num_threads(training.THREADS)
    torch.manual_seed(0)
    batch = training.random_batch(training.SOURCES, training.SOURCE, training.REPLY)
    joey = their_model(GENERAL)
    steps: dict[str, training.Step] = {JOEY: Stepper(joey, batch).step}
    sizes = {JOEY: training.parameters(joey)}
    configs = {
        "ours, query previous": GENERAL,
        "ours, query first": replace(GENERAL, query="first"),
        "ours, query first, tied": replace(GENERAL, query="first", tied=True),
    }
    for name, config in configs.items():
        model = Seq2Seq(config, training.VOCABULARY)
        steps[name] = training.trainer_step(model, batch, training.FP32)
        sizes[name] = training.parameters(model)
    measured, note = interleaved(
        {name: partial(training.per_second, step) for name, step in steps.items()}, rounds
    )
    rows = [
        [
            name,
            f"{sizes[name]:,}",
            spread([batch.tokens * each for each in rate], ",.0f"),
            spread(ratios(rate, measured[JOEY]), ".2f"),
        ]
        for name, rate in measured.items()
    ]
    return table(["", "parameters", "reply tokens/s", f"to {JOEY}"], rows, note)


def their_model(config: ModelConfig) -> Any:
    # Late: it is not among what the project needs.
    from joeynmt.model import build_model  # noqa: PLC0415
    from joeynmt.vocabulary import Vocabulary  # noqa: PLC0415

    words = [f"w{number}" for number in range(training.VOCABULARY - 4)]
    vocabulary = Vocabulary(words, SimpleNamespace(**SPECIALS))
    shared: dict[str, Any] = {
        "type": "recurrent",
        "rnn_type": config.cell,
        "embeddings": {"embedding_dim": config.embedding, "dropout": config.dropout},
        "dropout": config.dropout,
    }
    encoder = {"hidden_size": config.encoder_hidden, "num_layers": config.encoder_layers}
    decoder = {"hidden_size": config.hidden, "num_layers": config.decoder_layers}
    settings = {
        "tied_embeddings": True,  # one table for sources and replies, as ours
        "encoder": {**shared, **encoder, "bidirectional": True},
        "decoder": {**shared, **decoder, "attention": "luong", "hidden_dropout": config.dropout},
    }
    model = build_model(settings, vocabulary, vocabulary)
    model.loss_function = ("crossentropy", 0.0)
    return model.train()


class Stepper:
    """Do what JoeyNMT's trainer does with one batch."""

    def __init__(self, model: Any, batch: Batch) -> None:
        from joeynmt.batch import Batch as TheirBatch  # noqa: PLC0415

        defaults = TrainConfig()
        self.model, self.clip = model, defaults.clip
        self.optimizer = torch.optim.Adam(model.parameters(), lr=defaults.learning_rate)
        src, reply = (torch.where(ids == EOS, END, ids) for ids in (batch.src, batch.reply))
        first = torch.full_like(reply[:, :1], BEGIN)
        self.batch = TheirBatch(
            src=src,
            src_length=batch.src_len,
            src_prompt_mask=None,
            trg=torch.cat([first, reply], dim=1),
            trg_prompt_mask=None,
            indices=torch.arange(len(src)),
            device=torch.device("cpu"),
            pad_index=PADDING,
            eos_index=END,
        )

    def step(self) -> float:
        """Return the loss a token."""
        self.batch.sort_by_src_length()
        loss, *_ = self.model(return_type="loss", **vars(self.batch))
        loss = self.batch.normalize(loss, normalization="tokens")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.item())
