"""The network: what its equations promise, and the known defects of other implementations."""

import itertools

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from chatbot.errors import UsageError
from chatbot.training.config import ModelConfig
from chatbot.training.dataset import Batch
from chatbot.training.model import (
    NO_CLASS,
    PROTOTYPE_SCALE,
    Attention,
    Encoder,
    Memory,
    Seq2Seq,
)
from chatbot.vocabulary import BOS, EOS, PAD, UNK
from tests.train.conftest import CELLS, MODES, seeded, small

ALL = [
    {**decoder, "cell": cell}
    for decoder, cell in itertools.product(
        [*({"mode": mode} for mode in MODES), {"mode": "attention", "query": "first"}], CELLS
    )
]
SHAPES = [
    {"bidirectional": True, "encoder_layers": 2, "summary": "last"},
    {"bidirectional": False, "decoder_layers": 2, "summary": "mean"},
    {"bidirectional": True, "encoder_layers": 1, "decoder_layers": 2, "summary": "sum"},
    {"summary": "weighted", "prototypes": 7, "prototype_size": 5},
]


every = pytest.mark.parametrize("settings", ALL, ids=lambda s: "-".join(s.values()))


def padded(rows: list[list[int]], length: int) -> torch.Tensor:
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])


@every
@pytest.mark.parametrize("shape", SHAPES)
def test_padding_changes_neither_loss_nor_gradients(settings: dict, shape: dict) -> None:
    """Defect: attention, summary or a backward direction that reads padding."""
    sources, replies = [[5, 6, 7, EOS], [8, EOS]], [[9, 10, EOS], [11, EOS]]
    lengths = torch.tensor([4, 2])
    results = []
    for extra in (0, 7):
        model = seeded(small(**settings, **shape))
        batch = Batch(padded(sources, 4 + extra), lengths, padded(replies, 3 + extra))
        assert batch.tokens == 5
        loss = torch.stack(model.losses(*batch, torch.tensor([2, 3])))
        loss.sum().backward()
        results.append((loss.detach(), [p.grad.clone() for p in model.parameters()]))
    (tight, tight_grads), (loose, loose_grads) = results
    assert_close(tight, loose)
    assert_close(tight_grads, loose_grads)


@every
def test_a_row_does_not_depend_on_its_batch_mates(settings: dict) -> None:
    model = seeded(small(**settings))
    both = model(
        padded([[5, EOS], [6, 7, 8, EOS]], 4), torch.tensor([2, 4]), padded([[9, EOS], [9, EOS]], 2)
    )
    alone = model(torch.tensor([[5, EOS]]), torch.tensor([2]), torch.tensor([[9, EOS]]))
    assert_close(both[:1], alone)


@every
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_stepping_equals_the_fused_pass(settings: dict, layers: int) -> None:
    """The search steps; training runs all steps at once. Both must be one model."""
    model = seeded(small(**settings, decoder_layers=layers))
    src, lengths = padded([[5, 6, EOS], [7, EOS]], 3), torch.tensor([3, 2])
    reply = torch.tensor([[9, 10, EOS], [11, 12, EOS]])
    memory = model.encode(src, lengths)
    state, token, logits = model.decoder.start(memory.summary), torch.full((2,), BOS), []
    for true in reply.unbind(1):
        now, state = model.step(token, state, memory)
        logits.append(now)
        token = true
    whole = model(src, lengths, reply)
    assert_close(torch.stack(logits, 1), whole)
    assert_close(model.free_running(src, lengths, reply, 1.0), whole)


def test_context_mode_is_blind_to_the_previous_token_and_the_others_are_not() -> None:
    """D4: s_t = RNN(s_{t-1}, C) alone; in the other modes y_{t-1} goes in."""
    for mode in MODES:
        model = seeded(small(mode=mode))
        src, lengths = torch.tensor([[5, 6, EOS]]), torch.tensor([3])
        one = model(src, lengths, torch.tensor([[9, 10, EOS]]))
        other = model(src, lengths, torch.tensor([[11, 10, EOS]]))
        assert torch.equal(one[:, 0], other[:, 0])  # both begin with BOS
        assert torch.equal(one[:, 1], other[:, 1]) == (mode == "context")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_depends_on_the_source(mode: str) -> None:
    model = seeded(small(mode=mode))
    lengths, reply = torch.tensor([2]), torch.tensor([[9, EOS]])
    one, other = (model(torch.tensor([[token, EOS]]), lengths, reply) for token in (5, 6))
    assert not torch.allclose(one, other)


