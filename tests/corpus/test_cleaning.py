from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.text import normalise
from corpus_tools.cleaning import CATALOGUE, CONTEXT, REFUSALS, Cleaner, Profile
from corpus_tools.cleaning.characters import _phrase_guard, _phrase_run
from corpus_tools.cleaning.cleaner import MOST_PASSES, text_rules
from corpus_tools.cleaning.settings import SqueezePhrases

CASES = Path(__file__).parent / "data" / "cleaning"
TEXT_RULES = [rule.id for rule in CATALOGUE if rule.kind == "text" and rule.id != "simplify"]
PAIR_FILTERS = [rule.id for rule in CATALOGUE if rule.kind == "pair"]

# What the rules look at, whole and in pieces, so that pieces grow together when something goes.
PIECES = st.sampled_from(
    [
        *("你", "好", "我在", "这里", "𠮷", "𩸽", "a", "b", "B1", "9", "13800138000", "138", "00"),
        *("QQ", "12345", "@", "＠", "#", "＃", "[", "]", "【", "】", "微笑", "图片", "转发微博"),
        *("显示地图", "//", ":", "：", ":ab:", "http://t.cn/a", "www.", "t.cn/b", ".", "。", "？"),
        *("…", "-", "_", "回复", "小明", "哈喽", "哈", "😂", "的地点", "a@b.cn", "010-12345678"),
        *(" ", " ", "\u200b", "\t", "\u3000", "\n", "11010519491231002X", "+86", "我在:"),
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=12).map("".join),
    st.text("你好𠮷aB1 9　？！\t\u200b", max_size=30),
    st.text("哈喽a ", max_size=40),
    st.text(max_size=30),
)


def profile_with(*names: str) -> Profile:
    """The defaults of some rules; everything else is off."""
    default = Profile()
    return replace(
        default,
        **{
            each.name: replace(getattr(default, each.name), on=each.name in names)
            for each in fields(default)
        },
    )


def all_rules(profile: Profile, text: str) -> str:
    """What `clean` is to return: every rule on every text, until nothing changes."""
    edits = [edit for _, edit in text_rules(profile)]
    for _ in range(MOST_PASSES):
        before = text
        for edit in edits:
            text = edit(text)
        if text == before:
            break
    return text


DEFAULT = Cleaner(Profile())
RULES = dict(text_rules(replace(profile_with(*TEXT_RULES), mask_private=Profile().mask_private)))
ALL = Cleaner(profile_with(*TEXT_RULES))


def blocks(path: Path) -> Iterator[tuple[str, str]]:
    for block in path.read_text(encoding="utf-8").removesuffix("\n").split("\n\n"):
        given_text, expected = block.split("\n# output\n")
        yield given_text, expected.replace("(nothing)", "")


def cases() -> list[object]:
    """Files RULE.txt: a text, `# output`, the text after; `clean.txt` is for all rules."""
    return [
        pytest.param(path.stem, text, expected, id=f"{path.stem}:{text}")
        for path in sorted(CASES.glob("*.txt"))
        for text, expected in blocks(path)
    ]


