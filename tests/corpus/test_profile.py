import json
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tools.cleaning import Cleaner, Profile
from corpus_tools.cleaning.settings import Expressions, Handling, Private, TooLong, WordList
from corpus_tools.errors import UsageError

HANDLINGS: st.SearchStrategy[Handling] = st.sampled_from(["keep", "mask", "refuse"])
WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    profile = Profile()
    switches = {
        each.name: replace(getattr(profile, each.name), on=draw(st.booleans()))
        for each in fields(profile)
    }
    on = st.booleans()
    switches["too_long"] = TooLong(draw(on), draw(st.integers(1, 1000)), draw(st.integers(1, 9)))
    switches["private"] = Private(
        draw(on), draw(HANDLINGS), draw(HANDLINGS), draw(HANDLINGS), draw(HANDLINGS)
    )
    switches["word_list"] = WordList(draw(on), tuple(draw(WORDS)))
    switches["expressions"] = Expressions(draw(on), tuple(draw(WORDS)))
    return Profile(**switches)


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "profile.toml"


def test_the_default_as_a_file(path: Path) -> None:
    path.write_text(Profile().toml(), encoding="utf-8")
    assert Profile.load(path) == Profile()


@given(profile=profiles())
def test_a_profile_comes_back(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("profile") / "profile.toml"
    path.write_text(profile.toml(), encoding="utf-8", newline="")
    assert Profile.load(path) == profile
    assert Profile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile


def test_every_setting_is_commented() -> None:
    lines = [line for line in Profile().toml().splitlines() if line]
    assert all("  # " in line for line in lines)


def test_what_a_file_does_not_say_stays(path: Path) -> None:
    path.write_text("[emoji]\non = true\n[too_long]\nreply = 40\n", encoding="utf-8")
    profile = Profile.load(path)
    assert profile.emoji.on
    assert profile.too_long == TooLong(prompt=256, reply=40)
    assert replace(profile, emoji=Profile().emoji, too_long=TooLong()) == Profile()
    assert Profile.from_dict({}) == Profile()


def test_an_import_that_remembers_names_only() -> None:
    names = {"rules": ["drop_controls", "strip"], "filters": ["empty", "echo"]}
    profile = Profile.from_dict(names)
    on = {name for name, table in profile.to_dict().items() if table["on"]}
    assert on == {"drop_controls", "strip", "empty", "echo", "duplicate"}


def test_words_of_files_are_kept_in_the_profile(path: Path) -> None:
    (path.parent / "words 1.txt").write_text("笨蛋\r\n\r\nＡＢＣ\r\n笨蛋\r\n", encoding="utf-8-sig")
    path.write_text('[word_list]\nfiles = ["words 1.txt"]\nwords = ["坏"]\n', encoding="utf-8")
    profile = Profile.load(path)
    assert profile.word_list.words == ("abc", "坏", "笨蛋")
    (path.parent / "words 1.txt").unlink()
    assert Cleaner(Profile.from_dict(profile.to_dict())).refusal("你", "笨蛋") == "word_list"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[emojis]\non = true", r"no rule 'emojis'\. The rules are: drop_controls, squeeze_spaces"),
        ("[too_long]\nlimit = 3", r"'too_long' has no setting 'limit'\. It has: on, prompt, reply"),
        ('[too_long]\nreply = "3"', "'reply' of 'too_long' is a whole number of 1 to 1,000,000"),
        ("[too_long]\nreply = true", "'reply' of 'too_long' is a whole number"),
        ("[too_long]\nreply = 3.5", "'reply' of 'too_long' is a whole number"),
        ("[too_long]\nreply = 0", "found 0"),
        ("[not_chinese]\nshare = nan", r"'share' of 'not_chinese' is a number of 0\.0 to 1\.0"),
        ("[emoji]\non = 1", "'on' of 'emoji' is true or false; found 1"),
        ('[private]\nqq = "hide"', "'qq' of 'private' is one of keep, mask, refuse"),
        ("[private]\nqq = []", "'qq' of 'private' is one of keep, mask, refuse"),
        ("[word_list]\nwords = [3]", "'words' of 'word_list' is a list of up to 100,000 words"),
        ('[word_list]\nwords = "坏"', "'words' of 'word_list' is a list"),
        ("[word_list]\nfiles = 3", "'files' of 'word_list' is a list of paths"),
        ('[word_list]\nfiles = ["none.txt"]', r"word list .*none\.txt: No such file"),
        ('[word_list]\nfiles = ["."]', "word list "),
        ('[word_list]\nfiles = ["a\\u0000b"]', "a"),
        ("emoji = false", r"'emoji' is a table of settings; found False\. Write \[emoji\]."),
        ("rules = [1", "no TOML in UTF-8"),
        ("[" * 5000, "no TOML in UTF-8"),
        ("a = " + "[" * 5000, "no TOML in UTF-8"),
    ],
)
def test_a_profile_that_cannot_be_meant(path: Path, toml: str, message: str) -> None:
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        Profile.load(path)
    assert str(path) in str(caught.value)


def test_a_profile_that_is_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no TOML in UTF-8"):
        Profile.load(path)
    with pytest.raises(UsageError, match="No such file"):
        Profile.load(path.parent / "none.toml")


def test_a_word_list_that_is_no_text(path: Path) -> None:
    (path.parent / "gbk.txt").write_bytes("笨蛋".encode("gbk"))
    path.write_text('[word_list]\nfiles = ["gbk.txt"]', encoding="utf-8")
    with pytest.raises(UsageError, match=r"not UTF-8\. Save it as UTF-8"):
        Profile.load(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*Profile().to_dict(), "on", "most", "rules", "x"]), inner
            )
        ),
    )
)
def test_any_json_makes_a_profile_or_a_usage_error(value: Any) -> None:
    with suppress(UsageError):
        Profile.from_dict(value if isinstance(value, dict) else {"emoji": value})
