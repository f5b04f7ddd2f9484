"""The network: encoder, attention, decoder, and the four ways they are joined.

Legend of the shapes:
    B  sources in a batch             V  tokens that a reply may use
    S  tokens of the longest source   E  size of an embedding
    T  tokens of the longest reply    M  size of an encoder state, both directions together
    R  rows of a search, B · width    H  size of a decoder state
    L  layers of the decoder                              N  prototypes, of P numbers each

With encoder states h_1 … h_S, their summary C, decoder state s_t and previous token y_{t-1}:

    context     s_0 = 0      s_t = RNN(s_{t-1}, C)
    feedback    s_0 = f(C)   s_t = RNN(s_{t-1}, E y_{t-1})          Sutskever et al. 2014
    peek        s_0 = f(C)   s_t = RNN(s_{t-1}, [E y_{t-1}; C])     Cho et al. 2014
    attention   s_0 = f(C)   s_t = RNN(s_{t-1}, [E y_{t-1}; c_t])   Bahdanau et al. 2015

With prototypes C is first replaced by a mean of them.

In attention mode c_t answers the top layer's s_{t-1}, as above, or the first layer's s_t. Then only
the layers above read c_t (Wu et al. 2016), a single layer none of it (Luong et al. 2015), and as no
input depends on a later layer's state, each layer runs over all steps in one call.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from chatbot.training.config import ModelConfig
from chatbot.vocabulary import BOS, PAD

State = tuple[Tensor, ...]
"""The decoder's recurrent state: (h,), for an LSTM (h, c), each (L, R, H)."""

RNNS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


PROTOTYPE_SCALE = 3.0
"""How much louder the decoder hears a prototype than the logits do."""

NO_CLASS = -1
"""What stands for the class of a pair whose reply has no prototype."""

LOSS_PIECE = 256
"""Tokens whose logits are computed at once in training."""


class Memory(NamedTuple):
    """Hold what the decoder may look at."""

    states: Tensor  # (B, S, M)
    keys: Tensor  # (B, S, ·): the states as the attention compares them
    mask: Tensor  # (B, S), True on tokens, False on padding
    summary: Tensor  # (B, M), with prototypes (B, P)

    def repeat(self, times: int) -> "Memory":
        """Return each source `times` times in a row: (B · times, …)."""
        return Memory(*(part.repeat_interleave(times, dim=0) for part in self))


def _recurrent(layer: nn.Module, inputs: Any, state: Any = None) -> Any:
    """Run a recurrent layer; on a GPU in 32 bits, since autocast would give cuDNN float16."""
    if next(layer.parameters()).device.type != "cuda":
        return layer(inputs, state)
    with torch.autocast("cuda", enabled=False):
        return layer(inputs, state)


def _mask(lengths: Tensor, longest: int) -> Tensor:
    """Return a mask (B, longest), True on the tokens of rows of these lengths (B,)."""
    return torch.arange(longest, device=lengths.device)[None] < lengths[:, None]


