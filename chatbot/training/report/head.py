"""The head of the report: what was trained, on what, how long, and how good it became."""

from collections.abc import Iterator
from typing import NamedTuple

from chatbot.page import Content, Language, Markup, element, joined
from chatbot.training.report.account import Account
from chatbot.training.report.history import Evaluation
from chatbot.training.report.layout import Shown, clock, perplexity_text

_TILES = 6

_STATES = {
    "": ("going on", "or killed: the log has no end"),
    "epochs": ("at its end", "the epochs of the recipe are over"),
    "minutes": ("at its end", "the minutes of the recipe are over"),
    "patience": ("at its end", "no better for long enough"),
    "interrupted": ("stopped", "by hand; it can go on"),
}


class Fact(NamedTuple):
    """A figure, empty where there is none, and a remark on it."""

    name: str
    figure: str
    remark: str = ""


def head(shown: Shown) -> Iterator[Markup]:
    """Yield the figures of the runs: of one the first as tiles, the others as a table."""
    say = shown.say
    facts = [list(_facts(account, say)) for account in shown.runs.values()]
    if not shown.several:
        yield element("dl", *(_tile(fact, say) for fact in facts[0][:_TILES]), class_="tiles")
        facts = [facts[0][_TILES:]]
    rows: list[list[Content]] = [
        [say(same[0].name), *map(_cell, same)]
        for same in zip(*facts, strict=True)
        if any(fact.figure for fact in same)
    ]
    columns = [say("Figure"), *(shown.runs if shown.several else [say("Value")])]
    yield shown.section("Run", shown.table(columns, rows, "Run"))


def _facts(account: Account, say: Language) -> Iterator[Fact]:
    """Yield the same facts of every run."""
    history, started = account.history, account.history.started
    vocabulary = say("vocabulary of {n}", n=f"{account.vocabulary:,}")
    yield Fact("Parameters", _count(started.get("parameters")), vocabulary)
    yield Fact("Steps", f"{history.step:,}", say("{n} epochs", n=f"{history.epoch:.1f}"))
    yield Fact("Time", clock(history.seconds), _speed(account, say))
    yield _quality("Best perplexity", history.best, say)
    held_out = say("{n} held out", n=_count(account.pairs("valid")))
    yield Fact("Training pairs", _count(account.pairs("train")), held_out)
    state, remark = _STATES.get(history.reason, ("", ""))
    yield Fact("State", say(state) if state else history.reason, say(remark))
    yield _quality("Last perplexity", next(reversed(history.evaluations), None), say)
    processes = started.get("processes")
    several = say("{n} processes", n=_count(processes)) if processes not in (None, 1) else ""
    yield Fact("Device", str(started.get("device", "")), several)
    yield Fact("Versions", _versions(account))
    left_out = _count(history.left_out or None)
    yield Fact("Pairs left out", left_out, say("replies longer than data.max_reply"))
    yield Fact("Embeddings from a file", _count(started.get("vectors") or None), say("tokens"))


def _quality(name: str, found: Evaluation | None, say: Language) -> Fact:
    if found is None:
        return Fact(name, "", say("no evaluation yet"))
    where = say("loss {loss} at step {step}", loss=f"{found.loss:.3f}", step=f"{found.step:,}")
    return Fact(name, perplexity_text(found.loss), where)


def _speed(account: Account, say: Language) -> str:
    speeds = [point.value for point in account.history.curve("tokens_per_second")]
    return say("{n} tokens/s", n=f"{sum(speeds) / len(speeds):,.0f}") if speeds else ""


def _versions(account: Account) -> str:
    return " · ".join(f"{name} {which}" for name, which in account.about["versions"].items())


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _tile(fact: Fact, say: Language) -> Markup:
    remark = [element("dd", fact.remark, class_="remark")] if fact.remark else []
    figure = element("dd", fact.figure or "–", class_="figure")
    return element("div", element("dt", say(fact.name)), figure, *remark)


def _cell(fact: Fact) -> Markup:
    remark = fact.remark if fact.figure else ""
    return joined([fact.figure or "–", " ", element("small", remark)])
