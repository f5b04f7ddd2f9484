"""The curves of the report: the loss, and what tells why it is as it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chatbot.page import Markup, element, said
from chatbot.training.evaluation import perplexity
from chatbot.training.report.account import Account
from chatbot.training.report.charts import LARGE, SMALL, Axis, Line, Name, Names, plot, rounded
from chatbot.training.report.history import Evaluation
from chatbot.training.report.layout import Shown, clock, key, perplexity_text, step_of
from chatbot.training.report.thinning import Choice, Curve, Point

MOST_DOTS, MOST_ROWS = 40, 30
"""Evaluations that a curve shows one by one, and those that a table lists."""

TRAINING, HELD_OUT = "thin", "thick"


@dataclass(frozen=True)
class Measure:
    """A figure of the log, what it is called, and how its axis is."""

    title: str
    name: Name = rounded
    from_zero: bool = True


MEASURES: Mapping[str, Measure] = {
    "learning_rate": Measure("Learning rate"),
    "tokens_per_second": Measure("Reply tokens a second"),
    "gradient_norm": Measure("Norm of the gradient, before it is clipped"),
    "padding": Measure("Computed tokens for each real one", from_zero=False),
    "loading": Measure(
        "Share of the time spent on making batches", lambda share: f"{100 * share:.3g}%"
    ),
}


def curves(shown: Shown) -> Iterator[Markup]:
    """Yield the curves of all runs in the same plots, and the evaluations as a table."""
    plots = [*_loss(shown), *(figure for name in MEASURES for figure in _measure(shown, name))]
    if not plots:
        yield shown.remark("Nothing has been measured yet.")
        return
    yield element("div", *plots, class_="plots")
    if not all(account.pairs("valid") for account in shown.runs.values()):
        yield shown.remark("Where nothing is held out, the training pairs are evaluated.")
    if any(account.history.evaluations for account in shown.runs.values()):
        evaluations = shown.beside(lambda account: [_evaluations(shown, account)])
        yield shown.folded("As a table", evaluations)


def _loss(shown: Shown) -> Iterator[Markup]:
    lines, keys = [], []
    for place, (name, account) in enumerate(shown.runs.items(), 1):
        kinds = {
            TRAINING: Line(account.history.curve("loss"), f"run{place} {TRAINING}"),
            HELD_OUT: _held_out(shown, account, f"run{place} {HELD_OUT}"),
        }
        for kind, line in kinds.items():
            if line.points:
                lines.append(line)
                keys.append(_key(shown, name, place, kind))
    if lines:
        title = shown.say("Loss in nats a token, and the perplexity that it is")
        axis = Axis.of_values(point.value for line in lines for point in line.points)
        names = Names(rounded, lambda loss: rounded(float(f"{perplexity(loss):.3g}")))
        drawn = plot(lines, title, steps=_steps(shown), values=axis, names=names, frame=LARGE)
        caption = element("figcaption", title, " · ", shown.say("over steps"))
        legend = element("ul", *keys, class_="legend")
        yield element("figure", legend, drawn, caption, class_="large")


def _held_out(shown: Shown, account: Account, look: str) -> Line:
    evaluations = account.history.evaluations
    curve = Curve()
    for one in evaluations:
        curve.add(one.step, one.loss)
    dots = [_told(shown, one) for one in evaluations] if len(evaluations) <= MOST_DOTS else []
    return Line(curve.points, look, dots)


def _told(shown: Shown, one: Evaluation) -> str:
    return shown.say(
        "step {step}: loss {loss}, perplexity {perplexity}",
        step=f"{one.step:,}",
        loss=f"{one.loss:.3f}",
        perplexity=perplexity_text(one.loss),
    )


def _key(shown: Shown, name: str, place: int, kind: str) -> Markup:
    what = shown.say("held out" if kind == HELD_OUT else "training")
    words = [said(name), " · ", what] if shown.several else [what]
    return element("li", key(place, kind), *words)


def _measure(shown: Shown, figure: str) -> Iterator[Markup]:
    measure = MEASURES[figure]
    points: list[list[Point]] = [one.history.curve(figure) for one in shown.runs.values()]
    values = [point.value for curve in points for point in curve]
    if values:
        lines = [Line(curve, f"run{place}") for place, curve in enumerate(points, 1)]
        title = shown.say(measure.title)
        axis = Axis.of_values(values, from_zero=measure.from_zero)
        names = Names(measure.name)
        drawn = plot(lines, title, steps=_steps(shown), values=axis, names=names, frame=SMALL)
        yield element("figure", drawn, element("figcaption", title))


def _steps(shown: Shown) -> Axis:
    return Axis.of_steps(max(account.history.step for account in shown.runs.values()))


def _evaluations(shown: Shown, account: Account) -> Markup:
    listed = Choice[Evaluation](MOST_ROWS)
    for one in account.history.evaluations:
        listed.add(one)
    rows = (
        (
            step_of(shown, account, one.step),
            f"{one.epoch:.2f}",
            clock(one.seconds),
            f"{one.loss:.3f}",
            perplexity_text(one.loss),
        )
        for one in listed.things
    )
    header = [shown.say(name) for name in ("Step", "Epoch", "Time", "Loss", "Perplexity")]
    return shown.table(header, rows, "Evaluations")
