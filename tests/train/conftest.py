"""What the tests of training share: small configurations, a small store."""

import sqlite3
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from chatbot.training.config import ModelConfig
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS

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


def ids(text: str) -> list[int]:
    """Return ids for letters, and EOS: a is 4, b is 5, …"""
    return [*(ord(letter) - ord("a") + 4 for letter in text), EOS]


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Path]:
    """Write (split, turn, turn, …) into a database with what the trainer reads of a store.

    Every turn but the first of a row ends a pair.
    """

    def make(dialogues: Sequence[tuple[str, ...]], schema: int = 1) -> Path:
        path = tmp_path / "语料 1.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE schema_info (version INTEGER)")
            connection.execute("INSERT INTO schema_info VALUES (?)", (schema,))
            connection.execute("CREATE TABLE turns (dialogue_id, position, text)")
            connection.execute(
                "CREATE TABLE pairs (pair_id INTEGER PRIMARY KEY, dialogue_id, position, split,"
                " source, prompt, reply, prompt_words, reply_words, rejected)"
            )
            for number, (split, *turns) in enumerate(dialogues):
                for position, text in enumerate(turns):
                    connection.execute(
                        "INSERT INTO turns VALUES (?, ?, ?)", (number, position, text)
                    )
                for position, (prompt, reply) in enumerate(pairwise(turns), 1):
                    values = (number, position, split, "chat.tsv", prompt, reply)
                    words = " ".join(prompt), " ".join(reply)
                    connection.execute(
                        "INSERT INTO pairs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                        (*values, *words),
                    )
        connection.close()
        return path

    return make
