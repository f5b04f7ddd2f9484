"""What the loop does in numbers: time, tokens, loss, and how long is left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chatbot.training.checkpoint import Progress
from chatbot.training.config import TrainConfig
from chatbot.training.dataset import Batch
from chatbot.training.events import Running

REPORT_SECONDS = 2.0
"""How often the loop tells where it stands."""


class Meter:
    """Count from where the run stands."""

    def __init__(self, progress: Progress, config: TrainConfig) -> None:
        self._progress, self._config = progress, config
        self._begun = time.monotonic() - progress.seconds
        self._first_step, self._first_seconds = progress.step, progress.seconds
        self._saved = progress.seconds
        self._forget()

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Count the time inside as that of making batches."""
        begun = time.monotonic()
        yield
        self._loading += time.monotonic() - begun

    def batch(self, batch: Batch) -> None:
        """Add what a batch makes this process compute, padding included."""
        self._computed += batch.src.numel() + batch.reply.numel()
        self._real += int(batch.src_len.sum()) + batch.tokens

    def step(self, loss: float, tokens: float, gradient_norm: float) -> None:
        """Add one step: its summed loss and its reply tokens, of all processes."""
        self._loss += loss
        self._tokens += tokens
        self._norm += gradient_norm
        self._steps += 1
        self._progress.step += 1
        self._progress.batch += 1
        self._progress.seconds = time.monotonic() - self._begun

    @property
    def done(self) -> float:
        """Return the share of the minutes that are over, 0 where there is no limit."""
        minutes = self._config.minutes
        return self._progress.seconds / (60 * minutes) if minutes else 0.0

    @property
    def report_due(self) -> bool:
        """Return whether somebody who waits would like to hear something."""
        return self._progress.seconds - self._since >= REPORT_SECONDS

    @property
    def save_due(self) -> bool:
        """Return whether too much would be lost if the run ended now."""
        return self._progress.seconds - self._saved >= 60 * self._config.save_minutes > 0

    def saved(self) -> None:
        """Note that everything up to now is kept."""
        self._saved = self._progress.seconds

    def report(self, steps: int, learning_rate: float) -> Running:
        """Return where the loop stands, of so many steps an epoch, and begin to count anew."""
        progress = self._progress
        elapsed = max(1e-9, progress.seconds - self._since)
        running = Running(
            step=progress.step,
            epoch=progress.epoch + progress.batch / steps,
            seconds=progress.seconds,
            loss=self._loss / max(1, self._tokens),
            tokens_per_second=self._tokens / elapsed,
            learning_rate=learning_rate,
            gradient_norm=self._norm / max(1, self._steps),
            padding=self._computed / max(1, self._real),
            loading=self._loading / elapsed,
            seconds_left=self._seconds_left(steps),
        )
        self._forget()
        return running

    def _forget(self) -> None:
        self._since = self._progress.seconds
        self._loss = self._tokens = self._norm = self._loading = 0.0
        self._steps = self._computed = self._real = 0

    def _seconds_left(self, steps: int) -> float:
        progress, config = self._progress, self._config
        left = (config.epochs - progress.epoch) * steps - progress.batch
        made = max(1, progress.step - self._first_step)
        seconds = left * (progress.seconds - self._first_seconds) / made
        return min(seconds, config.minutes * 60 - progress.seconds) if config.minutes else seconds
