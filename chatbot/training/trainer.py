"""The loop, and what has to stand before it can start."""

import dataclasses
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, AdamW, Optimizer

from chatbot.decoding import Greedy
from chatbot.errors import ChatbotError, TrainingError
from chatbot.training import schedule, vectors
from chatbot.training.average import Average
from chatbot.training.checkpoint import SPLITS, Progress, RunFolder, State
from chatbot.training.classes import classes
from chatbot.training.config import Recipe, TrainConfig
from chatbot.training.dataset import Batch, Codec, Indices, Pairs, tokenizer
from chatbot.training.device import Hardware, enough_memory
from chatbot.training.distributed import ALONE, World
from chatbot.training.evaluation import Validation, generate, validate
from chatbot.training.events import Ended, Evaluated, Event, Sample, Started, Tell, record
from chatbot.training.meter import Meter
from chatbot.training.model import Seq2Seq
from chatbot.training.store import Store
from chatbot.vocabulary import SEPARATOR, Vocabulary

CLASS_WEIGHT = 5.0
"""What a source's class counts against the tokens of its reply, where there are prototypes."""

PLATEAU = 0.5
"""What the learning rate is multiplied by where an evaluation is no better than the best."""


class Trainer:
    """Train one model on pairs of ids into one run folder."""

    def __init__(
        self,
        run: RunFolder,
        recipe: Recipe,
        vocabulary: Vocabulary,
        pairs: Pairs,
        held_out: Pairs,
        *,
        world: World = ALONE,
    ) -> None:
        """Make a new model; where nothing is held out, the training pairs are evaluated."""
        if not len(pairs):
            raise TrainingError(
                "no pairs to train on. Import dialogues; 'corpus stats' tells what is there and "
                "what was refused."
            )
        config = recipe.train
        self.run, self.recipe, self.progress, self.world = run, recipe, Progress(), world
        self.tokenizer = tokenizer(recipe, vocabulary)
        self.pairs, self.held_out = pairs, held_out if len(held_out) else pairs
        self.classes = classes(pairs, recipe.model.prototypes)
        self.left_out = self.vectors = 0
        self.hardware = Hardware.chosen(config, world.local_rank)
        torch.manual_seed(config.seed)
        self.model = Seq2Seq(recipe.model, len(vocabulary))
        self.model.to(self.hardware.device)
        self.optimizer = _optimizer(self.model, config)
        self.average = Average(self.model, config.ema) if config.ema else None
        self.meter = Meter(self.progress, config)
        self.interrupted = False
        torch.manual_seed(config.seed + world.rank)  # each process drops out what it likes

    @classmethod
    def start(
        cls,
        store: str | Path,
        out: str | Path,
        recipe: Recipe,
        *,
        overfit: int | None = None,
        world: World = ALONE,
    ) -> "Trainer":
        """Begin a run in the new folder `out`, with a vocabulary learnt from the store.

        With `overfit` only so many pairs are learnt, and the same are evaluated: a model that
        cannot learn a few pairs by heart will learn nothing else.
        """
        run, source, codec = RunFolder(out), Store(store), None
        if run.exists:
            raise TrainingError(f"{out} holds a run. Add --resume, or name another folder.")
        world.wait()
        if world.leads:
            vocabulary = _learnt(source, recipe)
            codec = Codec(recipe, vocabulary)
            for split in SPLITS:
                found = codec.encoded_split(source, split)
                most = overfit if split == "train" or overfit is None else 0
                run.write_pairs(split, islice(found, most))
            sources = source.sources("train")
            run.create(recipe, vocabulary, store=source.path, sources=sources)
        world.wait()
        try:
            trainer = cls._opened(run, world)
            trainer.use_vectors(recipe.data.embeddings)
        except ChatbotError:
            if world.leads:
                run.forget()  # what is refused has not begun
            raise
        trainer.left_out = codec.left_out if codec else 0
        return trainer

    @classmethod
    def resume(
        cls,
        out: str | Path,
        *,
        epochs: int | None = None,
        minutes: float | None = None,
        world: World = ALONE,
    ) -> "Trainer":
        """Go on with the run in `out`, to a new end where one is given.

        The pairs are those that the run began with, whatever has become of the store.
        """
        run = RunFolder(out)
        trainer = cls._opened(run, world, epochs=epochs, minutes=minutes)
        if run.resumable:
            trainer.restore()
        else:  # killed before its first checkpoint: it begins again
            trainer.use_vectors(trainer.recipe.data.embeddings)
            if world.leads:
                run.cut_log(-1)
        return trainer

    @classmethod
    def _opened(
        cls,
        run: RunFolder,
        world: World,
        *,
        epochs: int | None = None,
        minutes: float | None = None,
    ) -> "Trainer":
        recipe, vocabulary = run.open()
        config = recipe.train
        config = dataclasses.replace(
            config,
            epochs=config.epochs if epochs is None else epochs,
            minutes=config.minutes if minutes is None else minutes,
        )
        recipe = dataclasses.replace(recipe, train=config)
        return cls(run, recipe, vocabulary, run.pairs("train"), run.pairs("valid"), world=world)

    def use_vectors(self, path: str) -> None:
        """Start from the word vectors of a file, if one is named."""
        if path:
            vocabulary = self.tokenizer.vocabulary
            self.vectors = vectors.start_from(self.model.embedding, vocabulary, path)
            self.average = self.average and Average(self.model, self.recipe.train.ema)

    def restore(self) -> None:
        """Go back to the last checkpoint: weights, optimizer, progress and random numbers."""
        state = self.run.load_last(self.model, self.optimizer, self.average)
        self.progress, self.meter = state.progress, Meter(state.progress, self.recipe.train)
        # A step is of all processes: of as many batches, now and before.
        self.progress.batch = self.progress.batch * len(state.random) // self.world.size
        own = self.hardware.random_state()
        other = any(one.dtype == own.dtype and one.shape != own.shape for one in state.random)
        # On another device, or in other processes, no exact continuation is to be had.
        if len(state.random) == self.world.size and not other:
            try:
                self.hardware.set_random_state(state.random[self.world.rank])
            except (RuntimeError, TypeError) as error:
                raise self.run.damaged(error) from error
        if self.world.leads:
            self.run.cut_log(state.progress.step)

    def stop(self) -> None:
        """End the loop after the step that is being made, with a checkpoint of it."""
        self.interrupted = True

    def train(self, tell: Tell) -> Progress:
        """Run to the end of the recipe; what is evaluated is also kept, to resume from."""
        config, progress = self.recipe.train, self.progress
        if reason := self._over():
            raise TrainingError(
                f"{self.run.path} is at its end ({reason}): {progress.epoch} of {config.epochs} "
                f"epochs, {progress.seconds / 60:.1f} of {config.minutes or 'any'} minutes. Set a "
                "later one with --epochs or --minutes; what ended by patience does not go on."
            )
        tell = self._teller(tell)
        tell(self.started())
        self.model.train()
        meter = self.meter = Meter(progress, config)  # the clock starts here
        while not (reason := self._over()):
            steps = self.steps()
            if progress.batch >= len(steps):
                raise TrainingError(f"{self.run.path}: a checkpoint behind the end of its epoch.")
            for groups in steps[progress.batch :]:
                self.step(groups, (progress.epoch + progress.batch / len(steps)) / config.epochs)
                if meter.report_due:
                    tell(meter.report(len(steps), self._learning_rate))
                if progress.batch == len(steps):
                    progress.epoch, progress.batch = progress.epoch + 1, 0
                reason = self._over()
                if progress.step % config.evaluate_every == 0 or reason not in ("", "interrupted"):
                    tell(self._evaluate(len(steps)))
                    self._save()  # behind its record: after a kill between, both are made again
                    reason = reason or self._over()
                elif reason or self.world.told(meter.save_due):
                    self._save()
                if reason:
                    break
        self.interrupted = reason == "interrupted"
        tell(Ended(progress.step, progress.seconds, reason))
        return progress

    def _over(self) -> str:
        """Return why the run is over, or nothing; all processes hear the same."""
        config, progress = self.recipe.train, self.progress
        reasons = {
            "epochs": progress.epoch >= config.epochs,
            "minutes": self.meter.done >= 1,
            "patience": 0 < config.patience <= progress.stale,
            "interrupted": self.interrupted,  # last: what is over is not to be gone on with
        }
        names = ["", *reasons]
        found = next((name for name, holds in reasons.items() if holds), "")
        return names[int(self.world.told(names.index(found)))]

    def steps(self) -> list[list[Indices]]:
        """Return the batches of each step of this epoch, of all processes together."""
        config, size = self.recipe.train, self.recipe.train.accumulate * self.world.size
        seed = config.seed * 1_000_003 + self.progress.epoch
        plan = self.pairs.plan(
            config.batch_tokens, most=config.batch_pairs, seed=seed, together=size
        )
        return [plan[start : start + size] for start in range(0, len(plan), size)]

    @enough_memory()
    def step(self, groups: list[Indices], done: float) -> None:
        """Make one step of the optimizer with `done` of the run behind it."""
        config, done = self.recipe.train, self.world.told(max(done, self.meter.done))
        with self.meter.loading():
            own = groups[self.world.rank :: self.world.size]
            batches = [(self.pairs.batch(g), torch.from_numpy(self.classes[g])) for g in own]
        (tokens,) = self.world.sum(sum(batch.tokens for batch, _ in batches))
        for group in self.optimizer.param_groups:
            group["lr"] = schedule.learning_rate(
                config, self.progress.step + 1, done, reduced=self.progress.reduced
            )
        self.optimizer.zero_grad()
        forcing = schedule.teacher_forcing(config, done)
        (loss,) = self.world.sum(sum(self._backward(*b, forcing, tokens) for b in batches))
        _check(loss, f"the loss at step {self.progress.step + 1}")
        self.world.sum_gradients(self.model)
        norm = float(clip_grad_norm_(self.model.parameters(), config.clip))
        _check(norm, f"the norm of the gradient at step {self.progress.step + 1}")
        self.optimizer.step()
        if self.average:
            self.average.update(self.progress.step)
        self.meter.step(loss, tokens, norm)

    def _backward(
        self, batch: Batch, asked: Tensor, teacher_forcing: float, tokens: float
    ) -> float:
        """Add the gradients of one batch, as its share of all `tokens`; return its summed loss."""
        self.meter.batch(batch)
        smoothing, device = self.recipe.train.label_smoothing, self.hardware.device
        with self.hardware.autocast():
            loss, wrong = self.model.losses(
                *batch.to(device),
                asked.to(device),
                teacher_forcing=teacher_forcing,
                label_smoothing=smoothing,
            )
        torch.autograd.backward((loss + CLASS_WEIGHT * wrong) / tokens)
        return float(loss.detach())

    @property
    def _learning_rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def started(self) -> Started:
        """Return what the run is."""
        return Started(
            parameters=sum(weights.numel() for weights in self.model.parameters()),
            vocabulary=len(self.tokenizer.vocabulary),
            pairs=len(self.pairs),
            held_out=0 if self.held_out is self.pairs else len(self.held_out),
            left_out=self.left_out,
            step=self.progress.step,
            device=f"{self.hardware.device.type}, {'bf16' if self.hardware.bf16 else 'fp32'}",
            processes=self.world.size,
            vectors=self.vectors,
        )

    @enough_memory()
    def _evaluate(self, steps: int) -> Evaluated:
        """Measure the model on what is held out, and keep it if it is the best."""
        progress, config = self.progress, self.recipe.train
        with self.average.in_place() if self.average else nullcontext():
            validation = self._validated()
            _check(validation.loss, f"the held-out loss at step {progress.step}")
            best = progress.best_loss is None or validation.loss < progress.best_loss
            epoch = progress.epoch + progress.batch / steps
            if best and self.world.leads:
                self.run.save_best(self.model, _figures(progress, epoch, validation))
            samples = self._samples() if self.world.leads else ()
        progress.stale = 0 if best else progress.stale + 1
        progress.reduced *= 1.0 if best or config.schedule != "plateau" else PLATEAU
        progress.best_loss = validation.loss if best else progress.best_loss
        return Evaluated(progress.step, epoch, progress.seconds, validation, best, samples)

    def _validated(self) -> Validation:
        """Return what the leading process measures; the others wait for it."""
        found = Validation(0.0, 0)
        if self.world.leads:
            found = validate(self.model, self.held_out, batch_tokens=self.recipe.train.batch_tokens)
        return Validation(self.world.told(found.loss), int(self.world.told(found.tokens)))

    def _save(self) -> None:
        random = self.world.gathered(self.hardware.random_state())
        if self.world.leads:
            self.run.save_last(
                self.model, self.optimizer, State(self.progress, random), self.average
            )
        self.meter.saved()

    def _samples(self) -> tuple[Sample, ...]:
        shown = range(min(self.recipe.train.samples, len(self.held_out)))
        pairs = [self.held_out[index] for index in shown]
        if not pairs:
            return ()
        longest = Greedy(max_length=self.recipe.data.max_reply)
        found = generate(self.model, [source for source, _ in pairs], longest)
        decode = self.tokenizer.decode
        return tuple(
            Sample(decode(source).replace(SEPARATOR, " ← "), decode(reply), decode(best[0].ids))
            for (source, reply), best in zip(pairs, found, strict=True)
        )

    def _teller(self, tell: Tell) -> Tell:
        """Return what tells an event and writes it into the log, in the leading process alone."""
        if not self.world.leads:
            return lambda _: None

        def both(event: Event) -> None:
            self.run.log(record(event))
            tell(event)

        return both


