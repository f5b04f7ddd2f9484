"""The report: what stands on the page, section by section."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from chatbot.page import (
    ENGLISH,
    Content,
    Language,
    Markup,
    document,
    element,
    joined,
    said,
    table,
)
from chatbot.page.drawing import bar
from corpus_tools.report import charts
from corpus_tools.store import Frequent, ImportRow, Lengths, SourceSize, Statistics

_PASSWORD = re.compile(r"(://[^/@:]*:)[^@]*@")  # in the URL of a database


def report_html(statistics: Statistics, name: str, *, language: Language = ENGLISH) -> str:
    """Return the figures of the store `name` as a page that loads nothing and runs nothing."""
    title = language("Corpus report: {name}", name=_PASSWORD.sub(r"\1***@", name))
    return document(title, _Page(statistics, language).parts(title), language=language)


class _Page:
    """The sections of the page; those about nothing are left out."""

    def __init__(self, statistics: Statistics, language: Language) -> None:
        self._figures = statistics
        self._say = language

    def parts(self, title: str) -> Iterator[Markup]:
        """Yield everything below `<main>`."""
        now = datetime.now(UTC)
        yield element("h1", title)
        yield element("p", self._say("As of {time} UTC", time=f"{now:%Y-%m-%d %H:%M}"))
        yield element("dl", *self._tiles(), class_="tiles")
        yield from self._sections({"Sources": self._sources()})
        sections = {
            "Refusals by rule": self._refusals(),
            "Lengths": self._lengths(),
            "Vocabulary coverage": self._coverage(),
            "Most generic replies": self._replies(),
            "Most frequent words": self._words(),
            "Splits": self._splits(),
            "Malformed records": self._malformed(),
            "Cleaning runs": self._cleanings(),
        }
        yield element("div", *self._sections(sections), class_="cards")

    def _sections(self, sections: Mapping[str, Iterable[Markup]]) -> Iterator[Markup]:
        for name, parts in sections.items():
            if content := list(parts):
                yield element("section", element("h2", self._say(name)), *content)

    def _tiles(self) -> Iterator[Markup]:
        figures = self._figures
        refused = sum(figures.refused.values())
        total = figures.accepted + refused
        share = self._say("{share} of all pairs", share=_share(refused, total))
        dialogues = sum(size.dialogues for size in figures.splits.values())
        yield self._tile("Pairs accepted", figures.accepted)
        yield self._tile("Pairs refused", refused, share)
        yield self._tile("Dialogues", dialogues)
        yield self._tile("Running words", figures.vocabulary.tokens)
        yield self._tile("Different words", figures.vocabulary.types)
        yield self._tile("Malformed records", sum(figures.skipped.values()))

    def _tile(self, name: str, count: int, remark: str = "") -> Markup:
        more = [element("dd", remark, class_="remark")] if remark else []
        number = element("dd", f"{count:,}", class_="figure")
        return element("div", element("dt", self._say(name)), number, *more)

    def _sources(self) -> Iterator[Markup]:
        most = max((row.pairs_done for row in self._figures.imports), default=0)
        rows = zip(self._figures.imports, self._figures.sources, strict=True)
        header = ("Source", "", "Accepted", "Refused", "Malformed", "Dialogues", "Licence")
        if most:
            yield self._legend("Accepted", "Refused")
            yield self._table(header, (self._source(*row, most) for row in rows), "Sources")

    def _source(self, row: ImportRow, source: SourceSize, most: int) -> tuple[Content, ...]:
        refused = sum(source.refused.values())
        unfinished = "" if row.is_complete else f" ({self._say('not finished')})"
        return (
            joined([said(source.path), " ", element("small", f"{row.format}{unfinished}")]),
            bar([source.accepted / most, refused / most]),
            f"{source.accepted:,}",
            f"{refused:,}",
            f"{source.malformed:,}",
            f"{row.dialogues_done:,}",
            row.license or self._say("not given"),
        )

    def _refusals(self) -> Iterator[Markup]:
        rules = self._figures.refused
        if not rules:
            yield element("p", self._say("Nothing was refused."))
            return
        total = self._figures.accepted + sum(rules.values())
        yield self._counts("Rule", rules, total, "Refusals by rule")
        listed = [source for source in self._figures.sources if source.refused]
        if len(listed) > 1:
            rows: Iterable[Sequence[Content]] = (
                [said(each.path), *(f"{each.refused.get(rule, 0):,}" for rule in rules)]
                for each in listed
            )
            shown = table((self._say("Source"), *rules), rows, self._say("Refusals by rule"))
            yield element("details", element("summary", self._say("by source")), shown)

    def _lengths(self) -> Iterator[Markup]:
        figures = self._figures
        if not figures.accepted:
            yield element("p", self._say("There are no accepted pairs."))
            return
        title = self._say("Share of prompts and replies by length in characters")
        both = {"Prompts": figures.prompts, "Replies": figures.replies}
        shares = {
            self._say(name): [count / figures.accepted for count in lengths.bars.values()]
            for name, lengths in both.items()
        }
        groups = list(figures.prompts.bars)
        yield element(
            "figure",
            self._legend(*both),
            charts.columns(groups, shares, title),
            element("figcaption", title),
        )
        rows = [
            self._length_row("Prompts", "Characters", figures.prompts),
            self._length_row("Replies", "Characters", figures.replies),
            self._length_row("Prompts", "Words", figures.prompt_words),
            self._length_row("Replies", "Words", figures.reply_words),
        ]
        yield self._table(("Lengths", "Median", "95% up to", "Longest"), rows, "Lengths")
        counts = zip(
            groups, figures.prompts.bars.values(), figures.replies.bars.values(), strict=True
        )
        bars = ((group, f"{asked:,}", f"{said:,}") for group, asked, said in counts)
        yield self._details(self._table(("Characters", "Prompts", "Replies"), bars, "Lengths"))

    def _length_row(self, side: str, unit: str, lengths: Lengths) -> tuple[str, ...]:
        name = f"{self._say(side)} · {self._say(unit)}"
        return name, f"{lengths.median:,}", f"{lengths.p95:,}", f"{lengths.longest:,}"

    def _coverage(self) -> Iterator[Markup]:
        vocabulary = self._figures.vocabulary
        if not vocabulary.tokens:
            return
        title = self._say("Share of the text that the n most frequent words make up")
        points = [(each.words, each.share) for each in vocabulary.coverage]
        axis = self._say("number of words (log scale)")
        plot = charts.curve(points, title, axis)
        yield element("figure", plot, element("figcaption", title))
        needed = ((f"{share}%", f"{size:,}") for share, size in vocabulary.needed.items())
        yield self._table(("Share covered", "Words needed"), needed, "Vocabulary coverage")
        rows = ((f"{size:,}", f"{share:.1%}") for size, share in points)
        yield self._details(self._table(("Words", "Share covered"), rows, "Vocabulary coverage"))

    def _replies(self) -> Iterator[Markup]:
        if self._figures.top_replies:
            yield self._frequent("Reply", self._figures.top_replies, "Most generic replies")
            yield element("p", self._say("Counted in their normalised form."), class_="remark")

    def _words(self) -> Iterator[Markup]:
        if self._figures.words:
            yield self._frequent("Word", self._figures.words, "Most frequent words")

    def _splits(self) -> Iterator[Markup]:
        sizes = self._figures.splits
        total = self._figures.accepted
        rows = (
            (
                element("code", name) if self._say(name) == name
                else joined([self._say(name), " ", element("code", name)]),
                f"{size.dialogues:,}",
                f"{size.accepted:,}",
                _share(size.accepted, total),
                bar([size.accepted / total if total else 0]),
            )
            for name, size in sizes.items()
        )  # fmt: skip
        yield self._table(("Split", "Dialogues", "Pairs", "Share", ""), rows, "Splits")

    def _malformed(self) -> Iterator[Markup]:
        reasons = self._figures.skipped
        if reasons:
            total = sum(reasons.values())
            yield self._counts("Reason", reasons, total, "Malformed records")

    def _cleanings(self) -> Iterator[Markup]:
        rows = [
            (f"{each.cleaning_id}", f"{each.created_at:%Y-%m-%d %H:%M}", f"{each.changed:,}")
            for each in self._figures.cleanings
        ]
        if rows:
            yield self._table(("Run", "Time (UTC)", "Turns changed"), rows, "Cleaning runs")

    def _counts(self, header: str, counts: dict[str, int], total: int, caption: str) -> Markup:
        most = max(counts.values())
        rows = (
            (element("code", name), f"{count:,}", _share(count, total), bar([count / most]))
            for name, count in counts.items()
        )
        return self._table((header, "Times", "Share", ""), rows, caption)

    def _frequent(self, header: str, frequent: Iterable[Frequent], caption: str) -> Markup:
        listed = list(frequent)
        rows = (
            (said(each.text), f"{each.count:,}", f"{each.share:.2%}",
             bar([each.count / listed[0].count]))
            for each in listed
        )  # fmt: skip
        return self._table((header, "Times", "Share", ""), rows, caption)

    def _table(
        self, header: Iterable[str], rows: Iterable[tuple[Content, ...]], caption: str
    ) -> Markup:
        names = [self._say(name) if name else "" for name in header]
        return table(names, rows, self._say(caption))

    def _details(self, content: Markup) -> Markup:
        return element("details", element("summary", self._say("As a table")), content)

    def _legend(self, *names: str) -> Markup:
        keys = (
            element("li", element("span", class_=f"key series{number}"), self._say(name))
            for number, name in enumerate(names, 1)
        )
        return element("ul", *keys, class_="legend")


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "0.0%"
