"""A model with random weights, for what does not depend on what it says.

Its replies never end of themselves: all that are compared have the greatest length.
"""

import torch

from chatbot.training.config import ModelConfig
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import EOS

SHARPNESS = 8.0
"""Random logits, this much larger, spread like those of a trained model, and nothing ties."""

IMPOSSIBLE = -100.0


def random_model(config: ModelConfig, vocabulary: int) -> Seq2Seq:
    torch.manual_seed(0)
    model = Seq2Seq(config, vocabulary).eval()
    with torch.no_grad():
        model.embedding.weight *= SHARPNESS
        model.output_bias[EOS] = IMPOSSIBLE
    return model
