"""The chatbot that other programs embed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from chatbot.bundle import IDS_GRAPH, Bundle, GoldenCase, Hypothesis, shipped_bundle
from chatbot.decoding import Decoding, Sample, fixed
from chatbot.errors import BundleError, UsageError
from chatbot.reply import Reply

if TYPE_CHECKING:
    from chatbot.engine import IdsEngine

SCORE_TOLERANCE = 1e-2
"""How far a score may stand from its golden value: float arithmetic differs between machines, and
may round a number to the next of its 255 levels."""


BATCH = 64
"""Texts that are answered at once: more of them are hardly faster, and take more memory."""


class ChatBot:
    """Answer text with text. Safe to share between threads."""

    def __init__(
        self, bundle: Bundle, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        # Late: numpy and onnxruntime are a quarter of a second that --help need not pay.
        from chatbot.engine import TextEngine  # noqa: PLC0415

        self.bundle = bundle
        self._threads, self._providers = threads, providers
        self._engine = TextEngine(bundle.graph(), threads=threads, providers=providers)
        self._batch_engine: IdsEngine | None = None
        self._loading = Lock()

    @classmethod
    def load(
        cls,
        folder: str | Path | None = None,
        *,
        threads: int = 0,
        providers: Sequence[str] | None = None,
    ) -> "ChatBot":
        """Open the bundle in `folder`, by default the one that ships with the package.

        `threads` = 0 leaves their number to onnxruntime: for one reply at a time. A server that
        answers in many threads of its own is fastest with 1. `providers` are onnxruntime's, the
        preferred first; by default the processor. Raises `BundleError` where the folder is no
        bundle, is damaged or is of another format.
        """
        bundle = Bundle.open(shipped_bundle() if folder is None else folder)
        return cls(bundle, threads=threads, providers=providers)

    def reply(
        self, text: str, decoding: Decoding | None = None, *, context: Sequence[str] = ()
    ) -> Reply:
        """Return the best reply to `text`, under the bundle's own decoding unless one is given.

        `context` are the turns before, oldest first; a model reads as many as it was trained with.

        >>> from chatbot import Beam, ChatBot
        >>> bot = ChatBot.load()
        >>> reply = bot.reply("你好", Beam(width=4))
        >>> reply.text == "".join(reply.tokens)
        True
        """
        return self.candidates(text, decoding, context=context)[0]

    def candidates(
        self, text: str, decoding: Decoding | None = None, *, context: Sequence[str] = ()
    ) -> list[Reply]:
        """Return all replies that the search kept, best first: those of a beam, or the samples.

        Where the model is not sure of the best, what the bundle says then stands before it.
        """
        decoding = decoding or self.bundle.decoding
        found = self._engine.replies(self.bundle.text(text, context), decoding)
        return [*self._honest(text, found[0], decoding), *found]

    def stream(
        self, text: str, decoding: Decoding | None = None, *, context: Sequence[str] = ()
    ) -> Iterator[str]:
        """Yield the reply token by token, as early as possible; joined they are its text.

        Greedy search and one sample only: a beam may change its mind until the end. The search
        runs inside the graph, so each run is three times as long as the last and begins alike. A
        bundle that says so when it is not sure has to know the end first: its reply comes whole.
        """
        decoding = decoding or self.bundle.decoding
        if decoding.hypotheses > 1:
            raise UsageError(f"{decoding} cannot stream: choose Greedy, or Sample with samples=1.")
        if self.bundle.fallback and not isinstance(decoding, Sample):
            return iter(self.reply(text, decoding, context=context).tokens)
        return self._growing(self.bundle.text(text, context), fixed(decoding))

    def replies(self, texts: Sequence[str], decoding: Decoding | None = None) -> list[Reply]:
        """Return the best reply to each text.

        They are computed in batches where the bundle has a graph for that (`chatbot export
        --batches`), else one after another; the replies are the same.
        """
        decoding = fixed(decoding or self.bundle.decoding)
        if len(texts) < 2 or not self.bundle.has_ids_graph:
            return [self.reply(text, decoding) for text in texts]
        sources = [self.bundle.source(self.bundle.text(text)) for text in texts]
        order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
        replies: dict[int, Reply] = {}
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]  # of like length: little is padded
            found = self._batched().generate([sources[number] for number in some], decoding)
            for number, hypotheses in zip(some, found, strict=True):
                best = self._reply(sources[number], hypotheses[0])
                replies[number] = [*self._honest(texts[number], best, decoding), best][0]
        return [replies[number] for number in range(len(sources))]

    def verify(self) -> list[str]:
        """Return what differs from the bundle's conformance vectors: nothing, if all is well."""
        return [text for case in self.bundle.golden() for text in self._differences(case)]

    def _growing(self, text: str, decoding: Decoding) -> Iterator[str]:
        shown, length = 0, 1
        while True:
            length = min(length, decoding.max_length)
            shortest = min(length, decoding.min_length)
            part = replace(decoding, max_length=length, min_length=shortest)
            reply = self._engine.replies(text, part)[0]
            yield from reply.tokens[shown:]
            if reply.finished or length == decoding.max_length:
                return
            shown, length = len(reply.tokens), 3 * length

    def _honest(self, text: str, best: Reply, decoding: Decoding) -> Iterator[Reply]:
        """Yield what to say instead of the best reply, if the model is not sure of it."""
        fallback = self.bundle.fallback
        if fallback and fallback.replaces(best, decoding):
            said = fallback.reply(text)
            yield replace(best, text=said, tokens=(said,), attention=None, understood=False)

    def _batched(self) -> "IdsEngine":
        """Return the engine for batches, loaded when it is first wanted."""
        from chatbot.engine import IdsEngine  # noqa: PLC0415

        with self._loading:
            if self._batch_engine is None:
                graph = self.bundle.graph(IDS_GRAPH)
                self._batch_engine = IdsEngine(
                    graph, threads=self._threads, providers=self._providers
                )
            return self._batch_engine

    def _reply(self, source: Sequence[int], hypothesis: Hypothesis) -> Reply:
        tokens = self._tokens(hypothesis.ids)
        return Reply(
            "".join(tokens),
            tokens,
            hypothesis.score,
            hypothesis.finished,
            tuple(self.bundle.tokenizer.vocabulary.tokens[number] for number in source),
            hypothesis.attention,
        )

    def _tokens(self, ids: Sequence[int]) -> tuple[str, ...]:
        tokenizer = self.bundle.tokenizer
        known = len(tokenizer.vocabulary)
        if not all(0 <= number < known for number in ids):
            raise BundleError(
                f"{self.bundle.folder}: the graph answers with ids that its vocabulary of {known} "
                "lacks. Copy the whole folder or export it again."
            )
        return tuple(tokenizer.tokens(ids))

    def _differences(self, case: GoldenCase) -> Iterator[str]:
        """Compare what each graph gives, and the tokenizer, with a conformance vector."""
        replies, found, source = self._engine.answer(case.text, case.decoding)
        texts = ["".join(self._tokens(one.ids)) for one in found]
        if [reply.text for reply in replies] != texts:
            yield f"{case.text!r}: the texts of the replies are not those of their ids"
        cut = tuple(self.bundle.source(case.text))
        for read in dict.fromkeys((source, cut)):
            if read != case.ids:
                yield f"{case.text!r}: ids {read}, expected {case.ids}"
        yield from _unlike(case, found)
        if self.bundle.has_ids_graph:
            yield from _unlike(case, self._batched().generate([cut], case.decoding)[0])


def _unlike(case: GoldenCase, found: Sequence[Hypothesis]) -> Iterator[str]:
    pairs = list(zip(found, case.replies, strict=False))
    if len(found) != len(case.replies) or any(a.ids != b.ids for a, b in pairs):
        yield f"{case.text!r}: {case.decoding} gives other replies than expected"
        return
    worst = max(abs(a.score - b.score) for a, b in pairs)
    if not worst <= SCORE_TOLERANCE:  # so for NaN
        yield f"{case.text!r}: score off by {worst:.5f}"
