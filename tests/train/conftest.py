"""What the tests of training share: small configurations, a small store."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from chatbot.training.config import ModelConfig
from chatbot.training.model import Seq2Seq

MODES = ("context", "feedback", "peek", "attention")
CELLS = ("rnn", "lstm", "gru")


# Workers of the test run share the cores; threads that wait for each other would only be slower.
torch.set_num_threads(1)


def small(**settings: object) -> ModelConfig:
    """Return a configuration of a few numbers a layer, without dropout."""
    sizes = {"embedding": 8, "encoder_hidden": 6, "hidden": 12, "dropout": 0.0}
    return ModelConfig.from_dict({**sizes, **settings})


def seeded(config: ModelConfig, vocabulary: int = 20, seed: int = 0) -> Seq2Seq:
    """Return a model in evaluation with the weights of a seed."""
    torch.manual_seed(seed)
    return Seq2Seq(config, vocabulary).eval()


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[Sequence[tuple[str, str, str]]], Path]:
    """Write (split, prompt, reply) into a database with the view that the trainer reads."""

    def make(pairs: Sequence[tuple[str, str, str]], schema: int = 1) -> Path:
        path = tmp_path / "语料 1.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE schema_info (version INTEGER)")
            connection.execute("INSERT INTO schema_info VALUES (?)", (schema,))
            connection.execute(
                "CREATE TABLE pairs (pair_id INTEGER PRIMARY KEY, split, prompt, reply,"
                " prompt_words, reply_words, rejected)"
            )
            for split, prompt, reply in pairs:
                connection.execute(
                    "INSERT INTO pairs (split, prompt, reply, prompt_words, reply_words)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (split, prompt, reply, " ".join(prompt), " ".join(reply)),
                )
        connection.close()
        return path

    return make
