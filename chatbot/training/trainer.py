"""The loop, and what has to stand before it can start."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, AdamW, Optimizer

from chatbot.decoding import Greedy
from chatbot.errors import TrainingError
from chatbot.text import Tokenizer
from chatbot.training.checkpoint import Progress, RunFolder
from chatbot.training.config import Recipe, TrainConfig
from chatbot.training.dataset import Batch, Pairs, Store
from chatbot.training.evaluation import Validation, generate, perplexity, validate
from chatbot.training.model import Seq2Seq
from chatbot.vocabulary import Vocabulary

REPORT_SECONDS = 2.0
"""How often the loop tells where it stands."""


@dataclass(frozen=True)
class Started:
    """Tell what is about to be trained."""

    parameters: int
    vocabulary: int
    pairs: int
    held_out: int  # 0: the figures below are of the training pairs themselves
    left_out: int  # pairs whose reply is longer than the recipe's max_reply
    step: int  # 0, or where a resumed run goes on


@dataclass(frozen=True)
class Running:
    """Tell where the loop stands."""

    step: int
    epoch: float
    loss: float  # nats a token, mean since the last report
    tokens_per_second: float  # reply tokens
    seconds_left: float

    @property
    def perplexity(self) -> float:
        """Return e to the loss."""
        return perplexity(self.loss)


@dataclass(frozen=True)
class Evaluated:
    """Tell how good the model is now."""

    step: int
    epoch: float
    validation: Validation
    best: bool
    samples: tuple[tuple[str, str, str], ...]  # prompt, true reply, the model's reply


Event = Started | Running | Evaluated
Tell = Callable[[Event], None]


class Trainer:
    """Train one model on one store into one run folder."""

    def __init__(self, store: Store, run: RunFolder, recipe: Recipe, vocabulary: Vocabulary):
        self.run, self.recipe, self.progress = run, recipe, Progress()
        self.tokenizer = Tokenizer(vocabulary)
        self.pairs = Pairs(store.pairs("train"), self.tokenizer, recipe.data)
        held_out = Pairs(store.pairs("valid"), self.tokenizer, recipe.data)
        # A tiny store may have none by chance; then the training pairs themselves are evaluated.
        self.held_out = held_out if len(held_out) else self.pairs
        if not len(self.pairs):
            raise TrainingError(
                f"{store.path}: no pairs to train on. Import dialogues; 'corpus stats' tells what "
                "is there and what was refused."
            )
        torch.manual_seed(recipe.train.seed)
        self.model = Seq2Seq(recipe.model, len(vocabulary))
        self.optimizer = _optimizer(self.model, recipe.train)

    @classmethod
    def start(cls, store: str | Path, out: str | Path, recipe: Recipe) -> "Trainer":
        """Begin a run in the new folder `out`, with a vocabulary learnt from the store."""
        run, source = RunFolder(out), Store(store)
        if run.exists:
            raise TrainingError(f"{out} holds a run. Add --resume, or name another folder.")
        counts, data = source.word_counts("train"), recipe.data
        vocabulary = Vocabulary.learn(counts, size=data.vocabulary_size, min_count=data.min_count)
        trainer = cls(source, run, recipe, vocabulary)
        run.create(recipe, vocabulary, trainer.pairs.fingerprint(), store=source.path)
        return trainer

    @classmethod
    def resume(
        cls,
        store: str | Path,
        out: str | Path,
        *,
        epochs: int | None = None,
        minutes: float | None = None,
    ) -> "Trainer":
        """Go on with the run in `out`, to a new end where one is given."""
        run = RunFolder(out)
        recipe, vocabulary, fingerprint = run.open()
        config = recipe.train
        config = dataclasses.replace(
            config,
            epochs=config.epochs if epochs is None else epochs,
            minutes=config.minutes if minutes is None else minutes,
        )
        recipe = dataclasses.replace(recipe, train=config)
        trainer = cls(Store(store), run, recipe, vocabulary)
        if trainer.pairs.fingerprint() != fingerprint:
            raise TrainingError(f"{store} is not what {out} was trained on. Start a new run.")
        if run.resumable:
            trainer.progress = run.load_last(trainer.model, trainer.optimizer)
        return trainer

    def train(self, tell: Tell) -> Progress:
        """Run to the end of the recipe; every evaluation leaves a checkpoint to resume from."""
        config, progress = self.recipe.train, self.progress
        meter = _Meter(progress, config)
        if self._finished(meter):
            raise TrainingError(
                f"{self.run.path} is at its end: {progress.epoch} of {config.epochs} epochs, "
                f"{progress.seconds / 60:.1f} of {config.minutes or 'any'} minutes. "
                "Set a later one with --epochs or --minutes."
            )
        tell(self._started())
        self.model.train()
        while not self._finished(meter):
            plan = self.pairs.plan(config.batch_tokens, seed=self._seed)
            if progress.batch >= len(plan):
                raise TrainingError(f"{self.run.path}: a checkpoint behind the end of its epoch.")
            for indices in plan[progress.batch :]:
                meter.count(*self._step(self.pairs.batch(indices)))
                if meter.report_due():
                    tell(meter.report(len(plan)))
                if progress.batch == len(plan):
                    progress.epoch, progress.batch = progress.epoch + 1, 0
                finished = self._finished(meter)
                if finished or progress.step % config.evaluate_every == 0:
                    tell(self._evaluate(len(plan)))
                if finished:
                    break
        return progress

    def _finished(self, meter: "_Meter") -> bool:
        return self.progress.epoch >= self.recipe.train.epochs or meter.out_of_time()

    def _step(self, batch: Batch) -> tuple[float, int]:
        config = self.recipe.train
        loss, tokens = self.model.loss(*batch, config.teacher_forcing)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss at step {self.progress.step + 1} is {loss.item()}. The last checkpoint "
                "is intact; go on from there with a smaller learning rate."
            )
        self.optimizer.zero_grad()
        torch.autograd.backward(loss / tokens)
        clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        return loss.item(), tokens

    @property
    def _seed(self) -> int:
        return self.recipe.train.seed * 1_000_003 + self.progress.epoch

    def _started(self) -> Started:
        return Started(
            parameters=sum(weights.numel() for weights in self.model.parameters()),
            vocabulary=len(self.tokenizer.vocabulary),
            pairs=len(self.pairs),
            held_out=0 if self.held_out is self.pairs else len(self.held_out),
            left_out=self.pairs.left_out,
            step=self.progress.step,
        )

    def _evaluate(self, batches: int) -> Evaluated:
        progress = self.progress
        validation = validate(
            self.model, self.held_out, batch_tokens=self.recipe.train.batch_tokens
        )
        best = progress.best_loss is None or validation.loss < progress.best_loss
        epoch = progress.epoch + progress.batch / batches
        figures = {
            "step": progress.step,
            "epoch": round(epoch, 3),
            "validation_loss": validation.loss,
            "validation_perplexity": validation.perplexity,
        }
        if best:
            progress.best_loss = validation.loss
            self.run.save_best(self.model, figures)
        self.run.save_last(self.model, self.optimizer, progress)
        self.run.log({**figures, "seconds": round(progress.seconds, 1)})
        return Evaluated(progress.step, epoch, validation, best, self._samples())

    def _samples(self) -> tuple[tuple[str, str, str], ...]:
        shown = range(min(self.recipe.train.samples, len(self.held_out)))
        pairs = [self.held_out[index] for index in shown]
        if not pairs:
            return ()
        longest = Greedy(max_length=self.recipe.data.max_reply)
        found = generate(self.model, [source for source, _ in pairs], longest)
        decode = self.tokenizer.decode
        return tuple(
            (decode(source), decode(reply), decode(best[0].ids))
            for (source, reply), best in zip(pairs, found, strict=True)
        )


class _Meter:
    """Count what the loop does, and from that tell how long it will take."""

    def __init__(self, progress: Progress, config: TrainConfig) -> None:
        self._progress, self._config = progress, config
        self._begun = time.monotonic() - progress.seconds
        self._first_step, self._first_seconds = progress.step, progress.seconds
        self._loss, self._tokens, self._since = 0.0, 0, progress.seconds

    def count(self, loss: float, tokens: int) -> None:
        """Add one step: its summed loss and its number of reply tokens."""
        self._loss, self._tokens = self._loss + loss, self._tokens + tokens
        self._progress.step += 1
        self._progress.batch += 1
        self._progress.seconds = time.monotonic() - self._begun

    def out_of_time(self) -> bool:
        """Return whether the recipe's minutes are over."""
        return 0 < self._config.minutes * 60 <= self._progress.seconds

    def report_due(self) -> bool:
        """Return whether somebody who waits would like to hear something."""
        return self._progress.seconds - self._since >= REPORT_SECONDS

    def report(self, batches: int) -> Running:
        """Return where the loop stands, and begin to count anew."""
        progress = self._progress
        running = Running(
            step=progress.step,
            epoch=progress.epoch + progress.batch / batches,
            loss=self._loss / self._tokens,
            tokens_per_second=self._tokens / (progress.seconds - self._since),
            seconds_left=self._seconds_left(batches),
        )
        self._loss, self._tokens, self._since = 0.0, 0, progress.seconds
        return running

    def _seconds_left(self, batches: int) -> float:
        progress, config = self._progress, self._config
        steps_left = (config.epochs - progress.epoch) * batches - progress.batch
        done = progress.step - self._first_step
        left = steps_left * (progress.seconds - self._first_seconds) / done
        return min(left, config.minutes * 60 - progress.seconds) if config.minutes else left


def _optimizer(model: Seq2Seq, config: TrainConfig) -> Optimizer:
    kinds: dict[str, type[Adam] | type[AdamW] | type[SGD]] = {
        "adam": Adam,
        "adamw": AdamW,
        "sgd": SGD,
    }
    return kinds[config.optimizer](model.parameters(), lr=config.learning_rate)
