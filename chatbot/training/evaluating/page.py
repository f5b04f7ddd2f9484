"""The result of an examination and examples of replies, as one page that needs nothing else."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files

from chatbot.decoding import to_dict
from chatbot.page import ENGLISH, Content, Language, Markup, document, element, joined, said, table
from chatbot.training.evaluating.examination import Examination, Findings
from chatbot.training.evaluating.language import label
from chatbot.training.evaluating.rendering import (
    Row,
    defect_rows,
    figure_rows,
    length_rows,
    remarks,
    settings_of,
)
from chatbot.training.evaluating.units import cutter
from chatbot.training.metrics import chrf, chrf_statistics
from chatbot.vocabulary import SEPARATOR

EXAMPLES = 200
"""The most questions on a page, drawn from all."""


def page(examination: Examination, *, language: Language = ENGLISH) -> str:
    """Return a page that loads nothing and runs nothing."""
    style = files("chatbot.training.evaluating").joinpath("page.css").read_text(encoding="utf-8")
    title = language("Evaluation: {name}", name=examination.found.subject.path.name)
    parts = _Page(examination, language).parts(title)
    return document(title, parts, language=language, style=style)


class _Page:
    """The sections of the page; those about nothing are left out."""

    def __init__(self, examination: Examination, language: Language) -> None:
        self._examination = examination
        self._say = language
        self._cut = cutter("character", examination.task.cut_by)

    def parts(self, title: str) -> Iterator[Markup]:
        """Yield everything below `<main>`."""
        examination = self._examination
        yield element("h1", title)
        time = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
        yield element("p", self._say("As of {time} UTC", time=time))
        yield element("section", element("dl", *self._facts(), class_="facts"))
        yield self._section("Scores", self._table(figure_rows(examination), "Scores"))
        if missing := remarks(examination):
            yield self._section("Not measured", self._table(missing, "Not measured"))
        yield self._section("Replies", self._table(defect_rows(examination), "Replies"))
        yield self._section("Lengths", self._table(length_rows(examination), "Lengths"))
        yield self._section("Examples", *self._examples())

    def _section(self, name: str, *content: Content) -> Markup:
        return element("section", element("h2", self._say(name)), *content, class_="shown")

    def _facts(self) -> Iterator[Markup]:
        task, tests = self._examination.task, self._examination.task.tests
        yield self._fact("Model", self._named(self._examination.found))
        if self._examination.against:
            yield self._fact("Against", self._named(self._examination.against))
        split = f" ({self._say('split {split}', split=tests.split)})" if tests.split else ""
        size = self._say(
            "{shown} of {found} questions, {references} references",
            shown=f"{len(tests.cases):,}",
            found=f"{tests.found:,}",
            references=f"{tests.references:,}",
        )
        yield self._fact("Test set", f"{tests.path}{split}: {size}")
        yield self._fact("Search", ", ".join(settings_of(to_dict(task.decoding))))
        yield self._fact("Protocol", self._say(task.protocol))

    def _fact(self, name: str, value: str) -> Markup:
        return element("div", element("dt", self._say(name)), element("dd", value))

    def _named(self, found: Findings) -> str:
        return f"{found.subject.path} ({self._say(found.subject.facts['kind'])})"

    def _table(self, rows: Sequence[Row], caption: str) -> Markup:
        """Return a table of rows, the first of which is its header."""
        header, *others = ([label(self._say, row[0]), *map(self._say, row[1:])] for row in rows)
        return table(header, others, self._say(caption))

    def _examples(self) -> Iterator[Markup]:
        total = len(self._examination.task.tests.cases)
        shown = min(total, EXAMPLES)
        numbers = sorted(random.Random(0).sample(range(total), shown))  # noqa: S311 - no secret
        remark = "{shown} of {all} questions. chrF compares one reply with its references."
        numbered = self._say(remark, shown=f"{shown:,}", all=f"{total:,}")
        yield element("p", numbered, class_="remark")
        yield element("div", *map(self._example, numbers), class_="examples")

    def _example(self, number: int) -> Markup:
        examination = self._examination
        case = examination.task.tests.cases[number]
        turn, *before = case.question.split(SEPARATOR)
        rows = [("Turns before", said(one)) for one in reversed(before)]
        rows += [("Reference", said(one)) for one in case.references]
        rows.append(("Reply", self._reply(examination.found, number)))
        if examination.against:
            rows.append(("Against", self._reply(examination.against, number)))
        lines = (
            element("div", element("dt", self._say(name)), element("dd", content))
            for name, content in rows
        )
        return element("article", element("h3", said(turn)), element("dl", *lines))

    def _reply(self, found: Findings, number: int) -> Markup:
        answer = found.answers[number].text
        references = self._examination.task.tests.cases[number].references
        alike = chrf(chrf_statistics(self._cut(answer), [*map(self._cut, references)]))
        flaws = (
            joined([" ", element("span", self._say(name), class_="flaw")])
            for name in found.flaws[number]
        )
        return joined([said(answer), " ", element("small", f"chrF {alike:.0f}"), *flaws])
