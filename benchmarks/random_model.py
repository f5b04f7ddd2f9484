"""A model with random weights, for what does not depend on what it says."""

import torch

from chatbot.training.config import ModelConfig
from chatbot.training.model import Seq2Seq

SHARPNESS = 8.0
"""Random logits, this much larger, spread like those of a trained model, and nothing ties."""


def random_model(config: ModelConfig, vocabulary: int) -> Seq2Seq:
    torch.manual_seed(0)
    model = Seq2Seq(config, vocabulary).eval()
    with torch.no_grad():
        model.embedding.weight *= SHARPNESS
    return model
