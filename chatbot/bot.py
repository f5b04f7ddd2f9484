"""The chatbot that other programs embed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.bundle import Bundle, GoldenCase, Hypothesis, shipped_bundle
from chatbot.decoding import Decoding
from chatbot.errors import BundleError

if TYPE_CHECKING:
    from chatbot.engine import Engine

SCORE_TOLERANCE = 1e-3
"""How far a score may stand from its golden value: float arithmetic differs between machines."""


@dataclass(frozen=True)
class Reply:
    """Hold a reply: its text, its tokens, and its score (0 is certain, the lower the less so)."""

    text: str
    tokens: tuple[str, ...]
    score: float


class ChatBot:
    """Answer text with text. Safe to share between threads."""

    def __init__(self, bundle: Bundle, engine: "Engine") -> None:
        self.bundle = bundle
        self._engine = engine

    @classmethod
    def load(cls, folder: str | Path | None = None, *, threads: int = 0) -> "ChatBot":
        """Open the bundle in `folder`, by default the one that ships with the package.

        Raises `BundleError` where the folder is no bundle, is damaged or is of a newer format.
        """
        # Late: numpy and onnxruntime are a quarter of a second that --help need not pay.
        from chatbot.engine import Engine  # noqa: PLC0415

        bundle = Bundle.open(shipped_bundle() if folder is None else folder)
        return cls(bundle, Engine(bundle.graph(), threads=threads))

    def reply(self, text: str, decoding: Decoding | None = None) -> Reply:
        """Return the best reply to `text`, under the bundle's own decoding unless one is given.

        >>> from chatbot import Beam, ChatBot
        >>> bot = ChatBot.load()
        >>> reply = bot.reply("你好", Beam(width=4))
        >>> reply.text == "".join(reply.tokens)
        True
        """
        return self.replies([text], decoding)[0]

    def replies(self, texts: Sequence[str], decoding: Decoding | None = None) -> list[Reply]:
        """Return the best reply to each text, computed as one batch."""
        if not texts:
            return []
        sources = [self.bundle.source(text) for text in texts]
        found = self._engine.generate(sources, decoding or self.bundle.decoding)
        return [self._reply(hypotheses[0]) for hypotheses in found]

    def verify(self) -> list[str]:
        """Return what differs from the bundle's conformance vectors: nothing, if all is well."""
        return [text for case in self.bundle.golden() for text in self._differences(case)]

    def _reply(self, hypothesis: Hypothesis) -> Reply:
        known = len(self.bundle.tokenizer.vocabulary)
        if not all(0 <= number < known for number in hypothesis.ids):
            raise BundleError(
                f"{self.bundle.folder}: the graph answers with ids that its vocabulary of {known} "
                "lacks. Copy the whole folder or export it again."
            )
        tokens = tuple(self.bundle.tokenizer.tokens(hypothesis.ids))
        return Reply("".join(tokens), tokens, hypothesis.score)

    def _differences(self, case: GoldenCase) -> list[str]:
        source = tuple(self.bundle.source(case.text))
        if source != case.ids:
            return [f"{case.text!r}: ids {source}, expected {case.ids}"]
        replies = self._engine.generate([source], case.decoding)[0]
        pairs = list(zip(replies, case.replies, strict=False))
        if len(replies) != len(case.replies) or any(a.ids != b.ids for a, b in pairs):
            return [f"{case.text!r}: {case.decoding} gives other replies than expected"]
        worst = max(abs(a.score - b.score) for a, b in pairs)
        near = worst <= SCORE_TOLERANCE  # not so for NaN
        return [] if near else [f"{case.text!r}: score off by {worst:.5f}"]
