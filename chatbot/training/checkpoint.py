"""A run folder: the recipe, the vocabulary, the best and the last weights.

    run.json            recipe, versions, checksum of the data
    vocabulary.json     tokens and costs
    log.jsonl           one record an evaluation
    best.safetensors    the weights of the lowest validation loss
    last.safetensors    weights, optimizer and random state: where a resumed run goes on

Each file is written beside its place and renamed: whole or not at all. Nothing is unpickled.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from chatbot import __version__
from chatbot.errors import BundleError, TrainingError, UsageError
from chatbot.training.config import Recipe
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import Vocabulary

FORMAT = 1
RUN, VOCABULARY, LOG = "run.json", "vocabulary.json", "log.jsonl"
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
        fingerprint: str,
        *,
        store: Path | None = None,
    ) -> None:
        """Start a run: write what never changes during it, and where its pairs come from."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self.path}: no folder can be made here ({error}).") from error
        words = {"tokens": list(vocabulary.tokens), "costs": list(vocabulary.costs)}
        self._write_json(VOCABULARY, words)
        about = {
            "format": FORMAT,
            "recipe": recipe.to_dict(),
            "versions": {"duihua": __version__, "torch": torch.__version__},
            "data": fingerprint,
            "store": None if store is None else str(store.resolve()),
        }
        self._write_json(RUN, about)

    def open(self) -> tuple[Recipe, Vocabulary, str]:
        """Return the recipe, the vocabulary and the checksum of the data."""
        if not self.exists:
            raise TrainingError(f"{self.path}: no {RUN}. A run is what 'chatbot train' writes.")
        try:
            about = json.loads((self.path / RUN).read_bytes())
            words = json.loads((self.path / VOCABULARY).read_bytes())
            if about["format"] != FORMAT:
                raise TrainingError(
                    f"{self.path}: run format {about['format']}; this version reads {FORMAT}."
                )
            vocabulary = Vocabulary(tuple(words["tokens"]), tuple(words["costs"]))
            return Recipe.from_dict(about["recipe"]), vocabulary, about["data"]
        except (OSError, RecursionError, *_WRONG_SHAPE) as error:
            raise TrainingError(
                f"{self.path}: damaged run ({_described(error)}). Train again."
            ) from error

    @property
    def store(self) -> Path | None:
        """Return the store that the run was started on, if it says so."""
        store = json.loads((self.path / RUN).read_bytes()).get("store")
        return Path(store) if isinstance(store, str) else None

    def save_best(self, model: Seq2Seq, validation: Mapping[str, float]) -> None:
        """Keep the weights of the best evaluation so far, with its figures."""
        self._write_tensors(BEST, _weights(model), dict(validation))

    def save_last(self, model: Seq2Seq, optimizer: Optimizer, progress: Progress) -> None:
        """Keep everything that a resumed run needs to go on as if it had never stopped."""
        tensors = {f"model.{name}": value for name, value in _weights(model).items()}
        tensors |= _optimizer_tensors(optimizer)
        tensors["random"] = torch.get_rng_state()
        self._write_tensors(LAST, tensors, asdict(progress))

    def load_best(self, model: Seq2Seq) -> dict[str, Any]:
        """Load the best weights into the model and return the figures of their evaluation."""
        tensors, about = self._read_tensors(BEST)
        self._load_weights(model, tensors)
        return about

    def load_last(self, model: Seq2Seq, optimizer: Optimizer) -> Progress:
        """Put model, optimizer and random state where the run stood."""
        tensors, about = self._read_tensors(LAST)
        weights = {k.removeprefix("model."): v for k, v in tensors.items() if k[:6] == "model."}
        self._load_weights(model, weights)
        try:
            _load_optimizer(optimizer, tensors)
            torch.set_rng_state(tensors["random"])
            return Progress(**about)
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

    def _load_weights(self, model: Seq2Seq, tensors: Mapping[str, Tensor]) -> None:
        try:
            missing = model.load_state_dict(dict(tensors), strict=False).missing_keys
        except RuntimeError as error:
            raise TrainingError(f"{self.path}: the weights do not fit the recipe.") from error
        if set(missing) - _tied_away(model):
            raise TrainingError(f"{self.path}: the weights lack {sorted(missing)}.")

    def _write_json(self, name: str, value: object) -> None:
        data = (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
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
    recipe, vocabulary, _ = run.open()
    model = Seq2Seq(recipe.model, len(vocabulary)).eval()
    return model, recipe, vocabulary, run.load_best(model)


def _described(error: Exception) -> str:
    """Return kind and text of an error; its repr may hold the whole file."""
    return f"{type(error).__name__}: {error}"


def _tied_away(model: Seq2Seq) -> set[str]:
    """Return the names that are not stored because another name has the same tensor."""
    return {"output.weight"} if model.config.tied else set()


def _weights(model: Seq2Seq) -> dict[str, Tensor]:
    tied = _tied_away(model)
    return {name: value for name, value in model.state_dict().items() if name not in tied}


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
