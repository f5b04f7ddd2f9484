"""Real corpora, counted: the numbers are those of the collection's own README."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpus_tools.formats import Dialogue, Source

# file, dialogues, pairs, malformed
COUNTS = [
    # The README counts 48 pairs fewer, since it leaves out the 48 turns without text; here they
    # stay turns, and their pairs are refused as `empty`.
    ("dgk_tv_conv.zip", 74_215, 323_830 + 48, 0),
    ("ptt_Gossiping-QA-Dataset_10000.txt.gz", 10_001, 10_001, 0),
    ("chicken_and_gossip.txt.gz", 20_089, 20_089, 57),  # and three blank lines
    ("cdial_toy_train.txt.gz", 10_000, 10_000, 0),
    ("cdial_toy_data.json.gz", 1_400, 3_704, 0),
    ("smilechat_native_sample.zip", 300, None, 0),
    ("kdconv_dev_test.zip", 750, 15_495, 0),
    ("kdconv_film_extract_train.json.gz", 512, 512, 0),
    ("crosswoz_val.json.zip", 500, 7_958, 0),
    ("chatterbot_corpus_chinese.zip", 467, 552, 0),
    ("zh_couplet_train.tsv.gz", 47_958, 47_958, 0),
    ("toyhom_neike_gbk.csv.gz", 7_644, 7_644, 0),
    ("taobao_question_answer.txt.gz", 5_000, 5_000, 0),
]


@pytest.mark.parametrize(("name", "dialogues", "pairs", "malformed"), COUNTS)
def test_counts(
    shared: Path, name: str, dialogues: int, pairs: int | None, malformed: int | None
) -> None:
    records = list(Source([shared / name]).records())
    found = [record for record in records if isinstance(record, Dialogue)]
    assert len(found) == dialogues
    if pairs is not None:
        assert sum(len(dialogue.turns) - 1 for dialogue in found) == pairs
    if malformed is not None:
        assert len(records) - len(found) == malformed


@pytest.mark.parametrize(
    ("questions", "answers", "pairs"),
    [
        ("xhj_input.txt.gz", "xhj_target.txt.gz", 71_264),
        ("couplet_test_in.txt.gz", "couplet_test_out.txt.gz", 3_834),
    ],
)
def test_parallel_counts(shared: Path, questions: str, answers: str, pairs: int) -> None:
    source = Source([shared / questions, shared / answers], format_name="parallel")
    assert sum(1 for _ in source.records()) == pairs


def test_an_import(shared: Path, corpus: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = corpus("import", shared / "cdial_toy_valid.txt.gz", "--processes", 2)
    assert code == 0
    assert "2,000 pairs read" in out
    assert "read as tsv, utf-8" in err