class Encoder(nn.Module):
    """Read the source in one or both directions, and sum it up as C.

    last       the states behind the last token read, of each direction
    sum, mean  Σ h_j, Σ h_j / S
    weighted   Σ α_j h_j, α = softmax(w · h_j)      Yang et al. 2016, eqs. 6 and 7, w its u_w
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.summary = config.summary
        self.rnn = RNNS[config.cell](
            config.embedding,
            config.encoder_hidden,
            num_layers=config.encoder_layers,
            bidirectional=config.bidirectional,
            batch_first=True,
            dropout=config.dropout if config.encoder_layers > 1 else 0.0,
        )
        if self.summary == "weighted":
            self.weigh = nn.Linear(config.memory, 1, bias=False)
            nn.init.zeros_(self.weigh.weight)  # at first the mean

    def forward(self, embedded: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, S, E) and true lengths (B,) to states (B, S, M) and their summary (B, M).

        Packing keeps padding out of both directions; states of padding are exactly 0.
        """
        packed = pack_padded_sequence(
            embedded, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        output, final = _recurrent(self.rnn, packed)
        states, _ = pad_packed_sequence(
            output, batch_first=True, total_length=embedded.size(1)
        )  # (B, S, M)
        if self.summary == "weighted":
            scores = self.weigh(states).float()  # (B, S, 1)
            padding = ~_mask(lengths.to(states.device), embedded.size(1))[..., None]
            shares = scores.masked_fill(padding, -torch.inf).softmax(dim=1)
            return states, (shares.to(states) * states).sum(dim=1)
        if self.summary != "last":
            total = states.sum(dim=1)  # (B, M)
            return states, total / lengths.to(total)[:, None] if self.summary == "mean" else total
        hidden = final[0] if isinstance(final, tuple) else final  # (layers · directions, B, ·)
        top = hidden[-2:] if self.rnn.bidirectional else hidden[-1:]
        return states, torch.cat(list(top), dim=-1)  # (B, M)


class Prototypes(nn.Module):
    """Draw C to what stands for the replies that a source may be asking for.

    A softmax over N prototypes X says which they are, and C' = X softmax(Xᵀ W C + b) is what the
    decoder gets: the retrieval of Ramsauer et al. 2021, eq. 3. So it learns a reply for what a
    class of sources has in common, not for each way to ask.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.prototypes, config.prototype_size
        self.query = nn.Linear(config.memory, config.prototype_size, bias=False)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(config.prototypes))
        nn.init.normal_(self.query.weight, std=0.1)
        nn.init.normal_(self.weight, std=0.2)

    def logits(self, summary: Tensor) -> Tensor:
        """Map summaries C (B, M) to the logits (B, N) of the prototypes."""
        return linear(self.query(summary), self.weight, self.bias)

    def recall(self, logits: Tensor) -> Tensor:
        """Return the means (B, P) of the prototypes that logits (B, N) ask for.

        No gradient goes back to the logits: their classes alone teach them.
        """
        shares = logits.detach().float().softmax(dim=-1).to(logits.dtype)
        return PROTOTYPE_SCALE * (shares @ self.weight)


class Attention(nn.Module):
    """Look up the source states that matter for a query.

    dot       e_j = q · h_j                     Luong et al. 2015, eq. 8
    general   e_j = q · W h_j                   Luong et al. 2015, eq. 8
    additive  e_j = v · tanh(W q + U h_j)       Bahdanau et al. 2015, appendix A.1.2
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kind = config.attention
        if self.kind != "dot":
            self.key = nn.Linear(config.memory, config.hidden, bias=False)
        if self.kind == "additive":
            self.query = nn.Linear(config.hidden, config.hidden)
            self.score = nn.Linear(config.hidden, 1, bias=False)

    def project(self, states: Tensor) -> Tensor:
        """Return the keys (B, S, H) of the states (B, S, M): computed once a source."""
        return states if self.kind == "dot" else self.key(states)

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Map queries (R, T, H) to contexts c_t (R, T, M) and weights (R, T, S), 0 on padding."""
        if self.kind == "additive":
            features = torch.tanh(self.query(query)[:, :, None] + memory.keys[:, None])
            scores = self.score(features).squeeze(-1)  # (R, T, S)
        else:
            scores = torch.bmm(query, memory.keys.transpose(1, 2))  # (R, T, S)
        masked = scores.float().masked_fill(~memory.mask[:, None], -torch.inf)
        weights = masked.softmax(dim=-1)
        return torch.bmm(weights, memory.states), weights


class Decoder(nn.Module):
    """Write the reply token by token, in one of the four modes."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(
            RNNS[config.cell](size, config.hidden, batch_first=True)
            for size in config.decoder_inputs()
        )
        self.dropout = nn.Dropout(config.dropout)
        if config.mode != "context":
            size = config.state_tensors * config.decoder_layers * config.hidden
            self.bridge = nn.Linear(config.summary_size, size)
        if config.mode == "attention":
            self.attention = Attention(config)

    def start(self, summary: Tensor) -> State:
        """Return s_0: 0 in context mode, else f(C) = tanh(W C + b) for every layer."""
        config, rows = self.config, summary.size(0)
        shape = (rows, config.state_tensors, config.decoder_layers, config.hidden)
        if config.mode == "context":
            state = summary.new_zeros(shape)
        else:
            state = torch.tanh(self.bridge(summary)).to(summary.dtype).view(shape)
        return tuple(part.contiguous() for part in state.permute(1, 2, 0, 3))  # (L, R, H) each

    def forward(self, embedded: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Map previous tokens (R, T, E) to features of the output (R, T, H or H + M).

        Only where the attention is asked by the previous state there is a loop over the steps.
        """
        if self.config.mode != "attention":
            return self._stack(self._inputs(embedded, memory.summary), state)
        if self.config.asks_first:
            first, first_state = self._layer(0, embedded, state)  # (R, T, H)
            context, _ = self.attention(first, memory)  # (R, T, M)
            output, state = self._stack(first, state, context, below=first_state)
            return torch.cat([output, context], dim=-1), state
        features = []
        for previous in torch.split(embedded, 1, dim=1):  # (R, 1, E)
            context, _ = self.attention(state[0][-1][:, None], memory)  # (R, 1, M)
            output, state = self._stack(torch.cat([previous, context], dim=-1), state)
            features.append(torch.cat([output, context], dim=-1))  # (R, 1, H + M)
        return torch.cat(features, dim=1), state

    def _inputs(self, embedded: Tensor, summary: Tensor) -> Tensor:
        repeated = summary[:, None].expand(-1, embedded.size(1), -1)  # (R, T, M)
        match self.config.mode:
            case "context":
                return repeated
            case "peek":
                return torch.cat([embedded, repeated], dim=-1)  # (R, T, E + M)
            case _:
                return embedded

    def _stack(
        self,
        x: Tensor,
        state: State,
        context: Tensor | None = None,
        *,
        below: State | None = None,
    ) -> tuple[Tensor, State]:
        """Run the layers one upon the other; with `below`, the first one's state, those above it.

        `context` (R, T, M) is read besides by each layer that runs.
        """
        after = [] if below is None else [below]
        for layer in range(len(after), len(self.layers)):
            if layer:
                x = self.dropout(x)
            inputs = x if context is None else torch.cat([x, context], dim=-1)
            x, now = self._layer(layer, inputs, state)
            after.append(now)
        return x, tuple(torch.cat(tensors) for tensors in zip(*after, strict=True))

    def _layer(self, layer: int, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Map inputs (R, T, ·) to a layer's states (R, T, H) and the last ones, (1, R, H) each."""
        before = tuple(part[layer : layer + 1] for part in state)
        lstm = self.config.cell == "lstm"
        output, final = _recurrent(self.layers[layer], inputs, before if lstm else before[0])
        return output, final if lstm else (final,)


class Seq2Seq(nn.Module):
    """Join embedding, encoder, decoder and output."""

    def __init__(self, config: ModelConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(vocabulary_size, config.embedding, padding_idx=PAD)
        self.encoder = Encoder(config)
        self.prototypes = Prototypes(config) if config.prototypes else None
        self.decoder = Decoder(config)
        self.dropout = nn.Dropout(config.dropout)
        outputs = config.outputs(vocabulary_size)  # V of the logits
        self.output_bias = nn.Parameter(torch.zeros(outputs))
        if config.tied:
            self.bottleneck = nn.Linear(config.readout_input, config.embedding)
            # Tied logits are dot products of embeddings: unit variance would start them at ±√E.
            nn.init.normal_(self.embedding.weight, std=config.embedding**-0.5)
            with torch.no_grad():
                self.embedding.weight[PAD].zero_()
            self._hear_small_embeddings()
        else:
            self.output = nn.Linear(config.readout_input, outputs, bias=False)

    def _hear_small_embeddings(self) -> None:
        """Start what reads the embeddings √E times as large: else it hardly hears tied ones."""
        readers = [self.encoder.rnn]
        if self.config.mode != "context":
            readers.append(self.decoder.layers[0])
        with torch.no_grad():
            for reader in readers:
                for name, weights in reader.named_parameters():
                    if name.startswith("weight_ih_l0"):  # of both directions
                        weights[:, : self.config.embedding] *= self.config.embedding**0.5

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        """Map sources (B, S) of true lengths (B,) to what the decoder may look at."""
        return self._read(src, src_len)[0]

    def _read(self, src: Tensor, src_len: Tensor) -> tuple[Memory, Tensor | None]:
        """Return what the decoder may look at, and the logits (B, N) of the prototypes."""
        states, summary = self.encoder(self.dropout(self.embedding(src)), src_len)
        logits = None
        if self.prototypes:
            logits = self.prototypes.logits(summary)
            summary = self.prototypes.recall(logits)
        mask = _mask(src_len.to(src.device), src.size(1))
        attends = self.config.mode == "attention"
        keys = self.decoder.attention.project(states) if attends else states
        return Memory(states, keys, mask, summary), logits

    def step(self, tokens: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Map previous tokens (R,) and a state to the logits (R, V) of the next token."""
        embedded = self.dropout(self.embedding(tokens))[:, None]  # (R, 1, E)
        features, state = self.decoder(embedded, state, memory)
        return self._logits(features[:, 0]), state

    def forward(self, src: Tensor, src_len: Tensor, reply: Tensor) -> Tensor:
        """Return the logits (B, T, V) of a reply (B, T), each step fed the true token before it."""
        return self._logits(self._forced(self.encode(src, src_len), reply))

    def free_running(
        self, src: Tensor, src_len: Tensor, reply: Tensor, teacher_forcing: float
    ) -> Tensor:
        """Return the logits (B, T, V) with only a share of the steps fed the true token.

        The others are fed the model's own likeliest token (scheduled sampling, Bengio et al. 2015).
        """
        return self._free_running(self.encode(src, src_len), reply, teacher_forcing)

    def _free_running(self, memory: Memory, reply: Tensor, teacher_forcing: float) -> Tensor:
        state = self.decoder.start(memory.summary)
        token, logits = torch.full_like(reply[:, 0], BOS), []
        for true in reply.unbind(dim=1):  # (B,)
            now, state = self.step(token, state, memory)
            logits.append(now)
            forced = torch.rand(true.shape, device=true.device) < teacher_forcing
            token = torch.where(forced, true, now.argmax(dim=-1))
        return torch.stack(logits, dim=1)

    def loss(
        self,
        src: Tensor,
        src_len: Tensor,
        reply: Tensor,
        *,
        teacher_forcing: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Return the cross-entropy in nats, summed over the valid tokens."""
        memory = self.encode(src, src_len)
        return self._entropy(memory, reply, teacher_forcing, label_smoothing)

    def losses(
        self,
        src: Tensor,
        src_len: Tensor,
        reply: Tensor,
        classes: Tensor,
        *,
        teacher_forcing: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Return `loss`, and the summed cross-entropy of the prototypes that are asked for.

        `classes` (B,) says which these are, NO_CLASS where a source asks for none of them.
        """
        memory, logits = self._read(src, src_len)
        loss = self._entropy(memory, reply, teacher_forcing, label_smoothing)
        if logits is None:
            return loss, loss.new_zeros(())
        wrong = cross_entropy(logits.float(), classes, reduction="sum", ignore_index=NO_CLASS)
        return loss, wrong

    def _entropy(
        self, memory: Memory, reply: Tensor, teacher_forcing: float, label_smoothing: float
    ) -> Tensor:
        valid = reply != PAD  # (B, T); the output matrix, the largest, sees nothing else
        true = reply[valid]  # (N,)
        entropy = partial(cross_entropy, reduction="sum", label_smoothing=label_smoothing)
        if teacher_forcing < 1.0:
            logits = self._free_running(memory, reply, teacher_forcing)[valid]  # (N, V)
            return entropy(logits.float(), true)
        features = self._forced(memory, reply)[valid]  # (N, ·)
        # Piece by piece: the logits of a whole batch would leave the processor's cache.
        pieces = zip(*(torch.split(x, LOSS_PIECE) for x in (features, true)), strict=True)
        return torch.stack([entropy(self._logits(x).float(), y) for x, y in pieces]).sum()

    def _forced(self, memory: Memory, reply: Tensor) -> Tensor:
        """Return the features (B, T, ·) of all steps, each fed the true token before it."""
        first = torch.full_like(reply[:, :1], BOS)
        previous = torch.cat([first, reply[:, :-1]], dim=1)  # (B, T)
        embedded = self.dropout(self.embedding(previous))
        features: Tensor
        features, _ = self.decoder(embedded, self.decoder.start(memory.summary), memory)
        return features

    def _logits(self, features: Tensor) -> Tensor:
        features = self.dropout(features)
        if self.config.tied:
            features = self.dropout(torch.tanh(self.bottleneck(features)))
            matrix = self.embedding.weight[: len(self.output_bias)]  # (V, E)
        else:
            matrix = self.output.weight
        return linear(features, matrix, self.output_bias)
