"""What a run tells whoever listens."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from chatbot.training.evaluation import Validation, perplexity


@dataclass(frozen=True)
class Started:
    """Tell what is about to be trained."""

    parameters: int
    vocabulary: int
    pairs: int
    held_out: int  # 0: the figures below are of the training pairs themselves
    left_out: int  # pairs whose reply is longer than the recipe's max_reply
    step: int  # 0, or where a resumed run goes on
    device: str  # "cpu, bf16"
    processes: int = 1
    vectors: int = 0  # tokens whose embedding comes from a file


@dataclass(frozen=True)
class Running:
    """Tell where the loop stands; means are over the time since it told this last."""

    step: int
    epoch: float
    seconds: float
    loss: float  # nats a token
    tokens_per_second: float  # reply tokens
    learning_rate: float
    gradient_norm: float  # before clipping
    padding: float  # computed tokens for each real one
    loading: float  # share of the time that went into making batches
    seconds_left: float

    @property
    def perplexity(self) -> float:
        """Return e to the loss."""
        return perplexity(self.loss)


@dataclass(frozen=True)
class Sample:
    """Hold what the model says to a held-out prompt."""

    prompt: str
    reply: str  # the true one
    said: str


@dataclass(frozen=True)
class Evaluated:
    """Tell how good the model is now."""

    step: int
    epoch: float
    seconds: float
    validation: Validation
    best: bool
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Ended:
    """Tell why a run is over: epochs, minutes, patience or interrupted."""

    step: int
    seconds: float
    reason: str


Event = Started | Running | Evaluated | Ended
Tell = Callable[[Event], None]


def record(event: Event) -> dict[str, Any]:
    """Return an event as one record of the log."""
    match event:
        case Evaluated():
            return {
                "event": "evaluated",
                "step": event.step,
                "epoch": event.epoch,
                "seconds": round(event.seconds, 1),
                "validation_loss": event.validation.loss,
                "validation_perplexity": event.validation.perplexity,
                "best": event.best,
                "samples": [asdict(sample) for sample in event.samples],
            }
        case Running():
            return {"event": "train", **asdict(event)}
        case _:
            return {"event": type(event).__name__.lower(), **asdict(event)}
