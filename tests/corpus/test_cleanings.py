"""Cleaning runs over a whole store: reported, undone, never against what a person chose."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_tools.cleaning import AcceptedPair, Cleaner, Pairs, Profile
from corpus_tools.dictionary import dictionary_name
from corpus_tools.errors import StoreError
from corpus_tools.formats import Source
from corpus_tools.importing import Plan, import_source
from corpus_tools.preparing import Preparing
from corpus_tools.recleaning import clean_again
from corpus_tools.segmenter import Segmenter
from corpus_tools.store import (
    CleaningReport,
    Store,
    free_space,
    pairs,
    restore,
    undo_cleaning,
)
from corpus_tools.store import cleanings as cleanings_module

Clean = Callable[[Store, Profile], CleaningReport]
SHORT = Profile.from_dict({"too_long": {"prompt": 4, "reply": 4}})


@pytest.fixture
def clean(segmenter: Segmenter) -> Clean:
    """Run a profile over a store, in this process."""

    def run(store: Store, profile: Profile) -> CleaningReport:
        preparing = Preparing(Cleaner(profile), segmenter)
        return clean_again(
            store,
            profile,
            prepare=lambda jobs: ((job, preparing.prepare(batch)) for job, batch in jobs),
            dictionary=dictionary_name({}),
        )

    return run


@pytest.fixture
def filled(store: Store, folder: Path, import_paths: Callable[..., None]) -> Store:
    (folder / "a.tsv").write_text(
        "你好\t你好呀\n今天天气怎么样\t晴天\nhello\tworld\n你好\t你好呀\n", encoding="utf-8"
    )
    (folder / "b.jsonl").write_text(
        '["在吗", "在的在的在的", "吃饭了吗", "吃了"]\n["你好", "你好呀"]\n', encoding="utf-8"
    )
    import_paths(folder / "a.tsv", folder / "b.jsonl")
    return store


def verdicts(store: Store) -> list[tuple[str, str | None]]:
    return [(pair.reply, pair.rejected) for pair in pairs(store, refused=True)]


def everything(store: Store) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{store.name}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = connection.execute("SELECT * FROM turns ORDER BY id").fetchall()
        rows += connection.execute("SELECT id, pairs_accepted, dictionary FROM imports").fetchall()
    connection.close()
    return rows


def test_the_same_profile_changes_nothing(filled: Store, clean: Clean) -> None:
    before = everything(filled)
    report = clean(filled, Profile())
    assert (report.turns, report.texts_changed) == (14, 0)
    assert (report.newly_refused, report.newly_accepted) == (0, 0)
    assert report.before == report.after == {None: 5, "duplicate": 2, "not_chinese": 1}
    assert everything(filled) == before


def test_a_stricter_profile_refuses_more(filled: Store, clean: Clean) -> None:
    report = clean(filled, SHORT)
    assert (report.newly_refused, report.newly_accepted) == (3, 0)
    assert verdicts(filled) == [
        ("你好呀", None),
        ("晴天", "too_long"),
        ("world", "too_long"),
        ("你好呀", "duplicate"),
        ("在的在的在的", "too_long"),
        ("吃饭了吗", "too_long"),
        ("吃了", None),
        ("你好呀", "duplicate"),
    ]
    assert [row.pairs_accepted for row in filled.imports()] == [1, 1]
    assert filled.profile() == SHORT.to_dict()


def test_a_milder_profile_accepts_again(filled: Store, clean: Clean) -> None:
    mild = Profile.from_dict({"not_chinese": {"on": False}, "duplicate": {"on": False}})
    report = clean(filled, mild)
    assert (report.newly_refused, report.newly_accepted) == (0, 3)
    assert report.after == {None: 8}


def test_texts_come_from_what_was_said(filled: Store, clean: Clean) -> None:
    once = Profile.from_dict({"squeeze_phrases": {"most": 1}})
    assert clean(filled, once).texts_changed == 1
    assert "在的" in [pair.reply for pair in pairs(filled)]
    assert clean(filled, Profile()).texts_changed == 1
    assert "在的在的在的" in [pair.reply for pair in pairs(filled)]


def test_undo_gives_back_what_was(filled: Store, clean: Clean) -> None:
    states = [everything(filled)]
    for profile in (SHORT, Profile.from_dict({"squeeze_phrases": {"most": 1}})):
        clean(filled, profile)
        states.append(everything(filled))
    assert len({str(state) for state in states}) == 3
    assert undo_cleaning(filled, duplicates=False)
    assert everything(filled) == states[1]
    assert undo_cleaning(filled, duplicates=False)
    assert everything(filled) == states[0]
    assert undo_cleaning(filled, duplicates=False) is None
    assert filled.profile() is None


def test_restored_pairs_stay(filled: Store, clean: Clean) -> None:
    (foreign,) = [pair for pair in pairs(filled, refused=True) if pair.reply == "world"]
    assert restore(filled, [foreign.pair_id, 1, 99]) == [foreign.pair_id]
    assert restore(filled, [foreign.pair_id]) == []
    assert [row.pairs_accepted for row in filled.imports()] == [3, 3]
    clean(filled, SHORT)
    assert ("world", None) in verdicts(filled)
    undo_cleaning(filled, duplicates=False)
    assert ("world", None) in verdicts(filled)


def test_the_first_of_equal_pairs_is_accepted(
    filled: Store, folder: Path, import_paths: Callable[..., None]
) -> None:
    """Undo an import: the rest is as if that file had never been imported."""
    filled.remove_import(1)
    assert verdicts(filled) == [
        ("在的在的在的", None),
        ("吃饭了吗", None),
        ("吃了", None),
        ("你好呀", None),
    ]
    import_paths(folder / "a.tsv")
    assert verdicts(filled)[4:] == [
        ("你好呀", "duplicate"),
        ("晴天", None),
        ("world", "not_chinese"),
        ("你好呀", "duplicate"),
    ]


def test_an_import_under_way_sees_what_was_undone(filled: Store, plan: Plan, folder: Path) -> None:
    """Another program undoes an import between two batches of this one."""
    (folder / "c.tsv").write_text("你好\t你好呀\n", encoding="utf-8")

    def intruding(jobs):  # type: ignore[no-untyped-def]
        for prepared in plan.prepare(jobs):
            with Store(filled.name) as other:
                other.remove_import(1)
                other.remove_import(2)
            yield prepared

    import_source(filled, Source([folder / "c.tsv"]), plan._replace(prepare=intruding))
    assert verdicts(filled) == [("你好呀", None)]


def test_judges_see_the_whole_store(
    filled: Store, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lonely:
        id = "generic"

        def refused(self, accepted: Pairs) -> Iterator[int]:
            assert list(accepted()) == seen
            yield seen[0].id
            yield from (pair.id for pair in accepted() if pair.reply == "吃了")

    seen = [AcceptedPair(pair.pair_id, pair.prompt, pair.reply) for pair in pairs(filled)]
    monkeypatch.setattr("corpus_tools.recleaning.judges", lambda _: [Lonely()])
    before = everything(filled)
    report = clean(filled, Profile())
    assert report.after == {None: 3, "duplicate": 2, "generic": 2, "not_chinese": 1}
    undo_cleaning(filled, duplicates=False)
    assert everything(filled) == before


def test_a_run_that_fails_changes_nothing(
    filled: Store, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(filled)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(cleanings_module, "_report", fail)
    with pytest.raises(RuntimeError):
        clean(filled, SHORT)
    assert everything(filled) == before


def test_freeing_space_forgets_what_runs_changed(filled: Store, clean: Clean) -> None:
    clean(filled, SHORT)
    after = everything(filled)
    free_space(filled)
    assert everything(filled) == after
    with filled.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM changes").scalar() == 0
    with pytest.raises(StoreError, match="'corpus gc' has freed what an undo"):
        undo_cleaning(filled, duplicates=False)
    assert filled.profile() == SHORT.to_dict()


def test_a_context_stays_context(store: Store, folder: Path, plan: Plan, clean: Clean) -> None:
    (folder / "a.jsonl").write_text(
        '{"prompt": "那明天呢", "response": "下雨", "history": ["今天天气怎么样", "晴天"]}\n',
        encoding="utf-8",
    )
    import_source(store, Source([folder / "a.jsonl"]), plan)
    before = everything(store)
    assert verdicts(store) == [("下雨", None)]
    assert store.imports()[0].pairs_done == 1
    clean(store, SHORT)
    assert verdicts(store) == [("下雨", None)]
    clean(store, Profile())
    assert everything(store) == before


LINES = st.lists(
    st.tuples(
        st.sampled_from(["你好", "在吗", "hello", "哈哈", "好"]),
        st.sampled_from(["好", "在", "ok"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(files=st.lists(LINES, min_size=1, max_size=3, unique_by=str), undone=st.integers(0, 2))
def test_undoing_an_import_leaves_what_the_others_would_have_left(
    tmp_path_factory: pytest.TempPathFactory,
    plan: Plan,
    files: list[list[tuple[str, str]]],
    undone: int,
) -> None:
    folder = tmp_path_factory.mktemp("undo")
    paths = []
    for number, lines in enumerate(files):
        paths.append(folder / f"{number}.tsv")
        text = "".join(f"{prompt}\t{reply}\n" for prompt, reply in lines)
        paths[-1].write_text(text, encoding="utf-8")
    undone %= len(paths)
    with (
        Store(str(folder / "all.db"), create=True) as everywhere,
        Store(str(folder / "rest.db"), create=True) as rest,
    ):
        for path in paths:
            import_source(everywhere, Source([path]), plan)
        everywhere.remove_import(undone + 1)
        for path in [*paths[:undone], *paths[undone + 1 :]]:
            import_source(rest, Source([path]), plan)
        assert verdicts(everywhere) == verdicts(rest)
