"""Elements of HTML and SVG: whatever is put in is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

# What cannot be seen or encoded, or turns the direction of what follows.
_HIDDEN = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        *(0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ],
    "\N{REPLACEMENT CHARACTER}",
)


class Markup(NamedTuple):
    """Text that is markup and not escaped again."""

    html: str


Content = Markup | str


def text(content: Content) -> str:
    """Return content as it stands in a page."""
    if isinstance(content, Markup):
        return content.html
    return escape(content.translate(_HIDDEN))


def element(name: str, *content: Content, **attributes: object) -> Markup:
    """Return an element; an attribute of None is left out, `class_` is `class`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>{''.join(map(text, content))}</{name}>")


def joined(parts: Iterable[Content]) -> Markup:
    """Return the parts one behind the other."""
    return Markup("".join(map(text, parts)))


def said(words: str) -> Markup:
    """Return what somebody said, so that it cannot turn the direction of the page."""
    return element("bdi", words, lang="zh")


def table(header: Sequence[str], rows: Iterable[Sequence[Content]], caption: str) -> Markup:
    """Return a table; the first column names the row, numbers stand right.

    A column without a name holds bars, which say nothing that the numbers do not say.
    """
    listed = list(rows)
    kinds = [None, *map(_kind, listed[0][1:])] if listed else [None] * len(header)
    names = (
        element("th", name, scope="col", class_=kind) if name else element("td")
        for name, kind in zip(header, kinds, strict=True)
    )
    body = (
        element(
            *("tr", element("th", row[0], scope="row")),
            *(element("td", cell, class_=_kind(cell)) for cell in row[1:]),
        )
        for row in listed
    )
    shown = element(
        *("table", element("caption", caption)),
        *(element("thead", element("tr", *names)), element("tbody", *body)),
    )
    return element("div", shown, class_="wide", tabindex="0", role="region", aria_label=caption)


def _kind(cell: Content) -> str | None:
    return "number" if isinstance(cell, str) and cell[:1].isdecimal() else None
