"""What a run was made of: the sources of its data, and the settings of its recipe."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from chatbot.page import Content, Markup, element, said
from chatbot.page.drawing import bar
from chatbot.training.report.account import Account, Settings, defaults
from chatbot.training.report.layout import Shown

MOST_SOURCES = 12
"""Sources that are named; the others are one."""


def data(shown: Shown) -> Iterator[Markup]:
    """Yield how many of the pairs each source gave, once where all runs have the same."""
    mixes = [account.sources() for account in shown.runs.values()]
    if not any(mixes):
        return
    if all(mix == mixes[0] for mix in mixes):
        yield _mix(shown, next(iter(shown.runs.values())))
    else:
        yield shown.beside(lambda account: [_mix(shown, account)])


def recipe(shown: Shown) -> Iterator[Markup]:
    """Yield in what the runs differ, what they change of the defaults, and all that they say."""
    usual, own = defaults(), [account.settings() for account in shown.runs.values()]
    apart = [name for name in usual if any(one[name] != own[0][name] for one in own)]
    alike = [name for name in usual if name not in apart and own[0][name] != usual[name]]
    if apart:
        yield element("h3", shown.say("What differs between the runs"))
        yield _settings(shown, list(shown.runs), apart, [usual, *own])
    if alike:
        yield element("h3", shown.say("What is not as by default"))
        yield _settings(shown, [shown.say("Value")], alike, [usual, own[0]])
    if not (apart or alike):
        yield shown.remark("Everything is as by default.")
    yield shown.folded(
        "The whole recipe",
        shown.beside(lambda account: [element("pre", account.recipe.to_toml())]),
    )


def _settings(
    shown: Shown, values: Sequence[str], names: Iterable[str], settings: Sequence[Settings]
) -> Markup:
    header = [shown.say("Setting"), shown.say("Default"), *values]
    rows = (
        [element("code", name), *(element("code", f"{one[name]}") for one in settings)]
        for name in names
    )
    return shown.table(header, rows, "Recipe")


def _mix(shown: Shown, account: Account) -> Markup:
    counts = account.sources()
    named = dict(islice(counts.items(), MOST_SOURCES))
    rows: list[tuple[Content, int]] = [(said(name), count) for name, count in named.items()]
    if others := len(counts) - len(named):
        rest = shown.say("{n} more", n=f"{others:,}")
        rows.append((rest, sum(counts.values()) - sum(named.values())))
    most = max(count for _, count in rows) or 1
    total = sum(counts.values()) or 1
    cells = (
        (name, bar([count / most]), f"{count:,}", f"{count / total:.1%}") for name, count in rows
    )
    header = [shown.say("Source"), "", shown.say("Training pairs"), shown.say("Share")]
    return shown.table(header, cells, "Data")
