"""What turns a store of an older schema into one of this: a numbered function a step."""

from collections.abc import Callable
from types import MappingProxyType

from sqlalchemy import Connection, inspect, select, text, update
from sqlalchemy.orm import aliased

from chatbot.text import normalise
from corpus_tools.keys import pair_key
from corpus_tools.store.schema import PAIRS_VIEW, Base, SchemaInfo, Turn, make_index

_ROWS_AT_ONCE = 1_000


def migrate(connection: Connection) -> None:
    """Take one step after the other, inside the transaction of the caller."""
    version = text("SELECT version FROM schema_info")
    while step := MIGRATIONS.get(number := connection.scalar(version)):
        step(connection)
        connection.execute(update(SchemaInfo).values(version=number + 1))


def _to_2(connection: Connection) -> None:
    """Add origins, dictionaries, cleaning runs, restored pairs, user words and the search index."""
    for statement in (
        "DROP VIEW pairs",
        "DROP INDEX ix_turns_pair_key",
        "ALTER TABLE schema_info ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE schema_info ADD COLUMN valid_share INTEGER NOT NULL DEFAULT 5",
        "ALTER TABLE schema_info ADD COLUMN test_share INTEGER NOT NULL DEFAULT 5",
        "ALTER TABLE imports ADD COLUMN origin VARCHAR",
        # What schema 1 was made with.
        "ALTER TABLE imports ADD COLUMN dictionary VARCHAR NOT NULL DEFAULT 'jieba 0.42.1'",
        "ALTER TABLE turns ADD COLUMN restored BOOLEAN NOT NULL DEFAULT FALSE",
    ):
        connection.execute(text(statement))
    there = set(inspect(connection).get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name not in there:
            table.create(connection)
    connection.execute(text(PAIRS_VIEW))
    make_index(connection)
    _fill_in_keys(connection)


def _fill_in_keys(connection: Connection) -> None:
    """Give refused pairs the key that schema 1 kept for accepted ones only."""
    prompt = aliased(Turn)
    query = (
        select(Turn.id, prompt.text, Turn.text)
        .join(prompt, prompt.dialogue_id == Turn.dialogue_id)
        .where(prompt.position == Turn.position - 1, Turn.pair_key.is_(None))
        .order_by(Turn.id)
        .limit(_ROWS_AT_ONCE)
    )
    last = 0
    while rows := connection.execute(query.where(Turn.id > last)).all():
        for turn_id, asked, replied in rows:
            key = pair_key(normalise(asked), normalise(replied))
            connection.execute(update(Turn).where(Turn.id == turn_id).values(pair_key=key))
        last = rows[-1][0]


MIGRATIONS: MappingProxyType[int, Callable[[Connection], None]] = MappingProxyType({1: _to_2})
