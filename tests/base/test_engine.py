"""The door to onnxruntime: which graphs are let in, and what may come out of one."""

from types import SimpleNamespace

import numpy as np
import pytest

from chatbot import Beam, Greedy
from chatbot.bundle import (
    ATTENTION,
    IDS,
    IDS_GRAPH,
    IDS_INPUTS,
    IDS_OUTPUTS,
    LENGTHS,
    READ,
    READ_TOKENS,
    REPLY,
    SCORES,
    TEXT_GRAPH,
    TEXT_INPUTS,
    TEXT_OUTPUTS,
    TOKENS,
)
from chatbot.engine import IdsEngine, TextEngine, ort
from chatbot.errors import BundleError

from .conftest import TINY

GRAPHS = [(TextEngine, TEXT_GRAPH), (IdsEngine, IDS_GRAPH)]


def graph(name: str) -> bytes:
    return (TINY / name).read_bytes()


@pytest.mark.parametrize(("engine", "name"), GRAPHS)
class TestLoading:
    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: b"not a graph",
            lambda data: data[: len(data) // 2],
            lambda data: data[:-1],
            lambda data: bytes(len(data)),
            lambda data: data.replace(b"Loop", b"Lo\xffp"),
            lambda data: data.replace(b"Softmax", b"Softmin"),
        ],
    )
    def test_a_damaged_graph(self, engine, name, damage, capfd):
        with pytest.raises(BundleError, match="onnxruntime refuses the graph: "):
            engine(damage(graph(name)))
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("value", "other", "message"),
        [(b"top_p", b"top_q", "the graph takes"), (b"lengths", b"lengthz", "the graph gives")],
    )
    def test_a_graph_with_other_names(self, engine, name, value, other, message):
        renamed = graph(name).replace(value, other)  # the same length: still well-formed
        with pytest.raises(BundleError, match=rf"{message} \(.*{other.decode()}.*; expected \("):
            engine(renamed)

    def test_the_graph_of_the_other_file(self, engine, name):
        [other] = {TEXT_GRAPH, IDS_GRAPH} - {name}
        with pytest.raises(BundleError, match="the graph takes"):
            engine(graph(other))


class TestRunning:
    def test_text_and_ids_give_the_same(self, texts, bot):
        text_engine = TextEngine(graph(TEXT_GRAPH))
        ids_engine = IdsEngine(graph(IDS_GRAPH))
        for text in texts:
            _, hypotheses, source = text_engine.answer(text, Beam(width=3))
            assert ids_engine.generate([source], Beam(width=3))[0] == hypotheses
            assert list(source) == bot.bundle.source(text)

    def test_ids_that_the_graph_does_not_know(self, capfd):
        engine = IdsEngine(graph(IDS_GRAPH))
        with pytest.raises(BundleError, match="the graph fails: "):
            engine.generate([[10**6, 2]], Greedy())
        assert capfd.readouterr() == ("", "")


TEXT_FOUND = {
    REPLY: np.array(["你好", "你"], dtype=object),
    SCORES: np.array([-1, -2], dtype=np.float32),
    IDS: np.array([[4, 5, 2], [4, 2, 0]]),
    LENGTHS: np.array([3, 2]),
    ATTENTION: np.full((2, 3, 2), 0.5, dtype=np.float32),
    TOKENS: np.array([["你", "好", ""], ["你", "", ""]], dtype=object),
    READ: np.array([4, 2]),
    READ_TOKENS: np.array(["你", "<eos>"], dtype=object),
}
"""What a sound graph of text gives: two replies of two tokens and of one."""

IDS_FOUND = {name: TEXT_FOUND[name][None] for name in IDS_OUTPUTS}


@pytest.fixture
def giving(monkeypatch):
    """Return an engine whose graph gives what is said and, besides, what a sound graph gives."""

    def giving(engine, **changes):
        found = (TEXT_FOUND if engine is TextEngine else IDS_FOUND) | changes
        takes, gives = (
            (TEXT_INPUTS, TEXT_OUTPUTS) if engine is TextEngine else (IDS_INPUTS, IDS_OUTPUTS)
        )
        session = SimpleNamespace(
            get_inputs=lambda: [SimpleNamespace(name=name) for name in takes],
            get_outputs=lambda: [SimpleNamespace(name=name) for name in gives],
            run=lambda names, feeds: [found[name] for name in names],
        )
        monkeypatch.setattr(ort, "InferenceSession", lambda *_, **__: session)
        return engine(b"any")

    return giving


