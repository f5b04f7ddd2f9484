"""The loop of PyTorch's chatbot tutorial, written anew for the sizes of our attention model.

As there: sources sorted by length, one call of the decoder a step, attention "dot" after the
recurrent cell, softmax and masked loss a step, `.item()` a step, two optimizers, teacher forcing.
Not as there, so that the parameters are as many as ours: the directions of the encoder are
concatenated, a bridge starts the decoder, and the output reads state and context as they are or,
tied, through the same bottleneck as ours.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from chatbot.training.config import ModelConfig, TrainConfig
from chatbot.training.dataset import Batch
from chatbot.training.device import Hardware
from chatbot.vocabulary import BOS, PAD


class Encoder(nn.Module):
    """Read the sources, longest first."""

    def __init__(self, config: ModelConfig, embedding: nn.Embedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.gru = nn.GRU(
            config.embedding,
            config.encoder_hidden,
            config.encoder_layers,
            dropout=config.dropout,
            bidirectional=True,
        )
        self.layers = config.decoder_layers
        self.bridge = nn.Linear(config.memory, config.decoder_layers * config.hidden)

    def forward(self, src: Tensor, src_len: Tensor) -> tuple[Tensor, Tensor]:
        """Map (S, B) to states (S, B, M) and the decoder's first state (L, B, H)."""
        packed = pack_padded_sequence(self.embedding(src), src_len)
        states, hidden = self.gru(packed)
        states, _ = pad_packed_sequence(states)
        start = torch.tanh(self.bridge(torch.cat([hidden[-2], hidden[-1]], dim=-1)))  # (B, L · H)
        return states, start.view(len(start), self.layers, -1).transpose(0, 1).contiguous()


class Decoder(nn.Module):
    """Take one step."""

    def __init__(self, config: ModelConfig, embedding: nn.Embedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.dropout = nn.Dropout(config.dropout)
        self.gru = nn.GRU(
            config.embedding, config.hidden, config.decoder_layers, dropout=config.dropout
        )
        if config.tied:
            concat = nn.Linear(config.readout_input, config.embedding)
            out = nn.Linear(config.embedding, embedding.num_embeddings)
            out.weight = embedding.weight
            self.readout = nn.Sequential(concat, nn.Tanh(), out)
        else:
            self.readout = nn.Sequential(nn.Linear(config.readout_input, embedding.num_embeddings))

    def forward(self, token: Tensor, hidden: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens (1, B) to probabilities (B, V) and the next state."""
        output, hidden = self.gru(self.dropout(self.embedding(token)), hidden)  # (1, B, H)
        energies = torch.sum(output * states, dim=2).t()  # (B, S)
        weights = softmax(energies, dim=1).unsqueeze(1)  # (B, 1, S)
        context = weights.bmm(states.transpose(0, 1)).squeeze(1)  # (B, M)
        return softmax(self.readout(torch.cat([output.squeeze(0), context], dim=1)), dim=1), hidden


class Tutorial:
    """Train on one batch after the other."""

    def __init__(self, config: ModelConfig, vocabulary: int, hardware: Hardware) -> None:
        defaults = TrainConfig()
        embedding = nn.Embedding(vocabulary, config.embedding)
        nn.init.normal_(embedding.weight, std=config.embedding**-0.5)
        self.clip, self.hardware = defaults.clip, hardware
        self.encoder = Encoder(config, embedding)
        self.decoder = Decoder(config, embedding)
        self.parts = (self.encoder, self.decoder)
        self.optimizers = [
            torch.optim.Adam(part.parameters(), lr=defaults.learning_rate) for part in self.parts
        ]

    def step(self, batch: Batch) -> float:
        """Return the mean loss of a batch after one step of both optimizers."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        with self.hardware.autocast():
            loss, mean = self._loss(batch)
        torch.autograd.backward(loss)
        for part in self.parts:
            nn.utils.clip_grad_norm_(part.parameters(), self.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        return mean

    def _loss(self, batch: Batch) -> tuple[Tensor, float]:
        """Return the sum of the losses of the steps, and the mean loss a token."""
        order = batch.src_len.argsort(descending=True)
        reply = batch.reply[order].t()  # (T, B)
        states, hidden = self.encoder(batch.src[order].t(), batch.src_len[order])
        token = torch.full((1, reply.size(1)), BOS)
        loss, losses, total = torch.zeros(()), [], 0
        for now, valid in zip(reply, reply != PAD, strict=True):
            probabilities, hidden = self.decoder(token, hidden, states)
            entropy = -torch.log(torch.gather(probabilities, 1, now.view(-1, 1)).squeeze(1))
            masked = entropy.masked_select(valid).mean()
            loss = loss + masked
            count = int(valid.sum().item())
            losses.append(masked.item() * count)
            total += count
            token = now.view(1, -1)
        return loss, sum(losses) / total
