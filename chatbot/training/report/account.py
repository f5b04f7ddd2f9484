"""Everything that a page tells of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.training.checkpoint import RunFolder
from chatbot.training.config import Recipe
from chatbot.training.report.history import History

Settings = Mapping[str, Any]
"""The settings of a recipe by their full names, as in "model.hidden"."""


@dataclass(frozen=True)
class Account:
    """Hold what a run is and how it went."""

    path: Path
    about: Mapping[str, Any]  # run.json
    recipe: Recipe
    vocabulary: int
    history: History

    @classmethod
    def read(cls, path: str | Path) -> "Account":
        """Read a run folder; a `TrainingError` where it is none."""
        run = RunFolder(path)
        recipe, vocabulary = run.open()
        return cls(run.path, run.about(), recipe, len(vocabulary), History(run.records()))

    def pairs(self, split: str) -> int:
        """Return how many pairs of a split there are, as far as the run says so."""
        return int(self.about.get("pairs", {}).get(split, 0))

    def sources(self) -> dict[str, int]:
        """Return how many training pairs each source gave, the largest first."""
        return dict(sorted(self.about.get("sources", {}).items(), key=lambda item: -item[1]))

    def settings(self) -> Settings:
        """Return all settings."""
        return _flat(self.recipe)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the run as one record."""
        history = self.history
        evaluations = [one.figures() for one in history.evaluations]
        return {
            "run": str(self.path),
            "steps": history.step,
            "epochs": history.epoch,
            "seconds": history.seconds,
            "ended": history.reason or None,
            "parameters": history.started.get("parameters"),
            "device": history.started.get("device"),
            "best": history.best and history.best.figures(),
            "last": evaluations[-1] if evaluations else None,
            "evaluations": evaluations,
        }


def names(accounts: Sequence[Account]) -> list[str]:
    """Return what to call each run: its folder, with what is above it where two are called so."""
    short = [account.path.resolve().name for account in accounts]
    if len(set(short)) == len(short):
        return short
    return [str(account.path) for account in accounts]


def defaults() -> Settings:
    """Return the settings of a recipe that says nothing."""
    return _flat(Recipe())


def _flat(recipe: Recipe) -> Settings:
    return {
        f"{section}.{name}": value
        for section, values in recipe.to_dict().items()
        for name, value in values.items()
    }
