"""The pairs of a store, as its view shows them."""

from collections.abc import Iterator
from heapq import nsmallest
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import NamedTuple

from sqlalchemy import ColumnElement, column, select, table

from corpus_tools.cleaning import CONTEXT
from corpus_tools.store.schema import Turn
from corpus_tools.store.store import Store

_IN_BLOCKS = {"yield_per": 1_000}


class Pair(NamedTuple):
    """A row of the view `pairs`."""

    pair_id: int
    dialogue_id: int
    position: int
    split: str
    import_id: int
    source: str
    license: str | None
    prompt: str
    reply: str
    prompt_words: str
    reply_words: str
    rejected: str | None


PAIRS = table("pairs", *(column(name) for name in Pair._fields))


def pairs(store: Store, *, refused: bool = False, split: str | None = None) -> Iterator[Pair]:
    """Yield the accepted pairs in the order of their import, or all with `refused`."""
    query = select(PAIRS).order_by(PAIRS.c.pair_id)
    if not refused:
        query = query.where(PAIRS.c.rejected.is_(None))
    if split:
        query = query.where(PAIRS.c.split == split)
    with store.reading() as connection:
        for row in connection.execute(query, execution_options=_IN_BLOCKS):
            yield Pair(*row)


def conversations(store: Store, *, split: str | None = None) -> Iterator[list[Pair]]:
    """Yield the accepted pairs of a dialogue that follow one another, each run as one list."""
    for _, dialogue in groupby(pairs(store, split=split), key=attrgetter("dialogue_id")):
        run: list[Pair] = []
        for pair in dialogue:
            if run and pair.position != run[-1].position + 1:
                yield run
                run = []
            run.append(pair)
        yield run


def sample(store: Store, count: int, *, seed: int | None) -> list[Pair]:
    """Return up to `count` accepted pairs at random."""
    return _chosen(store, count, seed=seed, is_wanted=Turn.rejected.is_(None))


def rejects(store: Store, count: int, *, seed: int | None, rule: str | None = None) -> list[Pair]:
    """Return up to `count` refused pairs at random, of one rule or of all."""
    is_wanted = Turn.rejected.is_not(None) if rule is None else Turn.rejected == rule
    return _chosen(store, count, seed=seed, is_wanted=is_wanted)


def _chosen(
    store: Store, count: int, *, seed: int | None, is_wanted: ColumnElement[bool]
) -> list[Pair]:
    random = Random(seed)  # noqa: S311  (nothing secret)
    ids = select(Turn.id).where(
        Turn.position > 0, is_wanted, Turn.rejected.is_distinct_from(CONTEXT)
    )
    with store.reading() as connection:
        rows = connection.scalars(ids.order_by(Turn.id), execution_options=_IN_BLOCKS)
        chosen = nsmallest(count, rows, key=lambda _: random.random())
        wanted = select(PAIRS).where(PAIRS.c.pair_id.in_(chosen)).order_by(PAIRS.c.pair_id)
        return [Pair(*row) for row in connection.execute(wanted)]