class TestPrototypes:
    def model(self) -> Seq2Seq:
        return seeded(small(mode="feedback", prototypes=3, prototype_size=4))

    def test_the_decoder_gets_their_mean_by_a_softmax_over_them(self) -> None:
        """Ramsauer et al. 2021, eq. 3, by hand."""
        model = self.model()
        src, lengths = torch.tensor([[5, 6, EOS]]), torch.tensor([3])
        prototypes = model.prototypes
        assert prototypes is not None
        _, summary = model.encoder(model.embedding(src), lengths)
        query = prototypes.query.weight @ summary[0]
        weights = torch.stack([query @ one for one in prototypes.weight]) + prototypes.bias
        shares = weights.exp() / weights.exp().sum()
        mean = sum(share * one for share, one in zip(shares, prototypes.weight, strict=True))
        assert_close(model.encode(src, lengths).summary[0], PROTOTYPE_SCALE * mean)

    def test_what_is_asked_for_is_learnt_from_classes_alone(self) -> None:
        model = self.model()
        src, lengths = torch.tensor([[5, 6, EOS]]), torch.tensor([3])
        reply = torch.tensor([[9, EOS]])
        query = model.prototypes.query.weight
        said, asked = model.losses(src, lengths, reply, torch.tensor([1]))
        assert_close(said, model.loss(src, lengths, reply))
        assert torch.autograd.grad(said, query, retain_graph=True, allow_unused=True) == (None,)
        _, logits = model._read(src, lengths)
        assert_close(asked, -logits.log_softmax(-1)[0, 1])
        (gradient,) = torch.autograd.grad(asked, query)
        assert gradient.abs().sum() > 0

    def test_a_source_without_a_class_teaches_none(self) -> None:
        model = self.model()
        src, lengths = torch.tensor([[5, EOS], [6, EOS]]), torch.tensor([2, 2])
        reply = torch.tensor([[9, EOS], [8, EOS]])
        both = model.losses(src, lengths, reply, torch.tensor([2, NO_CLASS]))[1]
        alone = model.losses(src[:1], lengths[:1], reply[:1], torch.tensor([2]))[1]
        assert_close(both, alone)
        none = model.losses(src, lengths, reply, torch.tensor([NO_CLASS, NO_CLASS]))[1]
        assert none == 0


@pytest.mark.parametrize("kind", ["dot", "general", "additive"])
class TestAttention:
    def attend(self, kind: str, query: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, Memory]:
        torch.manual_seed(1)
        attention = Attention(small(attention=kind))
        states = torch.randn(2, 5, 12)
        mask = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
        memory = Memory(states, attention.project(states), mask, states[:, 0])
        return *attention(query, memory), memory  # (2, T, 12), (2, T, 5)

    def test_weights_are_a_distribution_over_the_tokens_and_zero_on_padding(
        self, kind: str
    ) -> None:
        context, weights, memory = self.attend(kind, torch.randn(2, 3, 12))
        assert_close(weights.sum(-1), torch.ones(2, 3))
        assert torch.equal(weights[1, :, 2:], torch.zeros(3, 3))
        by_hand = torch.stack([weights[b] @ memory.states[b] for b in range(2)])
        assert_close(context, by_hand)

    def test_weights_change_with_the_query(self, kind: str) -> None:
        """Defect: additive attention without its tanh, whose weights are the same at every t."""
        query = torch.ones(2, 1, 12)
        _, weights, _ = self.attend(kind, torch.cat([query, -query], dim=1))
        assert (weights[:, 0] - weights[:, 1]).abs().max() > 0.01

    def test_a_query_does_not_depend_on_those_beside_it(self, kind: str) -> None:
        queries = torch.randn(2, 4, 12)
        together = self.attend(kind, queries)[:2]
        alone = [self.attend(kind, query)[:2] for query in queries.split(1, dim=1)]
        for all_at_once, one_by_one in zip(together, zip(*alone, strict=True), strict=True):
            assert_close(all_at_once, torch.cat(one_by_one, dim=1))

    def test_equals_the_equation_written_by_hand(self, kind: str) -> None:
        """Luong et al. 2015, eq. 8; Bahdanau et al. 2015, appendix A.1.2."""
        torch.manual_seed(1)
        attention = Attention(small(attention=kind))
        states, query = torch.randn(1, 3, 12), torch.randn(1, 12)
        memory = Memory(states, attention.project(states), torch.ones(1, 3).bool(), states[:, 0])
        scores = []
        for h in states[0]:
            if kind == "dot":
                scores.append(query[0] @ h)
            elif kind == "general":
                scores.append(query[0] @ (attention.key.weight @ h))
            else:
                inner = attention.query.weight @ query[0] + attention.query.bias
                v = attention.score.weight[0]
                scores.append(v @ torch.tanh(inner + attention.key.weight @ h))
        exps = torch.stack(scores).exp()
        assert_close(attention(query[:, None], memory)[1][0, 0], exps / exps.sum())


