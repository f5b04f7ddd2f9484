"""What the commands show, as text."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from corpus_tools.store import ImportRow, Lengths, Pair, Statistics

_BAR = 30  # characters


def statistics_text(statistics: Statistics) -> str:
    """Return all figures as sections of aligned lines."""
    sections = {
        "imports": _import_lines(statistics.imports),
        "pairs": _counts({"accepted": statistics.accepted, **statistics.refused}),
        "malformed records": _counts(statistics.skipped),
        "splits": (
            f"{name:<6} {size.dialogues:>11,} dialogues {size.accepted:>11,} accepted pairs"
            for name, size in statistics.splits.items()
        ),
        "prompt length": _lengths(statistics.prompts),
        "reply length": _lengths(statistics.replies),
        "frequent words": _counts(dict(statistics.words)),
        "frequent replies": _counts(dict(statistics.top_replies)),
    }
    return "\n\n".join(
        "\n".join([title, *(f"  {line}" for line in lines)])
        for title, lines in ((title, list(lines)) for title, lines in sections.items())
        if lines
    )


def statistics_json(statistics: Statistics) -> str:
    """Return all figures as one JSON object."""
    return json.dumps(asdict(statistics), ensure_ascii=False, indent=2, default=str)


def pair_text(pair: Pair) -> str:
    """Return a pair as three lines."""
    verdict = f", refused: {pair.rejected}" if pair.rejected else ""
    return (
        f"#{pair.pair_id} {pair.split}, {pair.source}{verdict}\n  > {pair.prompt}\n  < {pair.reply}"
    )


def pair_json(pair: Pair) -> str:
    """Return a pair as one line of JSON."""
    return json.dumps(pair._asdict(), ensure_ascii=False)


def _import_lines(imports: list[ImportRow]) -> Iterator[str]:
    for row in imports:
        yield (
            f"#{row.id} {row.path} ({row.format}, {row.encoding}, "
            f"licence {row.license or 'not given'}, {row.state})"
        )
        yield (
            f"   {row.dialogues_done:,} dialogues, {row.turns_done:,} turns, "
            f"{row.pairs_done:,} pairs, {row.skipped_done:,} malformed"
        )


def _counts(counts: dict[str, int]) -> Iterator[str]:
    return (f"{count:>11,}  {name}" for name, count in counts.items())


def _lengths(lengths: Lengths) -> Iterator[str]:
    yield f"median {lengths.median}, 95 % up to {lengths.p95}, longest {lengths.longest} characters"
    most = max(lengths.bars.values()) or 1
    for name, count in lengths.bars.items():
        yield f"{name:>5} {count:>11,} {'█' * round(_BAR * count / most)}".rstrip()
