"""Which dialogues train, validate and test."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from corpus_tools.keys import TEST, TRAIN, VALID, Shares, split_of
from corpus_tools.store.schema import SPLIT, Dialogue, Import, SchemaInfo, Turn
from corpus_tools.store.store import Store

_ROWS_AT_ONCE = 10_000


def dialogue_texts(store: Store) -> Iterator[tuple[int, str]]:
    """Yield the number of every dialogue and what was said in it, cleaned, in order."""
    query = select(Turn.dialogue_id, Turn.text).order_by(Turn.dialogue_id, Turn.position)
    with store.reading() as connection:
        rows = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
        for number, turns in groupby(rows, key=itemgetter(0)):
            yield number, "\n".join(text for _, text in turns)


def split_store(
    store: Store, shares: Shares, *, clusters: Mapping[int, int] = MappingProxyType({})
) -> dict[str, int]:
    """Give every dialogue its split and return how many each has; imports to come do the same.

    `clusters`: for dialogues that are nearly the same, the number of the one that decides. An
    import that was given a split keeps it.
    """
    sizes = dict.fromkeys((TRAIN, VALID, TEST), 0)
    with store.writing() as connection:
        values = {"valid_share": shares.valid, "test_share": shares.test}
        connection.execute(update(SchemaInfo).values(values))
        given = _given(connection)
        deciding = _keys(connection, set(clusters.values()))
        for rows in _dialogues(connection):
            new = [
                (
                    row.id,
                    given.get(row.import_id)
                    or split_of(deciding.get(clusters.get(row.id, 0), row.key), shares),
                )
                for row in rows
            ]
            sizes.update(Counter(sizes) + Counter(split for _, split in new))
            moved = [
                {"dialogue": number, "split": split}
                for (number, split), row in zip(new, rows, strict=True)
                if split != row.split
            ]
            if moved:
                same = update(Dialogue.__table__).where(Dialogue.id == bindparam("dialogue"))  # type: ignore[arg-type]
                connection.execute(same, moved)
    return sizes


def _given(connection: Connection) -> dict[int, str]:
    """Return the split of each import that was given one."""
    imports = connection.execute(select(Import.id, Import.options)).all()
    return {number: options[SPLIT] for number, options in imports if SPLIT in options}


def _keys(connection: Connection, ids: set[int]) -> dict[int, int]:
    keys: dict[int, int] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _ROWS_AT_ONCE):
        some = ordered[start : start + _ROWS_AT_ONCE]
        query = select(Dialogue.id, Dialogue.key).where(Dialogue.id.in_(some))
        keys.update(connection.execute(query).all())
    return keys


def _dialogues(connection: Connection) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """Yield what decides on the split of each dialogue, some at a time; nothing is open between."""
    columns = Dialogue.id, Dialogue.import_id, Dialogue.key, Dialogue.split
    query = select(*columns).order_by(Dialogue.id)
    after = 0
    while rows := connection.execute(query.where(Dialogue.id > after).limit(_ROWS_AT_ONCE)).all():
        yield rows
        after = rows[-1].id