class TestWhatAGraphGives:
    def test_becomes_replies(self, giving):
        first, second = giving(TextEngine).replies("你", Beam(width=2))
        assert (first.text, first.tokens, first.score) == ("你好", ("你", "好"), -1.0)
        assert (second.text, second.tokens, second.score) == ("你", ("你",), -2.0)
        assert first.source == second.source == ("你", "<eos>")
        assert first.finished
        assert second.finished
        assert (first.attention.shape, second.attention.shape) == ((3, 2), (2, 2))

    def test_without_an_end_mark_is_cut(self, giving):
        cut = {IDS: np.array([[4, 5, 6], [4, 2, 0]])}
        first, second = giving(TextEngine, **cut).replies("你", Beam(width=2))
        assert (first.finished, second.finished) == (False, True)
        [[first, second]] = giving(IdsEngine, ids=cut[IDS][None]).generate([[4, 2]], Beam(width=2))
        assert (first.ids, first.finished, second.ids) == ((4, 5, 6), False, (4,))

    @pytest.mark.parametrize("engine", [TextEngine, IdsEngine])
    def test_may_be_without_attention(self, giving, engine):
        none = np.zeros((2, 3, 0), dtype=np.float32)
        if engine is TextEngine:
            found = giving(engine, attention=none).replies("你", Beam(width=2))
        else:
            [found] = giving(engine, attention=none[None]).generate([[4, 2]], Beam(width=2))
        assert [one.attention for one in found] == [None, None]
        assert len({hash(one) for one in found}) == 2
        assert "attention" not in repr(found)

    @pytest.mark.parametrize("name", TEXT_OUTPUTS)
    @pytest.mark.parametrize(
        "values",
        [
            None,
            ["你好", "你"],
            np.zeros((), dtype=np.float32),
            np.zeros((2, 3, 2), dtype=np.float64),
            np.zeros((1, 2, 3, 2, 1), dtype=np.float32),
            np.zeros(2, dtype=np.int32),
            np.array([[["你"]]], dtype=object),
        ],
        ids=lambda values: f"{getattr(values, 'dtype', 'none')}-{getattr(values, 'ndim', '')}",
    )
    def test_is_refused_in_another_type_or_shape(self, giving, name, values):
        with pytest.raises(BundleError, match="the graph fails: "):
            giving(TextEngine, **{name: values}).replies("你", Beam(width=2))
        if name in IDS_OUTPUTS:
            with pytest.raises(BundleError, match="the graph fails: "):
                giving(IdsEngine, **{name: values}).generate([[4, 2]], Beam(width=2))

    @pytest.mark.parametrize("name", TEXT_OUTPUTS)
    def test_is_refused_without_batch_or_with_one_too_many(self, giving, name):
        with pytest.raises(BundleError, match=f"the graph fails: {name} holds"):
            giving(TextEngine, **{name: TEXT_FOUND[name][None]}).replies("你", Beam(width=2))
        if name in IDS_OUTPUTS:
            with pytest.raises(BundleError, match=f"the graph fails: {name} holds"):
                giving(IdsEngine, **{name: TEXT_FOUND[name]}).generate([[4, 2]], Beam(width=2))

    @pytest.mark.parametrize("name", [REPLY, LENGTHS, TOKENS, SCORES, IDS])
    def test_is_refused_where_a_reply_is_missing(self, giving, name):
        with pytest.raises(BundleError, match="the graph fails: "):
            giving(TextEngine, **{name: TEXT_FOUND[name][:1]}).replies("你", Beam(width=2))

    def test_is_refused_where_there_is_no_reply(self, giving):
        none = {name: TEXT_FOUND[name][:0] for name in TEXT_OUTPUTS[:6]}
        with pytest.raises(BundleError, match="the graph gives no reply"):
            giving(TextEngine, **none).replies("你", Greedy())
        none = {name: IDS_FOUND[name][:, :0] for name in IDS_OUTPUTS}
        with pytest.raises(BundleError, match="the graph gives no reply"):
            giving(IdsEngine, **none).generate([[4, 2]], Greedy())
