"""Commands that tell how good a model is: `evaluate` and `report`."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from chatbot.commands.packages import let_threads_sleep, needs_extra
from chatbot.commands.searching import Search, answering
from chatbot.commands.terminal import printable
from chatbot.page import write_page

SIGN_OF_LIFE = 5.0
"""Seconds between two lines that say how far a long task is."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Hold what the command line says of an evaluation: on what, and what of it."""

    split: str
    limit: int
    references: str
    protocol: str | None
    free_running: bool


def on_trial(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of an evaluation: its `trial`."""
    options = (
        click.option(
            "--split",
            default="test",
            show_default=True,
            metavar="NAME",
            help="Evaluate on this split of a store.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(0),
            default=0,
            metavar="N",
            help="Draw N questions, always the same ones; by default all.",
        ),
        click.option(
            "--references",
            type=click.Choice(["one", "grouped"]),
            default="one",
            show_default=True,
            help="With grouped, all replies to the same question are right.",
        ),
        click.option(
            "--protocol",
            type=click.Choice(["d2l", "multi30k", "kdconv", "lccc"]),
            help="Measure what others did on these data, as they did; by default everything.",
        ),
        click.option(
            "--free-running",
            is_flag=True,
            help="Measure the perplexity too of a model that is fed its own tokens.",
        ),
    )

    @wraps(command)
    def with_trial(**given: Any) -> None:
        values = {setting.name: given.pop(setting.name) for setting in fields(Trial)}
        command(trial=Trial(**values), **given)

    for option in reversed(options):
        with_trial = option(with_trial)
    return with_trial


@click.command(epilog="Example: chatbot evaluate runs/first corpus.db --html first.html")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("corpus", type=click.Path(path_type=Path))
@on_trial
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OTHER",
    help="Evaluate another run or bundle on the same questions, and compare.",
)
@answering
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page with examples of replies too.",
)
def evaluate(
    model: Path,
    corpus: Path,
    trial: Trial,
    against: Path | None,
    search: Search,
    threads: int,
    as_json: bool,
    html: Path | None,
) -> None:
    """Measure how good MODEL is on CORPUS.

    MODEL is a run or a bundle; a bundle has no perplexity. CORPUS is a store, or a file with lines
    of question<TAB>reply. Scores come with the interval in which 95 % of 1,000 resamples lie.
    """
    let_threads_sleep()
    with needs_extra("chatbot evaluate", "train"):
        from chatbot.training.evaluating import measures, page, rendering  # noqa: PLC0415
        from chatbot.training.evaluating.cases import read_cases  # noqa: PLC0415
        from chatbot.training.evaluating.examination import examine  # noqa: PLC0415
        from chatbot.training.evaluating.language import language_of  # noqa: PLC0415
        from chatbot.training.evaluating.subjects import open_subject  # noqa: PLC0415
    subject = open_subject(model, threads=threads)
    other = open_subject(against, threads=threads) if against else None
    protocol = trial.protocol or measures.EVERYTHING
    default = measures.PROTOCOLS[protocol].decoding or subject.decoding
    found = examine(
        subject,
        read_cases(
            corpus,
            split=trial.split,
            context=max(one.context for one in (subject, other or subject)),
            limit=trial.limit,
            grouped=trial.references == "grouped",
        ),
        protocol=protocol,
        decoding=search.over(default),
        free_running=trial.free_running,
        against=other,
        tell=_progress(),
    )
    if html:
        write_page(page.page(found, language=language_of(os.environ)), html)
        click.echo(f"{html}: written", err=True)
    if as_json:
        click.echo(json.dumps(rendering.as_dict(found), ensure_ascii=False))
        return
    for line in rendering.as_lines(found):
        click.echo(printable(line))


@click.command(epilog="Example: chatbot report runs/first runs/second --html both.html")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path), required=False)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the page to FILE instead of report.html in the folder RUN.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    help="The language of the page; by default that of the locale.",
)
@click.option("--json", "as_json", is_flag=True, help="Write figures as JSON, one run a line.")
def report(
    run: Path, other: Path | None, html: Path | None, lang: str | None, as_json: bool
) -> None:
    """Write a page about RUN: curves, samples over time, attention, data and recipe.

    OTHER is shown beside it. The run may be going on. The page is one file that loads nothing and
    runs nothing. With --json there is a page only where --html names it.
    """
    let_threads_sleep()
    with needs_extra("chatbot report", "train"):
        from chatbot.training.report import Account, language_of, report_html  # noqa: PLC0415
    accounts = [Account.read(path) for path in (run, other) if path]
    if as_json:
        for account in accounts:
            click.echo(json.dumps(account.figures(), ensure_ascii=False))
    if html or not as_json:
        page = html or run / "report.html"
        write_page(report_html(accounts, language=language_of(os.environ, lang)), page)
        click.echo(f"{page}: written", err=True)


def _progress() -> Callable[[str, int, int], None]:
    """Return what says on stderr, now and then, how much of a long task is done."""
    said = time.monotonic()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= SIGN_OF_LIFE:
            said = time.monotonic()
            click.echo(f"{what}: {done / max(1, total):.0%}", err=True)

    return tell
