"""The ONNX session: ids in, hypotheses out. The only door to onnxruntime."""

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chatbot import bundle
from chatbot.bundle import Hypothesis
from chatbot.decoding import Decoding
from chatbot.errors import BundleError
from chatbot.vocabulary import EOS, PAD

# From 1.29 on, onnxruntime would write a device id into the home directory and report to its maker
# as soon as it is imported. Who wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

MAX_THREADS = 256
"""More threads than one reply has work for; thousands take minutes to start."""


class Engine:
    """Run one graph. Safe to share between threads."""

    def __init__(self, graph: bytes, *, threads: int = 0) -> None:
        """Load the graph; `threads` = 0 leaves the number to onnxruntime."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = min(threads, MAX_THREADS)
        options.log_severity_level = 3
        # Spinning threads would take the cores of the program that embeds us.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                graph,
                options,
                ["CPUExecutionProvider"],
                enable_fallback=0,  # it would print
            )
            takes = tuple(value.name for value in self._session.get_inputs())
            gives = tuple(value.name for value in self._session.get_outputs())
        except Exception as error:  # onnxruntime's errors share no base class of their own
            raise BundleError(f"onnxruntime refuses the graph: {error}") from error
        if takes != bundle.INPUTS:
            raise BundleError(f"the graph takes {takes}; expected {bundle.INPUTS}.")
        if gives != bundle.OUTPUTS:
            raise BundleError(f"the graph gives {gives}; expected {bundle.OUTPUTS}.")

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
        feeds = {
            bundle.SOURCE: src,
            bundle.SOURCE_LENGTH: src_len,
            bundle.MAX_LENGTH: np.array(decoding.max_length, dtype=np.int64),
            bundle.MIN_LENGTH: np.array(decoding.min_length, dtype=np.int64),
            bundle.BEAM_SIZE: np.array(decoding.width, dtype=np.int64),
            bundle.LENGTH_PENALTY: np.array(decoding.length_penalty, dtype=np.float32),
        }
        try:
            results = self._session.run(list(bundle.OUTPUTS), feeds)
            found = [
                [_hypothesis(*beam) for beam in zip(*source, strict=True)]
                for _, *source in zip(sources, *results, strict=True)
            ]
        except Exception as error:  # a foreign graph fails in onnxruntime or in its results
            raise BundleError(f"the graph fails: {error}. Export the bundle again.") from error
        if not all(found):
            raise BundleError("the graph gives no reply. Export the bundle again.")
        return found


def _hypothesis(ids: npt.NDArray[np.int64], length: np.int64, score: np.float32) -> Hypothesis:
    tokens = tuple(int(number) for number in ids[:length])
    return Hypothesis(tokens[:-1] if tokens and tokens[-1] == EOS else tokens, float(score))
