"""What every plot draws: numbers, words, bars."""

from collections.abc import Sequence

from chatbot.page.markup import Markup, element


def digits(value: float) -> str:
    """Return a place or a length, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def label(content: str, x: float, y: float, kind: str | None = None) -> Markup:
    """Return words at a place."""
    return element("text", content, x=digits(x), y=digits(y), class_=kind)


def bar(parts: Sequence[float]) -> Markup:
    """Return a bar out of shares, one behind the other, each in the colour of its place."""
    start, rectangles = 0.0, []
    for place, share in enumerate(parts, 1):
        rectangles.append(
            element(
                *("rect",), x=digits(100 * start), y=0, height=1,
                width=digits(100 * share), class_=f"series{place}",
            )
        )  # fmt: skip
        start += share
    return element(
        "svg", *rectangles, viewBox="0 0 100 1", preserveAspectRatio="none",
        class_="bar", aria_hidden="true",
    )  # fmt: skip