def _check(value: float, what: str) -> None:
    if not abs(value) < float("inf"):
        raise TrainingError(
            f"{what} is {value}. The last checkpoint is intact; begin another run with a smaller "
            "train.learning_rate."
        )


def _learnt(store: Store, recipe: Recipe) -> Vocabulary:
    data = recipe.data
    counts = store.word_counts("train", prompts=data.source)
    if data.context:
        counts[SEPARATOR] = max(data.min_count, len(counts))  # in most sources, and never in words
    return Vocabulary.learn(counts, size=data.vocabulary_size, min_count=data.min_count)


def _figures(progress: Progress, epoch: float, validation: Validation) -> dict[str, float]:
    return {
        "step": progress.step,
        "epoch": round(epoch, 3),
        "validation_loss": validation.loss,
        "validation_perplexity": validation.perplexity,
    }


def _optimizer(model: Seq2Seq, config: TrainConfig) -> Optimizer:
    kinds: dict[str, type[Adam] | type[AdamW] | type[SGD]] = {
        "adam": Adam,
        "adamw": AdamW,
        "sgd": SGD,
    }
    # Fused: one pass over the weights instead of six, which on a CPU is a tenth of a step.
    return kinds[config.optimizer](model.parameters(), lr=config.learning_rate, fused=True)
