"""The page of `corpus stats --html`: it loads nothing, runs nothing and escapes everything."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.page import element, table, text
from chatbot.page.drawing import bar
from corpus_tools.report import language_of, report_html
from corpus_tools.report.charts import columns, curve
from corpus_tools.report.language import CHINESE
from corpus_tools.store import (
    CleaningSize,
    Frequent,
    ImportRow,
    SourceSize,
    SplitSize,
    Statistics,
)
from corpus_tools.store.statistics import lengths_of, vocabulary_of
from tests.pages import Page, assert_safe

HOSTILE = [
    "<script>alert(1)</script>",
    "]]>",
    "\u202egnp.exe",
    '"><img src=x onerror=y>',
    "</style>",
]


def imported(path: str, *, accepted: int, state: str = "complete") -> ImportRow:
    return ImportRow(
        *(1, path, "0", "tsv", "utf-8", "MIT", None, "jieba", {}, state, datetime(2024, 1, 2)),
        *(10, 2_000, 1_990, accepted, 3),
    )


def figures(texts: list[str]) -> Statistics:
    lengths = lengths_of({3: 900, 12: 90, 200: 10})
    return Statistics(
        imports=[imported(path, accepted=1_000, state="running") for path in texts],
        sources=[SourceSize(1, path, 1_000, {"echo": 5, "<b>": 1}, 3) for path in texts],
        accepted=1_000,
        refused={"echo": 10, "<b>": 2},
        skipped=dict.fromkeys(texts, 7),
        splits={"train": SplitSize(9, 900), "valid": SplitSize(1, 50), "test": SplitSize(1, 50)},
        prompts=lengths,
        replies=lengths,
        prompt_words=lengths,
        reply_words=lengths,
        vocabulary=vocabulary_of({"好": 5_000, "的": 400, "吗": 30}),
        words=[Frequent(each, 1_234, 0.5) for each in texts],
        top_replies=[Frequent(each, 4_321, 0.25) for each in texts],
        cleanings=[CleaningSize(1, datetime(2024, 1, 2), 99)],
    )


@pytest.fixture
def page() -> str:
    return report_html(figures(HOSTILE), "<corpus>.db")


def test_nothing_is_loaded_or_run(page: str) -> None:
    assert_safe(page)


def test_what_was_said_is_text(page: str) -> None:
    texts = Page(page).texts
    for hostile in HOSTILE:
        assert hostile.replace("\u202e", "\N{REPLACEMENT CHARACTER}") in texts
    assert "\u202e" not in page
    assert "Corpus report: <corpus>.db" in texts


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True))
def test_any_text_leaves_the_page_whole(texts: list[str]) -> None:
    plain = Page(report_html(figures(list("abc")[: len(texts)]), "a"))
    assert Page(report_html(figures(texts), texts[0])).names == plain.names


def test_the_figures_are_there(page: str) -> None:
    texts = Page(page).texts
    for expected in (
        "1,000",
        "1.2% of all pairs",
        "1.0%",
        "4,321",
        "25.00%",
        "5,430",
        "90.0%",
        "2024-01-02 00:00",
    ):
        assert expected in texts, expected
    titles = ["Sources", "Refusals by rule", "Lengths", "Vocabulary coverage", "Splits"]
    assert set(titles) < set(texts)


def test_plots_have_names(page: str) -> None:
    found = Page(page)
    assert page.count('role="img"') == 2
    assert len([name for name in found.names if name == "caption"]) == found.names.count("table")
    assert "≤ 5: 90.0%" in page
    assert re.search(r'<svg[^>]* role="img"[^>]*><title>Share of prompts', page)


def test_bars_are_as_long_as_their_numbers() -> None:
    assert widths(bar([0.5, 0.25]).html) == ["50", "25"]
    columns_of = columns(["a", "b"], {"x": [0.4, 0.1]}, "t").html
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"', columns_of)]
    assert heights[0] == pytest.approx(4 * heights[1])


def test_the_curve_is_logarithmic() -> None:
    drawn = curve([(1, 0.0), (10, 0.5), (100, 1.0)], "t", "n").html
    path = re.search(r'points="([^"]+)"', drawn)
    assert path
    (x1, y1), (x2, y2), (x3, y3) = [map(float, each.split(",")) for each in path[1].split()]
    assert x2 - x1 == pytest.approx(x3 - x2)
    assert y1 - y2 == pytest.approx(y2 - y3)
    assert curve([(1, 1.0)], "t", "n").html.count("<circle") == 1


def widths(html: str) -> list[str]:
    return re.findall(r' width="([\d.]+)"', html)


def test_markup_is_escaped_once() -> None:
    made = element("p", "a < b", element("b", "&"), class_='"', aria_label="<", left_out=None)
    assert text(made) == '<p class="&quot;" aria-label="&lt;">a &lt; b<b>&amp;</b></p>'


def test_numbers_stand_right() -> None:
    made = text(table(["name", "n", "t"], [("a", "1,000", "text")], "c"))
    assert '<td class="number">1,000</td><td>text</td>' in made
    assert '<th scope="col" class="number">n</th><th scope="col">t</th>' in made


def test_a_password_is_not_shown() -> None:
    page = report_html(figures(["a"]), "postgresql+psycopg://me:s3cret@localhost/corpus")
    assert "s3cret" not in page
    assert "Corpus report: postgresql+psycopg://me:***@localhost/corpus" in Page(page).texts


def test_an_empty_store() -> None:
    nothing = lengths_of({})
    empty = replace(
        figures([]),
        accepted=0,
        refused={},
        prompts=nothing,
        replies=nothing,
        vocabulary=vocabulary_of({}),
        splits={"train": SplitSize(0, 0)},
        cleanings=[],
    )
    texts = Page(report_html(empty, "a.db")).texts
    assert "There are no accepted pairs." in texts
    assert "Nothing was refused." in texts
    assert "Cleaning runs" not in texts


@pytest.mark.parametrize(
    ("environment", "tag"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-Hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US", "LC_ALL": "", "LC_MESSAGES": "zh_TW"}, "zh-Hans"),
    ],
)
def test_the_locale_decides(environment: dict[str, str], tag: str) -> None:
    """POSIX: LC_ALL, if it is not empty, before LC_MESSAGES before LANG."""
    assert language_of(environment).tag == tag


def english(texts: list[str]) -> Iterator[str]:
    return (each for each in texts if re.search("[A-Za-z]{3}", each))


def test_chinese_is_chinese() -> None:
    """Nothing is left in English but what names something: rules, splits, formats, licences."""
    page = Page(report_html(figures(["甲"]), "a.db", language=CHINESE))
    style = page.texts[page.texts.index("语料报告：a.db") + 1]
    known = {style, "echo", "train", "valid", "test", "MIT"}
    left = [each for each in english(page.texts) if each not in known and "UTC" not in each]
    assert left == ["tsv (未完成)"]
