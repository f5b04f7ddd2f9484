"""What is evaluated, a run or a bundle: questions in, replies out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from chatbot.bot import BATCH, ChatBot
from chatbot.bundle import MANIFEST, Hypothesis
from chatbot.decoding import Decoding, Greedy
from chatbot.engine import IdsEngine
from chatbot.errors import TrainingError, UsageError
from chatbot.reply import Reply
from chatbot.text import Tokenizer
from chatbot.training.checkpoint import RUN, RunFolder, load_run
from chatbot.training.dataset import tokenizer
from chatbot.training.evaluating.losses import IdPair
from chatbot.training.export.flavours import ids_graph
from chatbot.vocabulary import EOS, SEPARATOR, Vocabulary

Progress = Callable[[int], None]

_QUESTIONS = 8 * BATCH
"""Questions that a bundle is given at once: enough to find some of like length."""


@dataclass(frozen=True)
class Answer:
    """Hold what was said to a question."""

    text: str
    tokens: tuple[str, ...]
    finished: bool  # or cut at its greatest length


class Run:
    """Answer with the best model of a run: the 32-bit ONNX graph of its weights, in batches."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self.path = path
        self.model, self.recipe, self.vocabulary, training = load_run(path)
        self.tokenizer = tokenizer(self.recipe, self.vocabulary)
        self.decoding: Decoding = Greedy()
        self.context = self.recipe.data.context
        self.facts: Mapping[str, Any] = {"path": str(path), "kind": "run", "training": training}
        self._threads = threads

    def source(self, question: str) -> list[int]:
        """Return what the encoder reads of a question."""
        known = _turns(question, self.context)
        return self.tokenizer.source(SEPARATOR.join(known), self.recipe.data.max_source)

    def pair(self, question: str, reply: str) -> IdPair:
        """Return a pair as the model is trained on it, however long the reply is."""
        return self.source(question), [*self._replies.encode(reply), EOS]

    def answers(self, questions: Sequence[str], decoding: Decoding, tell: Progress) -> list[Answer]:
        """Return what is said to each question."""
        sources = [self.source(question) for question in questions]
        found = generate_in_batches(self.engine, sources, decoding, tell)
        return [self._answer(hypothesis) for hypothesis in found]

    def training_replies(self) -> Iterator[str] | None:
        """Return the replies that the model was trained on, None where the run lacks them."""
        try:
            pairs = RunFolder(self.path).pairs("train")
        except TrainingError:
            return None
        return (self.tokenizer.decode(pairs[number][1]) for number in range(len(pairs)))

    def _answer(self, hypothesis: Hypothesis) -> Answer:
        tokens = tuple(self.tokenizer.tokens(hypothesis.ids))
        return Answer("".join(tokens), tokens, hypothesis.finished)

    @cached_property
    def reply_vocabulary(self) -> Vocabulary:
        """Return the tokens of replies, which may be fewer than those of sources."""
        return self.vocabulary.first(self.recipe.model.outputs(len(self.vocabulary)))

    @cached_property
    def _replies(self) -> Tokenizer:
        return Tokenizer(self.reply_vocabulary)

    @cached_property
    def engine(self) -> IdsEngine:
        """Return the graph of the weights, in 32 bits."""
        arrays = {name: tensor.numpy() for name, tensor in self.model.state_dict().items()}
        graph = ids_graph(self.model.config, arrays, "fp32")
        return IdsEngine(graph.SerializeToString(), threads=self._threads)


class Exported:
    """Answer with a bundle: in batches where it has a graph for that, else one by one."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self.path = path
        self._bot = ChatBot.load(path, threads=threads)
        bundle = self._bot.bundle
        self.tokenizer = bundle.tokenizer
        self.decoding = bundle.decoding
        self.context: int = bundle.manifest["context"]
        self.facts: Mapping[str, Any] = {
            "path": str(path),
            "kind": "bundle",
            "weights": bundle.manifest.get("weights"),
            "training": bundle.manifest.get("training"),
        }

    def source(self, question: str) -> list[int]:
        """Return what the encoder reads of a question."""
        return self._bot.bundle.source(SEPARATOR.join(_turns(question, self.context)))

    def answers(self, questions: Sequence[str], decoding: Decoding, tell: Progress) -> list[Answer]:
        """Return what is said to each question."""
        return list(self._answered(questions, decoding, tell))

    def training_replies(self) -> None:
        """Return None: a bundle does not hold what it was trained on."""

    def _answered(
        self, questions: Sequence[str], decoding: Decoding, tell: Progress
    ) -> Iterator[Answer]:
        for start in range(0, len(questions), _QUESTIONS):
            some = [_turns(each, self.context) for each in questions[start : start + _QUESTIONS]]
            for reply in self._replies(some, decoding):
                yield Answer(reply.text, reply.tokens, reply.finished)
            tell(start + len(some))

    def _replies(self, questions: Sequence[list[str]], decoding: Decoding) -> Iterable[Reply]:
        if self.context:  # which batches do not take
            return (
                self._bot.reply(turn, decoding, context=before[::-1]) for turn, *before in questions
            )
        return self._bot.replies([turn for turn, *_ in questions], decoding)


Subject = Run | Exported


def open_subject(path: str | Path, *, threads: int = 0) -> Subject:
    """Return the run or the bundle of a folder; `threads` = 0 leaves the number to onnxruntime."""
    path = Path(path)
    if (path / RUN).is_file():
        return Run(path, threads=threads)
    if (path / MANIFEST).is_file():
        return Exported(path, threads=threads)
    raise UsageError(
        f"{path}: neither {RUN} nor {MANIFEST}; expected a run, which 'chatbot train' writes, or a "
        "bundle, which 'chatbot export' writes."
    )


def _turns(question: str, context: int) -> list[str]:
    """Return the last turn, then those before it that a model reads, the newest first."""
    return question.split(SEPARATOR)[: context + 1]


def generate_in_batches(
    engine: IdsEngine,
    sources: Sequence[Sequence[int]],
    decoding: Decoding,
    tell: Progress = lambda _: None,
) -> list[Hypothesis]:
    """Return the best hypothesis for each source (ids with EOS), without its attention."""
    order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    best: dict[int, Hypothesis] = {}
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]  # of like length: little is padded
        found = engine.generate([sources[number] for number in some], decoding)
        for number, hypotheses in zip(some, found, strict=True):
            best[number] = replace(hypotheses[0], attention=None)
        tell(len(best))
    return [best[number] for number in range(len(sources))]
