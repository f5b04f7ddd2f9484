"""What a run tells, for TensorBoard. The only door to tensorboard, which no extra installs."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.training.events import Ended, Evaluated, Event, Running, Started

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
"""Where in a run folder its files stand."""

_FLUSH_SECONDS = 10
"""What a run that is killed loses at most."""


class TensorBoard:
    """Write what a run tells into its folder, where the package tensorboard is installed."""

    def __init__(self, run: str | Path) -> None:
        self._folder = Path(run) / FOLDER
        self._writer: SummaryWriter | None = None

    def __call__(self, event: Event) -> None:
        """Write an event at its step; the file is opened by `Started` and closed by `Ended`."""
        match event:
            case Started() if find_spec("tensorboard"):
                self._open(event)
            case Running():
                self._running(event)
            case Evaluated():
                self._evaluated(event)
            case Ended():
                self._close()

    def _open(self, event: Started) -> None:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - seconds

        self._close()
        # A run that goes on writes the steps behind its checkpoint anew: those there are dropped.
        self._writer = SummaryWriter(
            str(self._folder), purge_step=event.step + 1, flush_secs=_FLUSH_SECONDS
        )

    def _running(self, event: Running) -> None:
        self._scalars(
            event.step,
            {
                "loss/training": event.loss,
                "perplexity/training": event.perplexity,
                "learning_rate": event.learning_rate,
                "tokens_per_second": event.tokens_per_second,
                "gradient_norm": event.gradient_norm,
                "padding": event.padding,
                "loading": event.loading,
            },
        )

    def _evaluated(self, event: Evaluated) -> None:
        found = event.validation
        held_out = {"loss/held_out": found.loss, "perplexity/held_out": found.perplexity}
        self._scalars(event.step, held_out)
        if self._writer is None:
            return
        if event.samples:
            lines = (f"{one.prompt} → {one.said} [{one.reply}]" for one in event.samples)
            # Indented: Markdown shows it letter by letter.
            text = "\n".join(f"    {' '.join(line.split())}" for line in lines)
            self._writer.add_text("samples", text, event.step)
        self._writer.flush()

    def _scalars(self, step: int, values: dict[str, float]) -> None:
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
