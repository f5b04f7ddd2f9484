"""The ONNX sessions: text or ids in, replies out. The only door to onnxruntime."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot import bundle
from chatbot.bundle import Hypothesis
from chatbot.decoding import Decoding, check_range, settings
from chatbot.errors import BundleError, UsageError
from chatbot.reply import Reply
from chatbot.text import well_formed
from chatbot.vocabulary import EOS, PAD

# From 1.29 on, onnxruntime would write a device id into the home directory and report to its maker
# as soon as it is imported. Who wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

MAX_THREADS = 256
"""More threads than one reply has work for; thousands take minutes to start."""

THREADS_THAT_WAIT: Mapping[str, str] = {
    # Between replies they sleep: the cores belong to the program that embeds us. Within one they
    # look for work a moment longer than the next matrix takes to come.
    "session.force_spinning_stop": "1",
    "session.intra_op.spin_duration_us": "100",
}

_HELD = {
    bundle.REPLY: (np.dtype(object), 1),
    bundle.SCORES: (np.dtype(np.float32), 1),
    bundle.IDS: (np.dtype(np.int64), 2),
    bundle.LENGTHS: (np.dtype(np.int64), 1),
    bundle.ATTENTION: (np.dtype(np.float32), 3),
    bundle.TOKENS: (np.dtype(object), 2),
    bundle.READ: (np.dtype(np.int64), 1),
    bundle.READ_TOKENS: (np.dtype(object), 1),
}
"""What an output holds for one source, and in how many dimensions; text is an object of numpy."""

TRUE_REPLY = "reply"  # int64 (B, T), padded with PAD
LOSSES = "losses"  # float32 (B, T), 0 on padding
BEST = "best"  # int64 (B, T)

Outputs = dict[str, npt.NDArray[Any]]


class _Session:
    """Run one graph. Safe to share between threads."""

    takes: tuple[str, ...]
    gives: tuple[str, ...]
    of_batches = 0  # the dimensions that this adds
    arena = True  # onnxruntime's own heap

    def __init__(
        self, graph: bytes, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        """Load the graph; `threads` = 0 leaves the number to onnxruntime.

        `providers` are those of onnxruntime, the preferred first; by default the processor.
        """
        chosen = ["CPUExecutionProvider"] if providers is None else list(providers)
        _check_providers(chosen)
        check_range("threads", threads, 0, float("inf"))
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(min(threads, MAX_THREADS))
        options.log_severity_level = 4
        options.enable_cpu_mem_arena = self.arena
        for name, value in THREADS_THAT_WAIT.items():
            options.add_session_config_entry(name, value)
        try:
            self._session = ort.InferenceSession(
                graph,
                options,
                chosen,
                enable_fallback=0,  # it would print
            )
            takes = tuple(value.name for value in self._session.get_inputs())
            gives = tuple(value.name for value in self._session.get_outputs())
        except Exception as error:  # onnxruntime's errors share no base class of their own
            raise BundleError(f"onnxruntime refuses the graph: {error}") from error
        if takes != self.takes:
            raise BundleError(f"the graph takes {takes}; expected {self.takes}.")
        if gives != self.gives:
            raise BundleError(f"the graph gives {gives}; expected {self.gives}.")

    def _run(self, feeds: Mapping[str, npt.NDArray[Any]], decoding: Decoding) -> Outputs:
        asked = {
            name: np.array(value, dtype=np.int64 if isinstance(value, int) else np.float32)
            for name, value in settings(decoding).items()
        }
        results = self._session.run(self.gives, {**feeds, **asked})
        found = dict(zip(self.gives, results, strict=True))
        for name, values in found.items():
            if (values.dtype, values.ndim - self.of_batches) != _HELD[name]:
                raise TypeError(f"{name} holds {values.dtype} in {values.ndim} dimensions")
        return found


class TextEngine(_Session):
    """Answer one text."""

    takes, gives = bundle.TEXT_INPUTS, bundle.TEXT_OUTPUTS
    arena = False  # threads that share a session would wait for each other at it

    def replies(self, text: str, decoding: Decoding) -> list[Reply]:
        """Return the replies to a text, best first: one if greedy, else one a beam or sample."""
        return self.answer(text, decoding)[0]

    def answer(
        self, text: str, decoding: Decoding
    ) -> tuple[list[Reply], list[Hypothesis], tuple[int, ...]]:
        """Return the replies, the same as ids, and the ids that were read of the text."""
        given = np.array([well_formed(text)], dtype=object)
        try:
            found = self._run({bundle.TEXT: given}, decoding)
            hypotheses = _hypotheses(found)
            replies = _replies(found, hypotheses)
            source = tuple(found[bundle.READ].tolist())
        except Exception as error:  # a foreign graph fails in onnxruntime or in its results
            raise _failed(error) from error
        if not replies:
            raise BundleError("the graph gives no reply. Export the bundle again.")
        return replies, hypotheses, source


class IdsEngine(_Session):
    """Answer a batch of sources in ids."""

    takes, gives = bundle.IDS_INPUTS, bundle.IDS_OUTPUTS
    of_batches = 1

    def generate(
        self, sources: Sequence[Sequence[int]], decoding: Decoding
    ) -> list[list[Hypothesis]]:
        """Return for each source its hypotheses, best first: one if greedy, else one a beam.

        A source is the ids that the encoder reads, EOS included.
        """
        src_len = np.array([len(source) for source in sources], dtype=np.int64)  # (B,)
        src = np.full((len(sources), src_len.max()), PAD, dtype=np.int64)  # (B, S)
        for row, source in zip(src, sources, strict=True):
            row[: len(source)] = source
        try:
            found = self._run({bundle.SOURCE: src, bundle.SOURCE_LENGTH: src_len}, decoding)
            batch = [
                _hypotheses({name: values[row] for name, values in found.items()}, len(source))
                for row, source in enumerate(sources)
            ]
        except Exception as error:  # a foreign graph fails in onnxruntime or in its results
            raise _failed(error) from error
        if not all(batch):
            raise BundleError("the graph gives no reply. Export the bundle again.")
        return batch


class SegmentingEngine(_Session):
    """Cut text into ids: for the exporter, not part of a bundle."""

    takes, gives = (bundle.TEXT,), (bundle.READ,)

    def source(self, text: str) -> list[int]:
        """Return what the encoder reads of a text."""
        feeds = {bundle.TEXT: np.array([well_formed(text)], dtype=object)}
        ids: list[int] = self._session.run(self.gives, feeds)[0].tolist()
        return ids


class MeasuringEngine(_Session):
    """Measure true replies: for the exporter, not part of a bundle."""

    takes, gives = (bundle.SOURCE, bundle.SOURCE_LENGTH, TRUE_REPLY), (LOSSES, BEST)

    def measure(
        self, src: npt.NDArray[Any], src_len: npt.NDArray[Any], reply: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the loss in nats and the likeliest token of each step of the replies (B, T)."""
        losses, best = self._session.run(
            self.gives, dict(zip(self.takes, (src, src_len, reply), strict=True))
        )
        return losses, best


