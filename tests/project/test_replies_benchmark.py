"""How replies are judged, and the plain alternative to the model."""

import json
from pathlib import Path

import pytest

from benchmarks import replies
from benchmarks.replies import Case, Judgements, talks
from benchmarks.replies.retrieval import Retrieval
from corpora.starter import Dialogue, Group, Starter

ASKED = {
    "cat": ("你喜欢猫吗", "猫可爱吗", "喜欢小猫吗", "养猫好不好", "你爱猫吗", "猫咪真好玩"),
    "rain": ("下雨了", "外面在下雨", "雨下得好大", "又下雨了", "大雨", "雨好大啊"),
}
SMALL = Starter(
    tuple(Group(name, 1, ways, (f"{name}。", "其他。"), {}, False) for name, ways in ASKED.items()),
    (Dialogue("rain", ("带伞了吗", "我不出门。", "那淋湿了怎么办", "擦干就好。")),),
    {},
    ("没听懂。", "不懂。"),
)


def echo(turns):
    return [f"{turn}！" for turn in turns]


def test_what_is_known_to_be_right_needs_no_reader():
    cases = [Case(("甲",), frozenset({"甲！"})), Case(("乙",), frozenset({"甲！"}))]
    first, second = talks(cases, echo, Judgements())
    assert (first.fits, first.exact) == (True, True)
    assert (second.fits, second.exact) == (None, False)


def test_a_reply_fits_if_both_readers_say_so():
    said = {("甲", "甲！"): [True, True], ("乙", "乙！"): [True, False]}
    done = talks([Case((turn,)) for turn in "甲乙丙"], echo, Judgements(said))
    assert [talk.fits for talk in done] == [True, False, None]


def test_a_talk_is_judged_with_all_its_turns():
    (talk,) = talks([Case(("甲", "乙"))], echo, Judgements({("甲", "甲！", "乙", "乙！"): [True]}))
    assert talk.fits


def test_readings_are_kept_and_have_to_be_of_the_same_talks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replies, "JUDGEMENTS", tmp_path / "judgements.jsonl")
    a, b, c = (tmp_path / name for name in "abc")
    a.write_text(json.dumps([["甲", "一"], True]) + "\n", encoding="utf-8")
    b.write_text(json.dumps([["甲", "一"], False]) + "\n", encoding="utf-8")
    c.write_text(json.dumps([["乙", "一"], True]) + "\n", encoding="utf-8")
    replies.add([a, b])
    assert Judgements.load().verdicts == {("甲", "一"): [True, False]}
    replies.add([c, c])
    assert len(Judgements.load().verdicts) == 2
    with pytest.raises(SystemExit, match="not judged the same"):
        replies.add([a, c])


def test_what_is_published_is_well_formed():
    sets = replies.sets(SMALL)
    assert len(sets["paraphrases"]) >= 300
    assert len(sets["nonsense"]) == 50
    assert len(sets["several turns"]) == 40
    assert all(len(case.turns) > 1 for case in sets["several turns"])
    for cases in sets.values():
        assert len({case.turns for case in cases}) == len(cases)


def test_retrieval_answers_as_the_nearest_question_is_answered():
    retrieval = Retrieval(SMALL)
    assert retrieval.replies(["喜欢猫咪吗", "外面雨好大", "淋湿了怎么办"]) == [
        *("cat。", "rain。", "擦干就好。"),
    ]
    assert retrieval.replies(["quantum"]) == [SMALL.not_understood[7 % 2]]