def test_attention_moves_during_a_reply() -> None:
    """Defect: weights that do not depend on t at all."""
    model = seeded(small(attention="additive"))
    with torch.no_grad():
        for weights in model.decoder.attention.parameters():
            weights.mul_(4.0)
    memory = model.encode(torch.tensor([[5, 6, 7, EOS]]), torch.tensor([4]))
    state = model.decoder.start(memory.summary)
    seen = []
    for token in (BOS, 9, 10):
        seen.append(model.decoder.attention(state[0][-1][:, None], memory)[1])
        _, state = model.step(torch.tensor([token]), state, memory)
    assert (seen[0] - seen[1]).abs().max() > 1e-3
    assert (seen[1] - seen[2]).abs().max() > 1e-3


@pytest.mark.parametrize("cell", CELLS)
def test_last_summary_is_the_top_layer_at_the_true_end(cell: str) -> None:
    """Defect: a decoder started from the encoder's first layer instead of its top.

    Forward the last valid state of the top layer, backward its first one.
    """
    torch.manual_seed(0)
    encoder = Encoder(small(cell=cell, encoder_layers=3, summary="last"))
    states, summary = encoder(torch.randn(2, 5, 8), torch.tensor([5, 3]))
    for row, length in enumerate((5, 3)):
        expected = torch.cat([states[row, length - 1, :6], states[row, 0, 6:]])
        assert_close(summary[row], expected)


@pytest.mark.parametrize("summary", ["mean", "sum"])
def test_mean_and_sum_cover_the_valid_steps_only(summary: str) -> None:
    torch.manual_seed(0)
    encoder = Encoder(small(summary=summary))
    states, got = encoder(torch.randn(2, 5, 8), torch.tensor([5, 3]))
    for row, length in enumerate((5, 3)):
        valid = states[row, :length]
        assert_close(got[row], valid.mean(0) if summary == "mean" else valid.sum(0))


def test_a_weighted_summary_is_a_mean_by_a_softmax_over_the_valid_steps() -> None:
    """Yang et al. 2016, eqs. 6 and 7, by hand; before training it is the plain mean."""
    torch.manual_seed(0)
    encoder = Encoder(small(summary="weighted"))
    inputs, lengths = torch.randn(2, 5, 8), torch.tensor([5, 3])
    states, got = encoder(inputs, lengths)
    assert_close(got[1], states[1, :3].mean(0))
    with torch.no_grad():
        encoder.weigh.weight.normal_()
    states, got = encoder(inputs, lengths)
    for row, length in enumerate((5, 3)):
        weights = (states[row, :length] @ encoder.weigh.weight[0]).exp()
        assert_close(got[row], (weights[:, None] * states[row, :length]).sum(0) / weights.sum())


def test_pad_and_eos_are_different_and_the_loss_counts_eos_but_not_pad() -> None:
    """Defect: PAD equal to EOS, so that a reply never learns to end."""
    assert len({PAD, BOS, EOS, UNK}) == 4
    model = seeded(small())
    src, lengths = torch.tensor([[5, EOS]]), torch.tensor([2])
    short, long = torch.tensor([[9, EOS]]), torch.tensor([[9, EOS, PAD, PAD]])
    assert Batch(src, lengths, short).tokens == Batch(src, lengths, long).tokens == 2
    logits = model(src, lengths, short).log_softmax(-1)
    expected = -(logits[0, 0, 9] + logits[0, 1, EOS])
    assert_close(model.loss(src, lengths, short), expected)
    assert_close(model.loss(src, lengths, long), expected)
    assert_close(model.loss(src, lengths, long, teacher_forcing=1 - 1e-9), expected)


