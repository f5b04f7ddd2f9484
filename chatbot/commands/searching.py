"""The options of everything that answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any

import click

from chatbot.decoding import MAX_BEAM, MAX_REPLY, Beam, Decoding, Greedy, Sample
from chatbot.errors import UsageError

_SETTINGS = (
    "temperature",
    "top_k",
    "top_p",
    "seed",
    "max_length",
    "no_repeat_ngram",
    "repetition_penalty",
)
"""The settings of a search that are options of the same name."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Hold what the command line says of the search; on the rest the bundle decides."""

    beam: int | None
    greedy: bool
    sample: bool
    settings: Mapping[str, int | float | None]

    def over(self, default: Decoding) -> Decoding:
        """Return `default` with what was asked for in its place."""
        kinds: dict[str, tuple[bool, type[Decoding]]] = {
            "--greedy": (self.greedy, Greedy),
            "--beam": (self.beam is not None, Beam),
            "--sample": (self.sample, Sample),
        }
        asked = [name for name, (given, _) in kinds.items() if given]
        if len(asked) > 1:
            raise UsageError(f"{' and '.join(asked)} exclude each other. Choose one.")
        chosen = kinds[asked[0]][1] if asked else type(default)
        values: dict[str, Any] = {n: v for n, v in self.settings.items() if v is not None}
        known = {setting.name for setting in fields(chosen)}
        for name in values:
            if name not in known:
                raise UsageError(f"--{name.replace('_', '-')} is a setting of --sample only.")
        if self.beam is not None:
            values["width"] = self.beam
        kept = {name: value for name, value in vars(default).items() if name in known}
        longest = values.get("max_length", default.max_length)
        kept["min_length"] = min(default.min_length, longest)
        return chosen(**{**kept, **values})


def answering(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of everything that answers: its `search` and its `threads`."""
    options = (
        click.option(
            "--beam",
            type=click.IntRange(1, MAX_BEAM),
            metavar="N",
            help="Keep the N best beginnings of a reply at every step.",
        ),
        click.option("--greedy", is_flag=True, help="Take the likeliest token at every step."),
        click.option("--sample", is_flag=True, help="Draw every token by chance."),
        click.option(
            "--temperature",
            type=float,
            metavar="T",
            help="With --sample: above 1 makes unlikely tokens likelier, below 1 less likely.",
        ),
        click.option(
            "--top-k", type=int, metavar="N", help="With --sample: draw from the N likeliest."
        ),
        click.option(
            "--top-p",
            type=float,
            metavar="P",
            help="With --sample: draw from the likeliest that together have the probability P.",
        ),
        click.option(
            "--seed", type=int, metavar="N", help="With --sample: the same N, the same reply."
        ),
        click.option(
            "--max-length",
            type=click.IntRange(1, MAX_REPLY),
            metavar="N",
            help="Cut a reply after N tokens.",
        ),
        click.option(
            "--no-repeat-ngram",
            type=int,
            metavar="N",
            help="Let no N tokens in a row occur twice in a reply.",
        ),
        click.option(
            "--repetition-penalty",
            type=float,
            metavar="X",
            help="Above 1 makes tokens less likely that the reply already has.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(0),
            default=0,
            metavar="N",
            help="Compute in N threads; by default onnxruntime chooses.",
        ),
    )

    @wraps(command)
    def with_search(**given: Any) -> None:
        kinds = {name: given.pop(name) for name in ("beam", "greedy", "sample")}
        settings = {name: given.pop(name) for name in _SETTINGS}
        command(search=Search(**kinds, settings=settings), **given)

    for option in reversed(options):
        with_search = option(with_search)
    return with_search
