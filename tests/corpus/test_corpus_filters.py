import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.cleaning import AcceptedPair, Cleaner, Profile, clusters, judges
from corpus_tools.cleaning.replies import Counts
from corpus_tools.errors import CorpusError, UsageError

LONG = "本店所有商品一律半价出售欢迎新老顾客前来选购"  # 22 characters
SAYINGS = st.text("好的吗", min_size=1, max_size=4)


def refused(
    name: str, pairs: Sequence[tuple[str, str]], *, slots: int = 1 << 10, **settings: Any
) -> list[int]:
    """Return the places, from 1, of the pairs that a filter refuses, read as a store gives them.

    `slots` is how many counters there are; few of them make texts share one.
    """
    (judge,) = judges(Profile.from_dict({name: {"on": True, **settings}}))
    assert judge.id == name

    def read() -> Iterator[AcceptedPair]:
        return (AcceptedPair(i, *sides) for i, sides in enumerate(pairs, start=1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpus_tools.cleaning.replies._SLOTS", slots)
        return list(judge.refused(read))


def test_none_is_on_by_default() -> None:
    assert judges(Profile()) == []


def test_all_in_order() -> None:
    names = ["advertisement", "generic", "reply_cap", "near_duplicate"]
    profile = Profile.from_dict({name: {"on": True} for name in reversed(names)})
    assert [judge.id for judge in judges(profile)] == names


def test_an_advertisement_answers_more_than_two_prompts_anywhere_in_the_store() -> None:
    pairs = [
        ("在吗", LONG),
        ("今天吃什么", "火锅"),
        ("我失恋了", LONG),
        *[(f"问题{i}", f"回答{i}") for i in range(50)],
        ("天气真好", LONG),
    ]
    assert refused("advertisement", pairs) == [1, 3, len(pairs)]
    assert refused("advertisement", pairs, most=3) == []
    assert refused("advertisement", pairs, shortest=23) == []


def test_an_advertisement_is_counted_by_prompt() -> None:
    """Where duplicates are kept, the same prompt again is no other prompt."""
    assert refused("advertisement", [("在吗", LONG)] * 5 + [("你好", LONG)]) == []


def test_a_short_reply_is_no_advertisement() -> None:
    assert refused("advertisement", [(f"问题{i}", "好的") for i in range(9)]) == []


@given(st.lists(st.tuples(SAYINGS, SAYINGS)), st.integers(1, 3))
def test_advertisements_by_plain_counting(pairs: list[tuple[str, str]], most: int) -> None:
    prompts = {reply: {p for p, r in pairs if r == reply} for _, reply in pairs}
    expected = [i for i, (_, r) in enumerate(pairs, 1) if len(r) >= 2 and len(prompts[r]) > most]
    assert refused("advertisement", pairs, slots=4, shortest=2, most=most) == expected


def test_a_capped_reply_keeps_its_first_pairs() -> None:
    pairs = [("a", "好"), ("b", "不"), ("c", "好"), ("d", "好"), ("e", "不")]
    assert refused("reply_cap", pairs, most=1) == [3, 4, 5]
    assert refused("reply_cap", pairs, most=2) == [4]


@given(st.lists(st.tuples(SAYINGS, SAYINGS)), st.integers(1, 3))
def test_reply_caps_by_plain_counting(pairs: list[tuple[str, str]], most: int) -> None:
    seen: Counter[str] = Counter()
    expected = []
    for i, (_, reply) in enumerate(pairs, 1):
        seen[reply] += 1
        if seen[reply] > most:
            expected.append(i)
    assert refused("reply_cap", pairs, slots=4, most=most) == expected


def test_a_cap_beyond_what_a_counter_holds() -> None:
    pairs = [(str(i), "好的") for i in range(400)] + [("x", "不好")]
    assert refused("reply_cap", pairs, most=390) == list(range(391, 401))


@given(st.lists(SAYINGS, max_size=30))
def test_counts_are_never_too_low(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpus_tools.cleaning.replies._SLOTS", 4)
        _check_counts(texts)


def _check_counts(texts: list[str]) -> None:
    counts = Counts()
    for text in texts:
        counts.add(text)
    for text, times in Counter(texts).items():
        assert counts.may_exceed(text, times - 1)


# 40 pairs with 我不知道, whose two tri-grams are thereby frequent, on both sides of 40 others.
GENERIC = (
    [(f"问题{i}", "我不知道") for i in range(20)]
    + [
        (f"提问{i}", f"{chr(0x4E00 + 7 * i)}{chr(0x5000 + 7 * i)}{chr(0x6000 + 7 * i)}")
        for i in range(40)
    ]
    + [(f"还问{i}", "我不知道") for i in range(20)]
)


def test_a_generic_reply_keeps_some_of_its_pairs() -> None:
    everywhere = [*range(1, 21), *range(61, 81)]
    assert refused("generic", GENERIC, keep=0) == everywhere
    assert refused("generic", GENERIC, keep=20) == everywhere[20:]
    assert refused("generic", GENERIC, keep=40) == []


def test_a_generic_reply_is_made_of_frequent_tri_grams() -> None:
    # 我不知道啊: two of three tri-grams are frequent.
    pairs = [*GENERIC, ("为什么", "我不知道啊")]
    assert 81 not in refused("generic", pairs, keep=0)
    assert 81 in refused("generic", pairs, keep=0, share=0.6)


def test_a_tri_gram_is_frequent_by_its_share_and_a_least_number() -> None:
    assert refused("generic", GENERIC, keep=0, frequent=0.5) != []
    assert refused("generic", GENERIC, keep=0, frequent=0.51) == []
    assert refused("generic", GENERIC, keep=0, least=41) == []


def test_replies_shorter_than_a_tri_gram_can_be_generic() -> None:
    pairs = [(f"问题{i}", "嗯") for i in range(15)] + [("问", "不")]
    assert refused("generic", pairs, keep=10) == [11, 12, 13, 14, 15]


def test_generic_over_several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = refused("generic", GENERIC, keep=5)
    monkeypatch.setattr("corpus_tools.cleaning.generic._AT_ONCE", 7)
    assert refused("generic", GENERIC, keep=5) == whole


def test_nothing_is_refused_in_an_empty_store() -> None:
    pytest.importorskip("rensa")
    for name in ("advertisement", "generic", "reply_cap", "near_duplicate"):
        assert refused(name, []) == []


def test_a_near_duplicate_is_the_later_one() -> None:
    pytest.importorskip("rensa")
    pairs = [
        ("今天天气怎么样", "今天天气很好适合出去玩"),
        ("你叫什么名字", "我叫小明很高兴认识你"),
        ("今天天气怎么样", "今天天气很好适合出去玩啊"),
        ("明天去哪里", "明天去爬山吧"),
    ]
    assert refused("near_duplicate", pairs) == [3]
    assert refused("near_duplicate", pairs, similarity=1.0) == []


def likeness(one: str, other: str) -> float:
    """Jaccard's index of the pairs of neighbouring characters, by its definition."""
    a, b = ({x + y for x, y in pairwise(t)} or {t} for t in (one, other))
    return len(a & b) / len(a | b)


@given(st.lists(st.text("你好吗", min_size=1, max_size=6), max_size=12))
def test_clusters_hold_only_what_is_alike(texts: list[str]) -> None:
    pytest.importorskip("rensa")
    found = dict(clusters(((10 * i, text) for i, text in enumerate(texts)), 0.6))
    for member, cluster in found.items():
        fellows = [each for each, name in found.items() if name == cluster and each != member]
        assert min([member, *fellows]) == cluster
        assert any(likeness(texts[member // 10], texts[each // 10]) >= 0.6 for each in fellows)


@given(st.lists(st.text("你好吗", min_size=1, max_size=6), max_size=12))
def test_equal_texts_are_always_in_one_cluster(texts: list[str]) -> None:
    pytest.importorskip("rensa")
    found = dict(clusters(enumerate(texts), 0.9))
    for one, other in combinations(range(len(texts)), 2):
        if texts[one] == texts[other]:
            assert found[one] == found[other]


def test_clusters_find_nearly_all_that_is_alike() -> None:
    """300 texts of 30 characters, each with a copy that lacks one: 28 of 29 pairs in common."""
    pytest.importorskip("rensa")
    texts = ["".join(chr(0x4E00 + (i * 97 + j * 31) % 6000) for j in range(30)) for i in range(300)]
    both = [*enumerate(texts), *((i + 300, text[:-1]) for i, text in enumerate(texts))]
    found = dict(clusters(both, 0.8))
    assert sum(found.get(i + 300) == i for i in range(300)) >= 295


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(UsageError, match=r"pip install 'duihua\[near\]'"):
        refused("near_duplicate", [("你", "好")])
    with pytest.raises(UsageError, match=r"pip install 'duihua\[opencc\]'"):
        Cleaner(Profile.from_dict({"simplify": {"on": True}}))


def test_no_room_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rensa")

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("corpus_tools.cleaning.near.TemporaryFile", full)
    with pytest.raises(CorpusError, match=r"No space left on device\. Make room there"):
        refused("near_duplicate", [("你", "好")])
