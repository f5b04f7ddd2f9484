"""Every setting of a training run, with its default: the one address it has."""

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from chatbot.decoding import check_range
from chatbot.errors import UsageError

Mode = Literal["context", "feedback", "peek", "attention"]
Cell = Literal["rnn", "lstm", "gru"]
Summary = Literal["last", "mean", "sum", "weighted"]
Attention = Literal["dot", "general", "additive"]
Query = Literal["first", "previous"]
Units = Literal["words", "characters"]
Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "inverse_sqrt", "cosine", "plateau"]
ForcingSchedule = Literal["constant", "linear", "exponential", "sigmoid"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class _Section:
    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for setting in dataclasses.fields(self):
            _check_type(setting.name, getattr(self, setting.name), hints[setting.name])

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the section with `values` set; an unknown name is a `UsageError`."""
        known = [setting.name for setting in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
                raise UsageError(f"unknown setting {name!r}. {hint}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(_Section):
    """Describe the network; see `chatbot.training.model` for what each part computes."""

    mode: Mode = "attention"
    cell: Cell = "gru"
    embedding: int = 128
    encoder_hidden: int = 128  # of each direction
    encoder_layers: int = 1
    bidirectional: bool = True
    hidden: int = 256  # of the decoder
    decoder_layers: int = 1
    summary: Summary = "last"
    prototypes: int = 0  # classes of replies, at most, one of which a source asks for; 0: none
    prototype_size: int = 256
    attention: Attention = "general"
    query: Query = "first"  # what asks: the first layer's state now, or the top's of the last step
    tied: bool = True  # the output matrix is the embedding table
    reply_vocabulary: int = 0  # a reply uses only so many tokens, the first ones; 0: all
    dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("embedding", "encoder_hidden", "encoder_layers", "hidden", "decoder_layers"):
            check_range(name, getattr(self, name), 1, 8192)
        check_range("prototypes", self.prototypes, 0, 1_000_000)
        check_range("prototype_size", self.prototype_size, 1, 8192)
        if self.reply_vocabulary:  # the four special tokens alone are no reply
            check_range("reply_vocabulary", self.reply_vocabulary, 5, 1_000_000)
        check_range("dropout", self.dropout, 0.0, 0.95)
        if self.mode == "attention" and self.attention == "dot" and self.memory != self.hidden:
            raise UsageError(
                f"dot attention compares decoder states of {self.hidden} numbers with encoder "
                f"states of {self.memory}: make them equal or choose general or additive."
            )

    @property
    def memory(self) -> int:
        """Return the size M of an encoder state, both directions together."""
        return self.encoder_hidden * (2 if self.bidirectional else 1)

    @property
    def summary_size(self) -> int:
        """Return the size of what the decoder gets as C: where there are prototypes, theirs."""
        return self.prototype_size if self.prototypes else self.memory

    @property
    def decoder_input(self) -> int:
        """Return the size of what the decoder's first layer reads at a step (design, D4)."""
        attended = 0 if self.asks_first else self.memory
        return {
            "context": self.summary_size,
            "feedback": self.embedding,
            "peek": self.embedding + self.summary_size,
            "attention": self.embedding + attended,
        }[self.mode]

    def decoder_inputs(self) -> list[int]:
        """Return the size of what each layer of the decoder reads at a step.

        Where the first layer asks, c_t is there for the layers above it.
        """
        above = self.memory if self.asks_first else 0
        return [self.decoder_input] + [self.hidden + above] * (self.decoder_layers - 1)

    @property
    def asks_first(self) -> bool:
        """Return whether the attention is asked by the first layer's state of the same step."""
        return self.mode == "attention" and self.query == "first"

    def outputs(self, vocabulary: int) -> int:
        """Return how many tokens of a vocabulary the output knows."""
        return min(self.reply_vocabulary or vocabulary, vocabulary)

    @property
    def readout_input(self) -> int:
        """Return the size of what the output is computed from: s_t, with attention c_t too."""
        return self.hidden + (self.memory if self.mode == "attention" else 0)

    @property
    def state_tensors(self) -> int:
        """Return how many tensors a recurrent state has: h, and for an LSTM c."""
        return 2 if self.cell == "lstm" else 1


@dataclass(frozen=True, kw_only=True)
class DataConfig(_Section):
    """Describe what of the store is trained on, and how it becomes ids."""

    vocabulary_size: int = 20_000
    min_count: int = 2
    source: Units = "words"  # what a source is cut into: words, or characters
    max_source: int = 50  # tokens, EOS included; what is longer is cut
    max_reply: int = 30  # tokens, EOS included; a pair with a longer reply is left out
    context: int = 0  # turns before the last that the source holds too
    embeddings: str = ""  # a file of word vectors, in word2vec's text format, to start from

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("vocabulary_size", self.vocabulary_size, 5, 1_000_000)
        check_range("min_count", self.min_count, 1, 1_000_000)
        check_range("max_source", self.max_source, 2, 10_000)
        check_range("max_reply", self.max_reply, 2, 512)
        check_range("context", self.context, 0, 100)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(_Section):
    """Describe the loop."""

    epochs: int = 10
    minutes: float = 0.0  # stop after so long; 0: no limit
    patience: int = 0  # stop after so many evaluations without a better one; 0: never
    batch_tokens: int = 1024  # source and reply tokens of a batch, padding included
    batch_pairs: int = 0  # the most pairs of a batch; 0: any number
    accumulate: int = 1  # batches of one step
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3  # the highest
    schedule: Schedule = "constant"
    warmup: int = 0  # steps until the learning rate is at its highest
    clip: float = 1.0  # largest norm of the gradient
    label_smoothing: float = 0.0  # probability that is spread over all tokens
    teacher_forcing: float = 1.0  # share of the steps that are fed the true previous token
    teacher_forcing_end: float = 0.0  # the same, at the end of a schedule
    teacher_forcing_schedule: ForcingSchedule = "constant"
    ema: float = 0.0  # keep a mean of the weights that decays so, and evaluate it; 0: none
    device: Device = "auto"
    precision: Precision = "auto"  # of products; auto: bf16 where the device has it
    evaluate_every: int = 500  # steps; the end of the run is always evaluated
    save_minutes: float = 10.0  # a checkpoint to resume from at least so often
    samples: int = 3  # replies shown at each evaluation
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, (low, high) in _TRAIN_RANGES.items():
            check_range(name, getattr(self, name), low, high)


_TRAIN_RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 1_000_000),
    "minutes": (0.0, 1e6),
    "patience": (0, 1_000_000),
    "batch_tokens": (1, 10_000_000),
    "batch_pairs": (0, 1_000_000),
    "accumulate": (1, 10_000),
    "learning_rate": (0.0, 100.0),
    "warmup": (0, 1_000_000_000),
    "clip": (1e-6, 1e9),
    "label_smoothing": (0.0, 0.9),
    "teacher_forcing": (0.0, 1.0),
    "teacher_forcing_end": (0.0, 1.0),
    "ema": (0.0, 0.99999),
    "evaluate_every": (1, 1_000_000_000),
    "save_minutes": (0.0, 1e6),
    "samples": (0, 100),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hold all settings of a run."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the recipe with `values` set: {"model": {"hidden": 512}, …}."""
        sections: dict[str, type[_Section]] = {
            "model": ModelConfig,
            "data": DataConfig,
            "train": TrainConfig,
        }
        unknown = [name for name in values if name not in sections]
        if unknown:
            raise UsageError(f"unknown section {unknown[0]!r}. Known: {', '.join(sections)}.")
        parts: dict[str, Any] = {
            name: sections[name].from_dict(part) for name, part in values.items()
        }
        return cls(**parts)

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads."""
        return dataclasses.asdict(self)

    def to_toml(self) -> str:
        """Return what `read_recipe` reads."""
        sections = (
            (section, (f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in values.items()))
            for section, values in self.to_dict().items()
        )
        return "\n".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections)


def read_recipe(file: str | Path | None, settings: Iterable[str] = ()) -> Recipe:
    """Return the recipe of a TOML file, with settings such as "model.hidden=512" on top."""
    values: dict[str, dict[str, Any]] = _read_toml(Path(file)) if file else {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise UsageError(f"{setting!r}: expected SECTION.NAME=VALUE, as in model.hidden=512.")
        values.setdefault(section, {})[key] = _toml_value(text.strip())
    return Recipe.from_dict(values)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():
            raise OSError("not a file")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no recipe ({error}).") from error
    loose = [name for name, value in values.items() if not isinstance(value, dict)]
    if loose:
        raise UsageError(f"{path}: {loose[0]!r} stands outside the sections model, data, train.")
    return values


def _toml_value(text: str) -> Any:
    """Return a number or a truth value as such, anything else as text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _check_type(name: str, value: object, expected: Any) -> None:
    if get_origin(expected) is Literal:
        if value not in get_args(expected):
            raise UsageError(f"{name}={value!r}: expected one of {', '.join(get_args(expected))}.")
        return
    accepted = (int, float) if expected is float else expected
    if not isinstance(value, accepted) or (isinstance(value, bool) and expected is not bool):
        raise UsageError(f"{name}={value!r}: expected {expected.__name__}.")
