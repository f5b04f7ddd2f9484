"""A run folder: the recipe, the vocabulary, the best and the last weights.

    run.json            recipe, versions, where the pairs come from and their checksums
    recipe.toml         the recipe once more, as `--recipe` reads it
    vocabulary.json     tokens and costs
    train.ids, .ends    the pairs as ids, and where each ends; valid.ids, .ends likewise
    log.jsonl           one record an event
    best.safetensors    the weights of the lowest validation loss
    last.safetensors    weights, optimizer and random state: where a resumed run goes on

Each file but the log, which grows line by line, is written beside its place and renamed: whole or
not at all. Nothing is unpickled.
"""

import json
import os
import platform
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from chatbot import __version__
from chatbot.errors import BundleError, TrainingError, UsageError
from chatbot.training.average import Average
from chatbot.training.config import Recipe
from chatbot.training.dataset import Pairs
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import Vocabulary

FORMAT = 2
RUN, RECIPE, VOCABULARY, LOG = "run.json", "recipe.toml", "vocabulary.json", "log.jsonl"
SPLITS = ("train", "valid")
BEST, LAST = "best.safetensors", "last.safetensors"

# What reading a well-formed file of the wrong shape can raise.
_WRONG_SHAPE = (AttributeError, KeyError, TypeError, ValueError, BundleError, UsageError)


@dataclass
class Progress:
    """Hold where a run stands."""

    epoch: int = 0
    batch: int = 0  # of the epoch
    step: int = 0  # of the run
    seconds: float = 0.0
    best_loss: float | None = None  # validation, nats a token
    stale: int = 0  # evaluations since the best one
    reduced: float = 1.0  # what the plateaus have left of the learning rate


class State(NamedTuple):
    """Hold where a run stands, and with which random numbers each process goes on."""

    progress: Progress
    random: list[Tensor]


