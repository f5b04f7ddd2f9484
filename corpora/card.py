"""The model card of the bundle that ships, from what its build left behind.

    python -m corpora.card build/bundle exports/xiaoyan

writes README.md into the bundle.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatbot.training.checkpoint import RunFolder
from corpora.check import counts
from corpora.examples import SEED
from corpora.starter import FOLDER, read_starter

ROWS = 20
"""Evaluations that are shown."""


def card(work: Path, bundle: Path) -> str:
    """Return the card, in Markdown."""
    run = RunFolder(work / "run")
    recipe, _ = run.open()
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    records = list(run.records())
    started = next(one for one in records if one["event"] == "started")
    evaluated = [one for one in records if one["event"] == "evaluated"]
    template = (FOLDER / "card.md").read_text(encoding="utf-8")
    return template.format(
        **counts(read_starter()),
        megabytes=sum(path.stat().st_size for path in bundle.iterdir()) / 1e6,
        license=manifest["license"],
        seed=SEED,
        pairs=started["pairs"],
        parameters=started["parameters"],
        processes=started["processes"],
        weights=manifest["weights"],
        decoding=", ".join(f"{name} {value}" for name, value in manifest["decoding"].items()),
        recipe=recipe.to_toml().strip(),
        minutes=evaluated[-1]["seconds"] / 60,
        log=_log(evaluated),
        export=" ".join((work / "export.txt").read_text(encoding="utf-8").splitlines()[-5:-1]),
        evaluation=_report(work / "evaluation.txt"),
        judged=_report(work / "replies.md"),
    )


def _log(evaluated: Sequence[dict[str, Any]]) -> str:
    every = -(-len(evaluated) // ROWS)
    shown = [one for number, one in enumerate(evaluated, 1) if number % every == 0]
    shown += evaluated[-1:] if evaluated[-1] not in shown else []
    rows = [
        f"| {one['step']:,} | {one['epoch']:.2f} | {one['seconds'] / 60:.0f} | "
        f"{one['validation_loss']:.3f} |"
        for one in shown
    ]
    return "\n".join(["| step | epoch | minutes | loss |", "| --- | --- | --- | --- |", *rows])


def _report(path: Path) -> str:
    """Return what a command said, without the line that called it."""
    lines = path.read_text(encoding="utf-8").strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("$ ")).strip()


def main(work: str, bundle: str) -> None:
    """Write the card."""
    text = card(Path(work), Path(bundle))
    (Path(bundle) / "README.md").write_text(text, encoding="utf-8")
    print(f"Written: {bundle}/README.md")


if __name__ == "__main__":
    main(*sys.argv[1:])
