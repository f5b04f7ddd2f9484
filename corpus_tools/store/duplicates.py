"""Pairs that say the same: which keys are taken, and who takes one that has become free."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, update

from corpus_tools.cleaning import DUPLICATE
from corpus_tools.store.schema import SchemaInfo, Turn

_UNSORTED = 100_000
_IN_BLOCKS = {"yield_per": 10_000}


class AcceptedKeys:
    """The keys of all accepted pairs, eight bytes each.

    An index in the database would be changed in random places: most of the time of an import.
    """

    def __init__(self) -> None:
        self._revision: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._sorted: list[NDArray[np.int64]] = []
        self._new: set[int] = set()
        self._last_id = 0

    def catch_up(self, connection: Connection) -> None:
        """Take in what was accepted since the last call, by whomever."""
        revision = connection.scalar(select(SchemaInfo.revision))
        if revision != self._revision:
            self._forget()
            self._revision = revision
        query = select(Turn.id, Turn.pair_key).where(Turn.id > self._last_id)
        accepted = query.where(Turn.rejected.is_(None), Turn.pair_key.is_not(None))
        rows = connection.execute(accepted.order_by(Turn.id), execution_options=_IN_BLOCKS)
        for block in rows.partitions():
            self.add(key for _, key in block if key is not None)
            self._last_id = block[-1][0]

    def has_seen(self, connection: Connection) -> None:
        """Take all that is stored now as taken in."""
        self._last_id = connection.scalar(select(func.max(Turn.id))) or 0

    def add(self, keys: Iterable[int]) -> None:
        """Take keys."""
        self._new.update(keys)
        if len(self._new) > _UNSORTED:
            # Arrays side by side: to merge them would hold everything twice.
            self._sorted.append(np.sort(np.fromiter(self._new, np.int64, len(self._new))))
            self._new = set()

    def taken(self, keys: Sequence[int]) -> set[int]:
        """Return those of `keys` that are taken."""
        found = self._new.intersection(keys)
        wanted = np.array(keys, np.int64)
        for taken in self._sorted:
            places = np.searchsorted(taken, wanted)
            places[places == len(taken)] = 0
            found.update(wanted[taken[places] == wanted].tolist())
        return found

    def judge(self, keys: Sequence[int | None], verdicts: Sequence[str | None]) -> list[str | None]:
        """Return the verdicts, in order; a key is accepted once, and is taken then."""
        candidates = [
            key
            for key, verdict in zip(keys, verdicts, strict=True)
            if verdict is None and key is not None
        ]
        seen = self.taken(candidates)
        if not seen and len(set(candidates)) == len(candidates):
            self.add(candidates)
            return list(verdicts)
        judged = list(verdicts)
        for place, key in enumerate(keys):
            if key is not None and judged[place] is None:
                if key in seen:
                    judged[place] = DUPLICATE
                seen.add(key)
        self.add(candidates)
        return judged


def refuse_duplicates(connection: Connection) -> None:
    """Refuse all but the first of the accepted pairs that say the same."""
    firsts = (
        select(func.min(Turn.id))
        .where(Turn.rejected.is_(None), Turn.pair_key.is_not(None))
        .group_by(Turn.pair_key)
    )
    query = update(Turn).where(
        Turn.rejected.is_(None),
        Turn.pair_key.is_not(None),
        Turn.restored.is_(False),
        Turn.id.not_in(firsts),
    )
    connection.execute(query.values(rejected=DUPLICATE))


def accept_orphans(connection: Connection) -> None:
    """Accept the first of the pairs that were refused as duplicates of one that is gone."""
    accepted = select(Turn.pair_key).where(Turn.rejected.is_(None), Turn.pair_key.is_not(None))
    refused = select(Turn.pair_key).where(Turn.rejected == DUPLICATE)
    orphaned = refused.except_(accepted)
    firsts = (
        select(func.min(Turn.id))
        .where(Turn.rejected == DUPLICATE, Turn.pair_key.in_(orphaned))
        .group_by(Turn.pair_key)
    )
    connection.execute(update(Turn).where(Turn.id.in_(firsts)).values(rejected=None))