class RunFolder:
    """Read and write one run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def exists(self) -> bool:
        """Return whether a run has been started here."""
        return (self.path / RUN).is_file()

    @property
    def resumable(self) -> bool:
        """Return whether there is a checkpoint to go on from."""
        return (self.path / LAST).is_file()

    def create(
        self,
        recipe: Recipe,
        vocabulary: Vocabulary,
        *,
        store: Path | None = None,
        sources: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Start a run: write what never changes during it, behind its pairs.

        `sources` says how many accepted training pairs each imported file has.
        """
        self._make()
        words = {"tokens": list(vocabulary.tokens), "costs": list(vocabulary.costs)}
        self._write_json(VOCABULARY, words)
        self._write_bytes(RECIPE, recipe.to_toml().encode())
        pairs = {split: self._pairs(split) for split in SPLITS}
        about = {
            "format": FORMAT,
            "recipe": recipe.to_dict(),
            "versions": {
                "duihua": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            "data": {split: found.fingerprint() for split, found in pairs.items()},
            "pairs": {split: len(found) for split, found in pairs.items()},
            "sources": dict(sources),
            "store": None if store is None else str(store.resolve()),
        }
        self._write_json(RUN, about)

    def open(self) -> tuple[Recipe, Vocabulary]:
        """Return the recipe and the vocabulary."""
        about = self.about()
        try:
            words = json.loads((self.path / VOCABULARY).read_bytes())
            vocabulary = Vocabulary(tuple(words["tokens"]), tuple(words["costs"]))
            return Recipe.from_dict(about["recipe"]), vocabulary
        except (OSError, RecursionError, *_WRONG_SHAPE) as error:
            raise self.damaged(error) from error

    def about(self) -> dict[str, Any]:
        """Return what `create` wrote of the run."""
        if not self.exists:
            raise TrainingError(f"{self.path}: no {RUN}. A run is what 'chatbot train' writes.")
        try:
            about = json.loads((self.path / RUN).read_bytes())
            found = about["format"]
        except (OSError, RecursionError, *_WRONG_SHAPE) as error:
            raise self.damaged(error) from error
        if found != FORMAT:
            raise TrainingError(f"{self.path}: run format {found}; this version reads {FORMAT}.")
        return dict(about)

    def damaged(self, error: Exception) -> TrainingError:
        """Return the error that says so."""
        return TrainingError(f"{self.path}: damaged run ({_described(error)}). Train again.")

    def forget(self) -> None:
        """Make a run that has not begun none: what describes it goes, and it may begin again."""
        (self.path / RUN).unlink(missing_ok=True)

    def write_pairs(
        self, split: str, examples: Iterable[tuple[Sequence[int], Sequence[int]]]
    ) -> Pairs:
        """Keep the pairs of a split as ids, before the run is created."""
        self._make()
        return Pairs.write(self.path / split, examples)

    def pairs(self, split: str) -> Pairs:
        """Return the pairs of a split, which are those that the run began with."""
        pairs, about = self._pairs(split), self.about()
        try:
            begun_with = about["data"][split]
        except _WRONG_SHAPE as error:
            raise self.damaged(error) from error
        if pairs.fingerprint() != begun_with:
            raise TrainingError(f"{pairs.prefix}: not the ids that the run began with. Train anew.")
        return pairs

    def _pairs(self, split: str) -> Pairs:
        return Pairs(self.path / split)

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self.path}: no folder can be made here ({error}).") from error

    def save_best(self, model: Seq2Seq, validation: Mapping[str, float]) -> None:
        """Keep the weights of the best evaluation so far, with its figures."""
        self._write_tensors(BEST, _weights(model), dict(validation))

    def save_last(
        self,
        model: Seq2Seq,
        optimizer: Optimizer,
        state: State,
        average: Average | None = None,
    ) -> None:
        """Keep everything that a resumed run needs to go on as if it had never stopped."""
        tensors = _named("model", _weights(model)) | _optimizer_tensors(optimizer)
        tensors |= _named("random", {str(rank): one for rank, one in enumerate(state.random)})
        if average:
            tensors |= _named("average", average.weights)
        self._write_tensors(LAST, tensors, asdict(state.progress))

    def load_best(self, model: Seq2Seq) -> dict[str, Any]:
        """Load the best weights into the model and return the figures of their evaluation."""
        tensors, about = self._read_tensors(BEST)
        self._load_weights(model, tensors)
        return about

    def load_last(
        self, model: Seq2Seq, optimizer: Optimizer, average: Average | None = None
    ) -> State:
        """Put model, optimizer and average where the run stood, and return where that was."""
        tensors, about = self._read_tensors(LAST)
        self._load_weights(model, _unnamed("model", tensors))
        try:
            _load_optimizer(optimizer, tensors)
            if average:
                for name, weights in average.weights.items():
                    weights.copy_(tensors[f"average.{name}"])
            random = _unnamed("random", tensors)
            ranked = [random[str(rank)] for rank in range(len(random))]
            return State(Progress(**about), ranked)
        except (RuntimeError, *_WRONG_SHAPE) as error:
            raise TrainingError(
                f"{self.path / LAST}: damaged ({_described(error)}). Train again."
            ) from error

    def log(self, record: Mapping[str, Any]) -> None:
        """Append one record to the log."""
        try:
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        except OSError as error:
            raise TrainingError(f"{self.path / LOG} cannot be written: {error}.") from error

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records of the log; a line that a killed run left half-written is none."""
        try:
            lines = (self.path / LOG).open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        with lines:  # not splitlines(), which would also cut what was said at U+2028
            for line in lines:
                with suppress(ValueError):
                    record = json.loads(line)
                    if isinstance(record, dict):
                        yield record

    def cut_log(self, step: int) -> None:
        """Drop the records behind a step: a run that goes on from there writes them again.

        So goes what a killed run left half-written.
        """
        for left in self.path.glob(".*.safetensors.*"):
            left.unlink(missing_ok=True)
        kept = [record for record in self.records() if record.get("step", 0) <= step]
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in kept)
        self._write_bytes(LOG, text.encode())

    def _load_weights(self, model: Seq2Seq, tensors: Mapping[str, Tensor]) -> None:
        try:
            model.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise TrainingError(f"{self.path}: the weights do not fit the recipe.") from error

    def _write_json(self, name: str, value: object) -> None:
        self._write_bytes(name, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())

    def _write_bytes(self, name: str, data: bytes) -> None:
        self._replace(name, lambda path: path.write_bytes(data))

    def _write_tensors(self, name: str, tensors: dict[str, Tensor], about: Any) -> None:
        metadata = {"about": json.dumps(about)}
        self._replace(name, lambda path: save_file(tensors, path, metadata))

    def _replace(self, name: str, write: Any) -> None:
        beside = self.path / f".{name}.{secrets.token_hex(4)}"
        try:
            write(beside)
            with beside.open("rb") as file:
                os.fsync(file.fileno())
            beside.replace(self.path / name)
        except (OSError, SafetensorError) as error:
            raise TrainingError(f"{self.path / name} cannot be written: {error}.") from error
        finally:
            beside.unlink(missing_ok=True)

    def _read_tensors(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        path = self.path / name
        try:
            with safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {})["about"])
                return {key: file.get_tensor(key) for key in file.keys()}, about  # noqa: SIM118
        except FileNotFoundError as error:
            raise TrainingError(
                f"{path}: not there yet. Let 'chatbot train' evaluate once."
            ) from error
        except (OSError, SafetensorError, *_WRONG_SHAPE) as error:
            raise TrainingError(f"{path}: damaged ({error}). Train again.") from error


def load_run(path: str | Path) -> tuple[Seq2Seq, Recipe, Vocabulary, dict[str, Any]]:
    """Return the best model of a run, ready to answer, with its recipe, vocabulary and figures."""
    run = RunFolder(path)
    recipe, vocabulary = run.open()
    model = Seq2Seq(recipe.model, len(vocabulary)).eval()
    return model, recipe, vocabulary, run.load_best(model)


def _described(error: Exception) -> str:
    """Return kind and text of an error; its repr may hold the whole file."""
    return f"{type(error).__name__}: {error}"


def _weights(model: Seq2Seq) -> dict[str, Tensor]:
    return {name: value.detach().cpu() for name, value in model.state_dict().items()}


def _named(kind: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{kind}.{name}": tensor for name, tensor in tensors.items()}


def _unnamed(kind: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(f"{kind}."): v for k, v in tensors.items() if k.startswith(f"{kind}.")}


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{number}.{name}": torch.as_tensor(value)
        for number, values in state.items()
        for name, value in values.items()
        if value is not None
    }


def _load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
