"""The report: its sections in their order."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files

from chatbot.page import ENGLISH, Language, Markup, document, element
from chatbot.training.report.account import Account, names
from chatbot.training.report.curves import curves
from chatbot.training.report.head import head
from chatbot.training.report.layout import Shown
from chatbot.training.report.recipe import data, recipe
from chatbot.training.report.samples import attention, samples


def report_html(accounts: Sequence[Account], *, language: Language = ENGLISH) -> str:
    """Return one run, or two side by side, as a page that loads nothing and runs nothing."""
    style = files("chatbot.training.report").joinpath("report.css").read_text(encoding="utf-8")
    shown = Shown(dict(zip(names(accounts), accounts, strict=True)), language)
    title = language("Training report: {name}", name=" · ".join(shown.runs))
    return document(title, _parts(shown, title), language=language, style=style)


def _parts(shown: Shown, title: str) -> Iterator[Markup]:
    """Yield everything below `<main>`; a section about nothing is left out."""
    yield element("h1", title)
    time = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    yield element("p", shown.say("As of {time} UTC", time=time))
    yield from head(shown)
    sections = {
        "Curves": curves(shown),
        "Samples over time": samples(shown),
        "Attention": attention(shown),
        "Data": data(shown),
        "Recipe": recipe(shown),
    }
    for name, parts in sections.items():
        if content := list(parts):
            yield shown.section(name, *content)