def test_label_smoothing_spreads_a_share_over_all_tokens() -> None:
    """Szegedy et al. 2016, section 7: 0.9 of the true token's loss, 0.1 of all tokens' mean."""
    model = seeded(small())
    src, lengths, reply = torch.tensor([[5, EOS]]), torch.tensor([2]), torch.tensor([[9, EOS]])
    losses = -model(src, lengths, reply).log_softmax(-1)[0]  # (2, V)
    expected = 0.9 * (losses[0, 9] + losses[1, EOS]) + 0.1 * losses.mean(-1).sum()
    assert_close(model.loss(src, lengths, reply, label_smoothing=0.1), expected)


def test_a_loss_of_many_pieces_is_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = seeded(small())
    batch = Batch(torch.tensor([[5, EOS]]), torch.tensor([2]), torch.tensor([[9, 10, 11, 12, EOS]]))
    whole = model.loss(*batch)
    monkeypatch.setattr("chatbot.training.model.LOSS_PIECE", 2)
    assert_close(model.loss(*batch), whole)


def test_teacher_forcing_of_zero_feeds_back() -> None:
    model = seeded(small(mode="feedback"))
    src, lengths, reply = (
        torch.tensor([[5, 6, EOS]]),
        torch.tensor([3]),
        torch.tensor([[9, 10, EOS]]),
    )
    free = model.free_running(src, lengths, reply, 0.0)
    fed = free.argmax(-1)
    assert_close(free, model(src, lengths, fed))  # its own tokens, one step later


def parameters(model: nn.Module) -> int:
    return sum(weights.numel() for weights in model.parameters())


def test_parameters_of_a_known_stack_by_hand() -> None:
    """The Keras stack LSTM 28→128, LSTM 28→128, Dense 128→28 has 164,380 parameters.

    One LSTM of Keras: 4 gates · (28·128 + 128·128 + 128) = 4 · 20,096 = 80,384; twice: 160,768.
    The dense layer: 128·28 + 28 = 3,612. Together 164,380. PyTorch keeps two bias vectors an LSTM,
    4·128 = 512 more each: 164,380 + 2·512 = 165,404.
    """
    config = ModelConfig(
        mode="context",
        cell="lstm",
        embedding=28,
        encoder_hidden=128,
        hidden=128,
        bidirectional=False,
        tied=False,
    )
    model = Seq2Seq(config, vocabulary_size=28)
    # In context mode the decoder reads the summary (128), not an embedding (28): to get the known
    # stack, count a decoder in feedback mode and leave out what the stack lacks: embedding, bridge.
    feedback = Seq2Seq(ModelConfig.from_dict({**vars(config), "mode": "feedback"}), 28)
    stack = (
        parameters(feedback.encoder)
        + parameters(feedback.decoder.layers)
        + parameters(feedback.output)
        + feedback.output_bias.numel()
    )
    assert stack == 165_404 == 164_380 + 2 * 512
    # The context decoder: 4 · (128·128 + 128·128 + 2·128) instead of 4 · (28·128 + …).
    assert parameters(model.decoder.layers) == 4 * (128 * 128 + 128 * 128 + 2 * 128)


def test_tied_output_is_the_embedding_table() -> None:
    model = Seq2Seq(small(tied=True), 20)
    assert not hasattr(model, "output")
    untied = Seq2Seq(small(tied=False), 20)
    # 20·8 table in both; tied adds a bottleneck 24→8 and a bias, untied a matrix 24→20 and a bias.
    assert parameters(model) - parameters(untied) == (24 * 8 + 8 + 20) - (24 * 20 + 20)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("mode", ["feedback", "peek", "attention"])
def test_what_reads_small_tied_embeddings_hears_them_as_well_as_large_ones(
    mode: str, cell: str
) -> None:
    """Tied embeddings start at N(0, 1/E), others at N(0, 1)."""

    def heard(tied: bool) -> list[float]:
        torch.manual_seed(0)
        model = Seq2Seq(small(mode=mode, cell=cell, embedding=64, tied=tied), 200)
        readers = [model.encoder.rnn, model.decoder.layers[0]]
        weights = [w for r in readers for n, w in r.named_parameters() if "weight_ih_l0" in n]
        assert len(weights) == 3  # the encoder has two directions
        embeddings = model.embedding.weight[4:]  # (196, E)
        return [(embeddings @ w[:, :64].T).std().item() for w in weights]

    assert heard(tied=True) == pytest.approx(heard(tied=False), rel=0.1)