def _check_providers(names: Sequence[str]) -> None:
    known = ort.get_available_providers()
    for name in names:
        if name not in known:
            raise UsageError(
                f"execution provider {name!r}: this onnxruntime has {', '.join(known)}."
            )


def _failed(error: Exception) -> BundleError:
    return BundleError(f"the graph fails: {error}. Export the bundle again.")


def _hypotheses(found: Outputs, columns: int | None = None) -> list[Hypothesis]:
    """Return the hypotheses of one source, whose attention has so many columns."""
    hypotheses = []
    for k, length in enumerate(found[bundle.LENGTHS].tolist()):
        ids = tuple(found[bundle.IDS][k, :length].tolist())
        finished = ids[-1:] == (EOS,)
        attention = found[bundle.ATTENTION][k, :length, :columns]
        hypotheses.append(
            Hypothesis(
                ids[:-1] if finished else ids,
                float(found[bundle.SCORES][k]),
                finished,
                attention if attention.size else None,
            )
        )
    return hypotheses


def _replies(found: Outputs, hypotheses: Sequence[Hypothesis]) -> list[Reply]:
    read = tuple(found[bundle.READ_TOKENS].tolist())
    return [
        Reply(text, tuple(tokens[: len(one.ids)]), one.score, one.finished, read, one.attention)
        for text, tokens, one in zip(
            found[bundle.REPLY].tolist(), found[bundle.TOKENS].tolist(), hypotheses, strict=True
        )
    ]
