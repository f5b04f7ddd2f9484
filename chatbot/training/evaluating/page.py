"""The result of an examination and examples of replies, as one page that needs nothing else."""

import hashlib
import random
import secrets
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from chatbot.decoding import to_dict
from chatbot.training.evaluating.examination import Examination, Findings
from chatbot.training.evaluating.language import ENGLISH, Language, language_of
from chatbot.training.evaluating.markup import Content, Markup, element, joined, said, text
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

__all__ = ["EXAMPLES", "language_of", "page", "write_page"]

EXAMPLES = 200
"""The most questions on a page, drawn from all."""


def page(examination: Examination, *, language: Language = ENGLISH) -> str:
    """Return a page that loads nothing and runs nothing."""
    style = files("chatbot.training.evaluating").joinpath("page.css").read_text(encoding="utf-8")
    title = f"{language('Evaluation')}: {examination.found.subject.path.name}"
    head = joined(
        [
            Markup('<meta charset="utf-8">'),
            Markup(
                '<meta http-equiv="Content-Security-Policy" content="'
                f"default-src 'none'; style-src '{_digest(style)}'; "
                "base-uri 'none'; form-action 'none'\">"
            ),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            element("title", title),
            Markup(f"<style>{style}</style>"),
        ]
    )
    body = element("body", element("main", *_Page(examination, language).parts(title)))
    html = element("html", element("head", head), body, lang=language.tag)
    return f"<!DOCTYPE html>\n{text(html)}"


def write_page(examination: Examination, path: Path, *, language: Language = ENGLISH) -> None:
    """Write the page beside its place and rename it: whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(page(examination, language=language), encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


class _Page:
    """The sections of the page."""

    def __init__(self, examination: Examination, language: Language) -> None:
        self._examination = examination
        self._say = language
        self._cut = cutter("character", examination.task.cut_by)

    def parts(self, title: str) -> Iterator[Markup]:
        """Yield everything below `<main>`."""
        now = datetime.now(UTC)
        examination = self._examination
        yield element("h1", title)
        yield element("p", self._say("As of {time} UTC", time=f"{now:%Y-%m-%d %H:%M}"))
        yield element("dl", *self._facts(), class_="facts")
        yield self._section("Scores", self._table(figure_rows(examination), "Scores"))
        if missing := remarks(examination):
            yield self._section("Not measured", self._table(missing, "Not measured"))
        yield self._section("Replies", self._table(defect_rows(examination), "Replies"))
        yield self._section("Lengths", self._table(length_rows(examination), "Lengths"))
        yield self._section("Examples", *self._examples())

    def _section(self, name: str, *content: Content) -> Markup:
        return element("section", element("h2", self._say(name)), *content)

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
        header, *others = rows
        names = (
            element("th", self._say.label(name), scope="col") if name else element("td")
            for name in header
        )
        body = (
            element(
                *("tr", element("th", self._say.label(row[0]), scope="row")),
                *(element("td", self._say(cell), class_=_kind(cell)) for cell in row[1:]),
            )
            for row in others
        )
        table = element(
            *("table", element("caption", self._say(caption))),
            *(element("thead", element("tr", *names)), element("tbody", *body)),
        )
        label = self._say(caption)
        return element("div", table, class_="wide", tabindex="0", role="region", aria_label=label)

    def _examples(self) -> Iterator[Markup]:
        total = len(self._examination.task.tests.cases)
        shown = min(total, EXAMPLES)
        numbers = sorted(random.Random(0).sample(range(total), shown))  # noqa: S311 - no secret
        yield element(
            "p",
            self._say(
                "{shown} of {all} questions. chrF compares one reply with its references.",
                shown=f"{shown:,}",
                all=f"{total:,}",
            ),
            class_="remark",
        )
        yield element("div", *map(self._example, numbers), class_="examples")

    def _example(self, number: int) -> Markup:
        case = self._examination.task.tests.cases[number]
        turn, *before = case.question.split(SEPARATOR)
        rows = [("Turns before", said(one)) for one in reversed(before)]
        rows += [("Reference", said(one)) for one in case.references]
        rows.append(("Reply", self._reply(self._examination.found, number)))
        if self._examination.against:
            rows.append(("Against", self._reply(self._examination.against, number)))
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


def _kind(cell: str) -> str | None:
    return "number" if cell[:1].isdecimal() or cell[:1] in ("+", "-") else None


def _digest(style: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}"
