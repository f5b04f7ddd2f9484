"""Cleaning runs over a whole store: what they change, kept so that it can be undone."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.orm import aliased

from chatbot.text import normalise
from corpus_tools.cleaning import CONTEXT, AcceptedPair, Judge
from corpus_tools.errors import StoreError
from corpus_tools.store.duplicates import AcceptedKeys, accept_orphans, refuse_duplicates
from corpus_tools.store.schema import Change, Cleaning, Dialogue, Import, Turn
from corpus_tools.store.store import Store, moved_on, recount

_DIALOGUES_AT_ONCE = 1_000
_TURNS_AT_ONCE = 10_000


class Verdict(NamedTuple):
    """What the rules make of a turn."""

    text: str
    words: str
    rejected: str | None
    pair_key: int | None


StoredTurn = Row[*tuple[Any, ...]]
Block = Sequence[Sequence[StoredTurn]]
"""Dialogues, each a list of turns with the columns that `stored_blocks` selects."""

Judged = tuple[Block, Sequence[Verdict]]
JudgeBlocks = Callable[[Iterable[Block]], Iterable[Judged]]


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """What a cleaning run did; `before` and `after` count the refused pairs by rule."""

    cleaning_id: int
    turns: int
    texts_changed: int
    newly_refused: int
    newly_accepted: int
    before: dict[str | None, int]
    after: dict[str | None, int]


def clean_store(
    store: Store,
    judge_blocks: JudgeBlocks,
    *,
    profile: dict[str, Any],
    dictionary: str,
    judges: Sequence[Judge],
    duplicates: bool,
    on_progress: Callable[[int], None] = lambda _: None,
) -> CleaningReport:
    """Judge every turn anew, by `judge_blocks` first and then by `judges`, all or nothing.

    With `duplicates` a pair may be accepted more than once. Restored pairs stay accepted.
    `on_progress` gets the number of turns that have been looked at.
    """
    with store.writing() as connection:
        before = verdicts(connection)
        run = _begin(connection, profile, dictionary)
        keys = None if duplicates else AcceptedKeys()
        looked_at = 0
        for block, judged in judge_blocks(stored_blocks(connection)):
            turns = [turn for dialogue in block for turn in dialogue]
            _apply(connection, run, turns, _final(turns, judged, keys))
            looked_at += len(turns)
            on_progress(looked_at)
        for judge in judges:
            _refuse(connection, run, judge)
        report = _report(connection, run, turns=looked_at, before=before)
        recount(connection)
        moved_on(connection)
    return report


def undo_cleaning(store: Store, *, duplicates: bool) -> int | None:
    """Take the last cleaning run back and return how many turns it had changed, or None."""
    with store.writing() as connection:
        run = connection.execute(select(Cleaning.__table__).order_by(Cleaning.id.desc())).first()
        if run is None:
            return None
        if run.dictionaries is None:
            raise StoreError(
                f"{store.name}: 'corpus gc' has freed what an undo of the last cleaning run needs. "
                "Run 'corpus clean' with the profile that you want."
            )
        count = _put_back(connection, run.id)
        for import_id, dictionary in run.dictionaries.items():
            same = update(Import).where(Import.id == int(import_id))
            connection.execute(same.values(dictionary=dictionary))
        connection.execute(delete(Cleaning).where(Cleaning.id == run.id))
        if not duplicates:
            refuse_duplicates(connection)
        accept_orphans(connection)
        recount(connection)
        moved_on(connection)
    return count


def forget_changes(store: Store) -> int:
    """Drop what cleaning runs keep so that they can be undone; return how much that was."""
    with store.writing() as connection:
        connection.execute(update(Cleaning).values(dictionaries=null()))
        return connection.execute(delete(Change)).rowcount


def restore(store: Store, pair_ids: Sequence[int]) -> list[int]:
    """Accept refused pairs for good, and return those of `pair_ids` that were refused."""
    with store.writing() as connection:
        refused = select(Turn.id).where(
            Turn.id.in_(pair_ids),
            Turn.rejected.is_not(None),
            Turn.rejected != CONTEXT,
            Turn.position > 0,
        )
        ids = list(connection.scalars(refused.order_by(Turn.id)))
        values = {"rejected": None, "restored": True}
        connection.execute(update(Turn).where(Turn.id.in_(ids)).values(values))
        recount(connection)
        moved_on(connection)
    return ids


def verdicts(connection: Connection) -> dict[str | None, int]:
    """Count the pairs by the rule that refused them; None: accepted. The most frequent first."""
    size = func.count()
    query = (
        select(Turn.rejected, size)
        .where(Turn.position > 0, Turn.rejected.is_distinct_from(CONTEXT))
        .group_by(Turn.rejected)
    )
    return dict(connection.execute(query.order_by(size.desc(), Turn.rejected)).all())


def stored_blocks(connection: Connection, import_id: int | None = None) -> Iterator[Block]:
    """Yield the dialogues of a store or an import, some at a time.

    In their order, and nothing is open while the caller writes.
    """
    query = (
        select(
            Turn.id,
            Turn.dialogue_id,
            Turn.raw,
            Turn.text,
            Turn.words,
            Turn.rejected,
            Turn.pair_key,
            Turn.restored,
        )
        .where(Turn.dialogue_id > bindparam("after"), Turn.dialogue_id <= bindparam("last"))
        .order_by(Turn.dialogue_id, Turn.position)
    )
    ids = select(Dialogue.id).where(Dialogue.id > bindparam("after")).order_by(Dialogue.id)
    if import_id is not None:
        ids = ids.where(Dialogue.import_id == import_id)
        query = query.join(Dialogue).where(Dialogue.import_id == import_id)
    after = 0
    while some := connection.scalars(ids.limit(_DIALOGUES_AT_ONCE), {"after": after}).all():
        rows = connection.execute(query, {"after": after, "last": some[-1]}).all()
        yield [list(turns) for _, turns in groupby(rows, key=attrgetter("dialogue_id"))]
        after = some[-1]


def _begin(connection: Connection, profile: dict[str, Any], dictionary: str) -> int:
    imports = connection.execute(select(Import.id, Import.dictionary)).all()
    values = {"profile": profile, "dictionaries": {str(key): name for key, name in imports}}
    run = connection.execute(insert(Cleaning).returning(Cleaning.id), values).scalar_one()
    connection.execute(update(Import).values(dictionary=dictionary))
    return run


def _final(
    turns: Sequence[StoredTurn], verdicts: Sequence[Verdict], keys: AcceptedKeys | None
) -> list[Verdict]:
    """Let restored pairs stay, and refuse what was accepted before unless `keys` is None."""
    stay = [turn.restored for turn in turns]
    reasons = [None if stays else each.rejected for stays, each in zip(stay, verdicts, strict=True)]
    if keys:
        held = (each.pair_key for stays, each in zip(stay, verdicts, strict=True) if stays)
        keys.add(key for key in held if key is not None)
        # A restored pair is judged without a key, so it is no duplicate.
        judged = [
            None if stays else each.pair_key for stays, each in zip(stay, verdicts, strict=True)
        ]
        reasons = keys.judge(judged, reasons)
    return [each._replace(rejected=reason) for each, reason in zip(verdicts, reasons, strict=True)]


def _apply(
    connection: Connection, run: int, turns: Sequence[StoredTurn], verdicts: Sequence[Verdict]
) -> None:
    """Store the verdicts that differ, and what was there before."""
    changed = [
        (turn, verdict)
        for turn, verdict in zip(turns, verdicts, strict=True)
        if (turn.text, turn.words, turn.rejected, turn.pair_key) != verdict
    ]
    if not changed:
        return
    old = [
        {
            "turn_id": turn.id,
            "cleaning_id": run,
            "text": turn.text,
            "words": turn.words,
            "rejected": turn.rejected,
            "pair_key": turn.pair_key,
        }
        for turn, _ in changed
    ]
    new = [{"turn": turn.id, **verdict._asdict()} for turn, verdict in changed]
    connection.execute(insert(Change), old)
    same = update(Turn.__table__).where(Turn.id == bindparam("turn"))  # type: ignore[arg-type]
    connection.execute(same, new)


def _refuse(connection: Connection, run: int, judge: Judge) -> None:
    """Refuse what one corpus-wide filter refuses."""
    # Kept first: what is being read must not change meanwhile.
    refused = array("q", judge.refused(lambda: _accepted(connection)))
    for start in range(0, len(refused), _TURNS_AT_ONCE):
        ids = refused[start : start + _TURNS_AT_ONCE].tolist()
        wanted = (Turn.id.in_(ids), Turn.restored.is_(False))
        known = select(Change.turn_id).where(Change.cleaning_id == run)
        old = select(Turn.id, literal(run), Turn.text, Turn.words, Turn.rejected, Turn.pair_key)
        names = ["turn_id", "cleaning_id", "text", "words", "rejected", "pair_key"]
        new = insert(Change).from_select(names, old.where(*wanted, Turn.id.not_in(known)))
        connection.execute(new)
        connection.execute(update(Turn).where(*wanted).values(rejected=judge.id))


def _accepted(connection: Connection) -> Iterator[AcceptedPair]:
    """Yield the accepted pairs in order, normalised; nothing is open between two blocks."""
    prompt = aliased(Turn)
    query = (
        select(Turn.id, prompt.text, Turn.text)
        .join(prompt, prompt.dialogue_id == Turn.dialogue_id)
        .where(
            prompt.position == Turn.position - 1,
            Turn.rejected.is_(None),
            Turn.id > bindparam("after"),
        )
        .order_by(Turn.id)
        .limit(_TURNS_AT_ONCE)
    )
    after = 0
    while rows := connection.execute(query, {"after": after}).all():
        for turn_id, asked, replied in rows:
            yield AcceptedPair(turn_id, normalise(asked), normalise(replied))
        after = rows[-1][0]


def _report(
    connection: Connection, run: int, *, turns: int, before: dict[str | None, int]
) -> CleaningReport:
    """Count what has changed, and forget what has changed and changed back."""
    is_same_turn = (Change.turn_id == Turn.id, Change.cleaning_id == run)
    unchanged = select(Turn.id).where(
        Change.text == Turn.text,
        Change.words == Turn.words,
        Change.rejected.is_not_distinct_from(Turn.rejected),
        Change.pair_key.is_not_distinct_from(Turn.pair_key),
        *is_same_turn,
    )
    connection.execute(delete(Change).where(Change.cleaning_id == run, unchanged.exists()))

    def count(*conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(Change).join(Turn, Turn.id == Change.turn_id)
        return connection.scalar(query.where(Change.cleaning_id == run, *conditions)) or 0

    return CleaningReport(
        cleaning_id=run,
        turns=turns,
        texts_changed=count(Change.text != Turn.text),
        newly_refused=count(Change.rejected.is_(None), Turn.rejected.is_not(None)),
        newly_accepted=count(Change.rejected.is_not(None), Turn.rejected.is_(None)),
        before=before,
        after=verdicts(connection),
    )


def _put_back(connection: Connection, run: int) -> int:
    """Give the turns that a run changed what they had before; a restored pair stays accepted."""
    values = {
        "text": Change.text,
        "words": Change.words,
        "rejected": case((Turn.restored, null()), else_=Change.rejected),
        "pair_key": Change.pair_key,
    }
    same = update(Turn).where(Turn.id == Change.turn_id, Change.cleaning_id == run)
    return connection.execute(same.values(values)).rowcount