def filter_cases() -> list[object]:
    """Files filters/FILTER.tsv: `refused` or `kept`, a prompt and a reply, between tabs."""
    found: list[object] = []
    for path in sorted((CASES / "filters").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            verdict, prompt, reply = line.split("\t")
            found.append(
                pytest.param(path.stem, verdict, prompt, reply, id=f"{path.stem}:{prompt}:{reply}")
            )
    return found


@pytest.mark.parametrize(("rule", "text", "expected"), cases())
def test_case(rule: str, text: str, expected: str) -> None:
    edit = DEFAULT.clean if rule == "clean" else RULES[rule]
    assert edit(text) == expected


@pytest.mark.parametrize(("name", "verdict", "prompt", "reply"), filter_cases())
def test_filter_case(name: str, verdict: str, prompt: str, reply: str) -> None:
    """Alone, the filter decides as the file says; what all filters keep is kept by default."""
    tables: dict[str, Any] = {
        "word_list": {"words": ["笨蛋", "ass", "坏"]},
        "private": dict.fromkeys(["phone", "qq", "email", "id_number"], "refuse"),
    }
    profile = profile_with(name)
    if name in tables:
        profile = replace(profile, **{name: getattr(Profile.from_dict({name: tables[name]}), name)})
    refused = Cleaner(profile).refusal(normalise(prompt), normalise(reply))
    assert refused == {"refused": name, "kept": None}[verdict]


@pytest.mark.parametrize("name", TEXT_RULES)
def test_every_rule_has_cases(name: str) -> None:
    texts = list(blocks(CASES / f"{name}.txt"))
    assert any(text != expected for text, expected in texts)
    assert any(text == expected for text, expected in texts)


@pytest.mark.parametrize("name", PAIR_FILTERS)
def test_every_filter_has_cases(name: str) -> None:
    lines = (CASES / "filters" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    assert {line.split("\t")[0] for line in lines} == {"refused", "kept"}


@pytest.mark.parametrize("name", TEXT_RULES)
@given(text=TEXTS)
def test_a_rule_changes_nothing_the_second_time(name: str, text: str) -> None:
    rule = RULES[name]
    assert rule(rule(text)) == rule(text)


@given(text=TEXTS)
@example("[微[微[微笑]笑]笑]")
@example(" 哈喽 哈喽 哈喽 哈喽")
@example("你 [微笑] 好")
def test_cleaning_changes_nothing_the_second_time(text: str) -> None:
    assert DEFAULT.clean(DEFAULT.clean(text)) == DEFAULT.clean(text)
    assert ALL.clean(ALL.clean(text)) == ALL.clean(text)


@settings(max_examples=400)
@given(text=TEXTS)
def test_the_quick_look_at_a_text_agrees_with_all_rules(text: str) -> None:
    for cleaner in (DEFAULT, ALL):
        assert cleaner.clean(text) == all_rules(cleaner.profile, text)


@settings(max_examples=1000)
@given(
    before=st.text("你好哈喽a𠮷", max_size=9),
    phrase=st.text("哈喽呀a𠮷", min_size=2, max_size=8),
    space=st.sampled_from(["", " "]),
    times=st.integers(1, 7),
    after=st.text("你好哈喽a", max_size=30),
    most=st.integers(1, 5),
    longest=st.integers(2, 8),
)
def test_the_quick_look_at_repetitions_misses_none(
    before: str, phrase: str, space: str, times: int, after: str, most: int, longest: int
) -> None:
    settings_ = SqueezePhrases(most=most, longest=longest)
    text = before + space.join([phrase] * times) + after
    if _phrase_run(settings_).search(text):
        assert _phrase_guard(settings_)(text)


@settings(max_examples=400)
@given(prompt=TEXTS.map(normalise), reply=TEXTS.map(normalise))
def test_the_quick_look_at_a_pair_agrees_with_all_filters(prompt: str, reply: str) -> None:
    assert DEFAULT.refusal(prompt, reply) == DEFAULT.run_filters(prompt, reply)


@pytest.mark.parametrize(
    ("prompt", "reply", "reason"),
    [
        ("你好", "你好呀", None),
        ("C#和F#哪个好", "C#", None),
        ("比分是3:2还是2:3呢", "3:2", None),
        ("你是什么语言编写的", "Python", None),
        ("你的电话", "888888", None),
        ("好吃吗", "😂", None),
        ("𠮷", "𩸽", None),
        ("你好", "？！……", "empty"),
        ("", "你好", "empty"),
        ("你好", "长" * 257, "too_long"),
        ("你好", "长" * 256, None),
        ("how are you", "fine thank you 好", "not_chinese"),
        ("お休み", "おやすみなさい", "not_chinese"),
        ("呵呵", "呵呵", "echo"),
        ("你\ufffd", "你好", "undecodable"),
        ("在吗", "嗯", None),
    ],
)
def test_refusal_by_default(prompt: str, reply: str, reason: str | None) -> None:
    assert DEFAULT.refusal(prompt, reply) == reason


def test_the_first_filter_gives_the_reason() -> None:
    assert DEFAULT.refusal("\ufffd", "") == "undecodable"
    assert DEFAULT.refusal("a" * 300, "？") == "empty"
    assert DEFAULT.refusal("a" * 300, "a" * 300) == "too_long"


def test_an_echo_may_be_a_share() -> None:
    cleaner = Cleaner(Profile.from_dict({"echo": {"share": 0.8}}))
    # 5 and 6 pairs of characters, 5 in common: 10 / 11.
    assert cleaner.refusal("你今天去哪里", "你今天去哪里啊") == "echo"
    assert cleaner.refusal("你今天去哪里", "我今天去学校") is None


def test_a_private_number_is_kept_masked_or_refused() -> None:
    said = {}
    for way in ("keep", "mask", "refuse"):
        cleaner = Cleaner(Profile.from_dict({"private": {"phone": way}}))
        text = cleaner.clean("打13800138000找我")
        said[way] = (text, cleaner.refusal("在哪里", normalise(text)))
    assert said == {
        "keep": ("打13800138000找我", None),
        "mask": ("打〔电话〕找我", None),
        "refuse": ("打13800138000找我", "private"),
    }


def test_own_expressions() -> None:
    cleaner = Cleaner(Profile.from_dict({"expressions": {"words": ["熊猫头", "a+b"]}}))
    assert cleaner.clean("[熊猫头]你好[a+b]啊[aab]") == "你好 啊[aab]"


def test_thousands_of_words() -> None:
    words = [f"{chr(0x4E00 + i)}{chr(0x4E00 + i // 2)}" for i in range(5000)]
    cleaner = Cleaner(Profile.from_dict({"word_list": {"words": words}}))
    assert cleaner.refusal("你好", f"啊{words[4321]}吧") == "word_list"
    assert cleaner.refusal("你好", "我很好啊") is None


def test_hostile_text_takes_no_time_and_no_error() -> None:
    size = 100_000
    for text in ("[" * size, "@a" * size, "#你" * size, "www." * size, "1" * size, "a." * size):
        cleaned = DEFAULT.clean(text + "@")
        DEFAULT.refusal(normalise(cleaned), "好")
    assert DEFAULT.clean("\ud800你好\ud800") == "\ud800你好\ud800"


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_the_examples_of_the_catalogue(rule: Any) -> None:
    if rule.id == "simplify":
        pytest.importorskip("opencc")
    tables: dict[str, Any] = {rule.id: {"on": True}}
    if rule.id == "word_list":
        tables[rule.id]["words"] = ["笨蛋"]
    if rule.id == "private":
        tables[rule.id]["phone"] = "refuse"
    profile = Profile.from_dict(tables)
    for example_ in rule.examples:
        if rule.kind == "text":
            edits = dict(text_rules(profile))
            assert edits[rule.id](*example_.given) == example_.result
        else:
            prompt, reply = map(normalise, example_.given)
            assert Cleaner(profile).refusal(prompt, reply) == example_.result


def test_the_documented_names() -> None:
    assert [rule.id for rule in CATALOGUE] == [each.name for each in fields(Profile)]
    assert list(REFUSALS) == [
        *("undecodable", "empty", "too_short", "too_long", "not_chinese", "echo", "private"),
        *("word_list", "duplicate", "advertisement", "generic", "reply_cap", "near_duplicate"),
    ]
    assert CONTEXT not in REFUSALS
    assert all(rule.examples for rule in CATALOGUE if rule.kind != "corpus")
