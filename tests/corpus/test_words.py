"""The user's dictionary: what it changes, and what it is told to change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus_tools.dictionary import check_word, dictionary_name
from corpus_tools.errors import UsageError
from corpus_tools.segmenter import Segmenter
from corpus_tools.store import Store, pairs

Corpus = Callable[..., Any]


@pytest.fixture
def filled(corpus: Corpus) -> Corpus:
    Path("a.tsv").write_text("小智你好\t你好，我是小智\n", encoding="utf-8")
    assert corpus("import", "a.tsv").code == 0
    return corpus


def words_of() -> list[str]:
    with Store("corpus.db") as opened:
        return [pair.reply_words for pair in pairs(opened)]


def test_a_word_of_the_user_stays_whole() -> None:
    # 小智 is not in jieba's dictionary; 研究生命 is cut in two by frequency.
    plain = Segmenter()
    assert plain.words("小智研究生命") == ["小", "智", "研究", "生命"]
    own = Segmenter({"小智": None, "研究生命": None})
    assert own.words("小智研究生命") == ["小智", "研究生命"]


def test_a_frequency_decides() -> None:
    assert Segmenter({"他是": 1}).words("他是谁") == ["他", "是", "谁"]
    assert Segmenter({"他是": 10**7}).words("他是谁") == ["他是", "谁"]


def test_longer_words() -> None:
    found = Segmenter({"火锅英雄": None}).words_with("火锅")
    assert {"吃火锅", "火锅店", "火锅英雄"} <= set(found)
    assert "火锅" not in found
    assert found == sorted(found, key=lambda word: (len(word), word))


def test_the_name_of_a_dictionary() -> None:
    plain, one = dictionary_name({}), dictionary_name({"小智": None})
    assert len({plain, one, dictionary_name({"小智": 5}), dictionary_name({"小慧": None})}) == 4
    assert one == dictionary_name({"小智": None})


@pytest.mark.parametrize("word", ["", "你 好", "你，好", "😂"])
def test_what_can_be_no_word(word: str) -> None:
    with pytest.raises(UsageError, match="cannot be one word"):
        check_word(word)


def test_a_change_marks_the_store_and_segment_brings_it_up_to_date(filled: Corpus) -> None:
    assert words_of() == ["你好 ， 我 是 小 智"]
    said = filled("words", "add", "小智").out
    assert said == "1 words added. 1 imports are segmented without them: run 'corpus segment'.\n"
    assert "segmented with jieba 0.42.1: 'corpus segment'" in filled("list").out
    assert words_of() == ["你好 ， 我 是 小 智"]
    assert "2 turns have other words" in filled("segment", "--dry-run").out
    assert "2 turns have other words" in filled("segment").out
    assert words_of() == ["你好 ， 我 是 小智"]
    assert "nothing to do" in filled("segment").out
    assert "corpus segment" not in filled("list").out
    assert filled("words", "list").out == "小智\n"


def test_an_import_knows_the_words(filled: Corpus) -> None:
    filled("words", "add", "ＸＹＺ", "小智", "--frequency", 500)
    assert filled("words", "list").out == "xyz 500\n小智 500\n"
    Path("b.tsv").write_text("小智\t小智在\n", encoding="utf-8")
    filled("import", "b.tsv")
    assert words_of()[-1] == "小智 在"


def test_removing_a_word(filled: Corpus) -> None:
    filled("words", "add", "小智")
    assert filled("words", "remove", "小慧").code == 2
    assert "1 words removed" in filled("words", "remove", "小智", "--dry-run").out
    assert filled("words", "remove", "小智").out == "1 words removed.\n"
    assert filled("words", "list").out.strip() == ""


def test_cleaning_leaves_no_stale_words(filled: Corpus) -> None:
    filled("words", "add", "小智")
    filled("clean")
    assert words_of() == ["你好 ， 我 是 小智"]
    assert "corpus segment" not in filled("list").out
    filled("undo", "--cleaning")
    assert words_of() == ["你好 ， 我 是 小 智"]
    assert "corpus segment" in filled("list").out
