import gzip
import sys
from math import inf, log
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.text import normalise
from corpus_tools.dictionary import read_dictionary
from corpus_tools.segmenter import Segmenter


@pytest.fixture(scope="module", params=["fast", "plain"])
def segmenter(request: pytest.FixtureRequest) -> Segmenter:
    """With `rjieba`, and as it is where that is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "plain":
            patch.setitem(sys.modules, "rjieba", None)
        else:
            pytest.importorskip("rjieba", reason="needs the extra `fast`")
        ready = Segmenter()
    ready.make_ready()
    return ready


@pytest.fixture(scope="module")
def reference() -> jieba.Tokenizer:
    """jieba itself, over the same dictionary."""
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


def words_of(reference: jieba.Tokenizer, text: str) -> list[str]:
    return [word for word in reference.cut(text, HMM=False) if not word.isspace()]


@given(text=st.text(st.sampled_from("我们在北京大学清华园里aB3.+#-_% ，？𠮷你好\n"), max_size=40))
def test_equal_to_jieba(segmenter: Segmenter, reference: jieba.Tokenizer, text: str) -> None:
    assert segmenter.words(text) == words_of(reference, text)


@given(text=st.text(max_size=40))
def test_equal_to_jieba_on_any_text(
    segmenter: Segmenter, reference: jieba.Tokenizer, text: str
) -> None:
    assert segmenter.words(text) == words_of(reference, text)


@pytest.mark.parametrize("name", ["xhj_target.txt.gz", "ptt_Gossiping-QA-Dataset_10000.txt.gz"])
def test_equal_to_jieba_on_real_sentences(
    segmenter: Segmenter, reference: jieba.Tokenizer, shared: Path, name: str
) -> None:
    with gzip.open(shared / name, "rt", encoding="utf-8") as lines:
        for _, line in zip(range(5_000), lines, strict=False):
            text = normalise(line)
            assert segmenter.words(text) == words_of(reference, text)


@given(texts=st.lists(st.text("我们在北京大学清华园里哈哈aB3.+# ，？𠮷", max_size=20), min_size=1))
def test_many_texts_at_once(segmenter: Segmenter, texts: list[str]) -> None:
    assert segmenter.joined_words(texts) == [" ".join(segmenter.words(text)) for text in texts]


def test_the_dictionary_is_jieba_s(reference: jieba.Tokenizer) -> None:
    weights, once = read_dictionary()
    assert once == -log(reference.total)
    assert weights == {
        word: log(count) - log(reference.total) if count else -inf
        for word, count in reference.FREQ.items()
    }


def test_example(segmenter: Segmenter) -> None:
    assert segmenter.words("我的iphone坏了，在北京大学") == [
        "我", "的", "iphone", "坏", "了", "，", "在", "北京大学",
    ]  # fmt: skip