@pytest.mark.parametrize("tied", [True, False])
def test_a_reply_vocabulary_has_a_logit_a_token(tied: bool) -> None:
    """Tied, its matrix is the first rows of the table; the source may use all 20 tokens."""
    model = seeded(small(tied=tied, reply_vocabulary=12))
    src, lengths, reply = torch.tensor([[19, 6, EOS]]), torch.tensor([3]), torch.tensor([[9, EOS]])
    memory = model.encode(src, lengths)
    features, _ = model.decoder(
        model.embedding(torch.tensor([[BOS, 9]])), model.decoder.start(memory.summary), memory
    )
    if tied:
        narrow = torch.tanh(features @ model.bottleneck.weight.T + model.bottleneck.bias)
        expected = torch.stack([narrow @ row for row in model.embedding.weight[:12]], dim=-1)
    else:
        expected = features @ model.output.weight.T
    logits = model(src, lengths, reply)
    assert logits.shape == (1, 2, 12)
    assert_close(logits, expected + model.output_bias)


def test_a_reply_vocabulary_larger_than_there_are_tokens_is_all_of_them() -> None:
    model = seeded(small(reply_vocabulary=1000))
    assert_close(model.state_dict(), seeded(small()).state_dict())


def test_tokens_beyond_the_reply_vocabulary_learn_from_sources_alone() -> None:
    model = seeded(small(reply_vocabulary=12))
    model.loss(torch.tensor([[15, EOS]]), torch.tensor([2]), torch.tensor([[9, EOS]])).backward()
    used = model.embedding.weight.grad.abs().sum(-1) > 0
    assert used.nonzero().flatten().tolist() == [*range(12), 15]


CELL_OF = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_query_of_the_first_layer_equals_the_equations_step_by_step(
    cell: str, layers: int
) -> None:
    """Wu et al. 2016, section 3: the first layer's s_t asks, the layers above read [below; c_t].

    With one layer, Luong et al. 2015, section 3: c_t goes into the output alone.
    """
    model = seeded(small(cell=cell, query="first", decoder_layers=layers, tied=False))
    memory = model.encode(torch.tensor([[5, 6, 7, EOS]]), torch.tensor([4]))
    start = model.decoder.start(memory.summary)
    cells = []
    for layer in model.decoder.layers:
        cells.append(CELL_OF[cell](layer.input_size, layer.hidden_size))
        cells[-1].load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    states = [tuple(part[layer] for part in start) for layer in range(layers)]  # (1, 12) each

    def advance(layer: int, x: torch.Tensor) -> torch.Tensor:
        found = cells[layer](x, states[layer] if cell == "lstm" else states[layer][0])
        states[layer] = found if cell == "lstm" else (found,)
        return states[layer][0]

    expected = []
    for token in (BOS, 9, 10):
        first = top = advance(0, model.embedding.weight[token][None])  # (1, 12)
        scores = [first[0] @ model.decoder.attention.key.weight @ h for h in memory.states[0]]
        context = torch.stack(scores).softmax(-1) @ memory.states[0]  # (12,)
        for layer in range(1, layers):
            top = advance(layer, torch.cat([top, context[None]], dim=-1))
        features = torch.cat([top[0], context])
        expected.append(model.output.weight @ features + model.output_bias)
    logits = model(torch.tensor([[5, 6, 7, EOS]]), torch.tensor([4]), torch.tensor([[9, 10, EOS]]))
    assert_close(logits[0], torch.stack(expected))


def test_the_layers_of_a_decoder_read_what_the_query_leaves_them() -> None:
    """E is 8, H and M are 12."""
    sizes = {
        query: [
            layer.input_size
            for layer in Seq2Seq(small(query=query, decoder_layers=3), 20).decoder.layers
        ]
        for query in ("previous", "first")
    }
    assert sizes == {"previous": [8 + 12, 12, 12], "first": [8, 12 + 12, 12 + 12]}


def test_dot_attention_of_unequal_sizes_is_refused() -> None:
    with pytest.raises(UsageError, match="dot attention compares decoder states of 10 numbers"):
        small(attention="dot", hidden=10)
