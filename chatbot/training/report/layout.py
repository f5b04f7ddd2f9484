"""How runs stand on a page: each under its name and colour, two of them side by side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatbot.page import Content, Language, Markup, element, said, table
from chatbot.training.evaluation import perplexity
from chatbot.training.report.account import Account


@dataclass(frozen=True)
class Shown:
    """The runs of a page by their names, and what its language calls things."""

    runs: Mapping[str, Account]
    say: Language

    @property
    def several(self) -> bool:
        """Return whether a run has to be told from another."""
        return len(self.runs) > 1

    def section(self, name: str, *content: Markup) -> Markup:
        """Return a part of the page with its name."""
        return element("section", element("h2", self.say(name)), *content)

    def beside(self, of_run: Callable[[Account], Iterable[Markup]]) -> Markup:
        """Return what there is of each run, side by side where there is room."""
        columns = []
        for place, (name, account) in enumerate(self.runs.items(), 1):
            name_of_run = [element("h3", key(place), said(name))] if self.several else []
            columns.append(element("div", *name_of_run, *of_run(account)))
        return element("div", *columns, class_="beside" if self.several else None)

    def table(
        self, header: Sequence[str], rows: Iterable[Sequence[Content]], caption: str
    ) -> Markup:
        """Return a table whose caption only a screen reader tells."""
        return table(header, rows, self.say(caption))

    def folded(self, summary: str, *content: Content) -> Markup:
        """Return what only who asks wants to see."""
        return element("details", element("summary", self.say(summary)), *content)

    def remark(self, text: str) -> Markup:
        """Return a sentence that is no figure."""
        return element("p", self.say(text), class_="remark")


def key(place: int, kind: str | None = None) -> Markup:
    """Return the sign of a run in a legend."""
    return element("span", class_=f"key series{place}{f' {kind}' if kind else ''}")


def step_of(shown: Shown, account: Account, step: int) -> str:
    """Return a step of a run, and whether it is its best."""
    best = account.history.best
    return f"{step:,} ({shown.say('best')})" if best and best.step == step else f"{step:,}"


def perplexity_text(loss: float) -> str:
    """Return the perplexity of a loss, with the digits that count."""
    value = perplexity(loss)
    return f"{value:.3g}" if value < 100 or value >= 1e7 else f"{value:,.0f}"


def clock(seconds: float) -> str:
    """Return hours, minutes and seconds."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
