"""Real corpora, detected and counted: the numbers are those of the collection's own README."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus_tools.formats import Dialogue, Options, Skipped, Source, Unread, opened_inputs

# file, format, encoding, spacing, dialogues, pairs
FOUND = [
    # The README counts 48 pairs fewer, since it leaves out the 48 turns without text; here they
    # stay turns, and their pairs are refused as `empty`.
    ("dgk_tv_conv.zip", "conv", "utf-8", "none", 74_215, 323_830 + 48),
    ("ptt_Gossiping-QA-Dataset_10000.txt.gz", "tsv", "utf-8", "none", 10_001, 10_001),
    ("chicken_and_gossip.txt.gz", "tsv", "utf-8", "none", 20_089, 20_089),
    ("cdial_toy_train.txt.gz", "tsv", "utf-8", "characters", 10_000, 10_000),
    ("cdial_toy_valid.txt.gz", "tsv", "utf-8", "characters", 2_000, 2_000),
    ("cdial_toy_data.json.gz", "json", "utf-8", "characters", 1_400, 3_704),
    ("smilechat_messages.jsonl.zst", "jsonl", "utf-8", "none", 53_665, 557_594),
    ("smilechat_native_sample.zip", "json", "utf-8", "none", 300, None),
    ("kdconv_dev_test.zip", "json", "utf-8", "none", 750, 15_495),
    ("kdconv_film_extract_train.json.gz", "json", "utf-8", "none", 512, 512),
    ("crosswoz_val.json.zip", "json", "utf-8", "none", 500, 7_958),
    ("cped_valid_split.csv.gz", "csv", "utf-8-sig", "none", 934, 10_203),
    ("xdailydialog_zh_dev_human.txt.gz", "eou", "utf-8", "none", 995, 7_030),
    ("xdailydialog_en_dev_human.txt.gz", "eou", "utf-8", "none", 995, 7_030),
    ("chatterbot_corpus_chinese.zip", "chatterbot", "utf-8", "none", 467, 552),
    ("zh_couplet_train.tsv.gz", "tsv", "utf-8", "none", 47_958, 47_958),
    ("poet_tang.zip", "json", "utf-8", "none", 254_218, 254_218),
    ("toyhom_neike_gbk.csv.gz", "csv", "gb18030", "none", 7_644, 7_644),
    ("taobao_question_answer.txt.gz", "tsv", "utf-8", "words", 5_000, 5_000),
    ("taobao_context_response.txt.gz", "contexts", "utf-8", "words", 5_000, 5_000),
    # Of the 10,000 candidates, those with label 1.
    ("taobao_ecd_dev_label.txt.gz", "candidates", "utf-8", "words", 5_000, 5_000),
    ("xhj_bucket_15_25.db.gz", "sqlite", "binary", "none", 32_406, 32_406),
    ("xhj_bucket_20_30.db.gz", "sqlite", "binary", "none", 10_876, 10_876),
    ("cmn-eng.zip", "tsv", "utf-8", "none", 23_444, 23_444),
    ("fra-eng.zip", "tsv", "utf-8", "none", 167_130, 167_130),
    # Each of the three parts twice, raw and tokenised.
    ("multi30k_de_en.zip", "parallel", "utf-8", "none", 62_028, 2 * (29_000 + 1_014 + 1_000)),
    ("dgk_raw_subs.zip", "srt, ass", "gb18030, utf-8, utf-16", "none", None, None),
    ("xhj_input.txt.gz + xhj_target.txt.gz", "parallel", "utf-8", "characters", 71_264, 71_264),
    (
        *("couplet_test_in.txt.gz + couplet_test_out.txt.gz", "parallel", "utf-8", "characters"),
        *(3_834, 3_834),
    ),
    (
        *("egret_wenda_lines.txt.gz + egret_wenda_conversations.txt.gz", "cornell", "utf-8"),
        *("none", 2_908, 2_908),
    ),
]

MALFORMED = {
    "chicken_and_gossip.txt.gz": 57,  # and three blank lines
    "cmn-eng.zip": 1,  # `_about.txt`
    "fra-eng.zip": 1,
    "taobao_ecd_dev_label.txt.gz": 5_000,  # the candidates with label 0
    # 268,283 lines, of which the README counts those of two clauses; and 4 poems without lines.
    "poet_tang.zip": 268_283 - 254_218 + 4,
}


@pytest.fixture(scope="module")
def inputs(request: pytest.FixtureRequest) -> tuple[dict[str, Source], list[Unread]]:
    """Open everything in the collection at once, by what it shows alone."""
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real corpora in {folder}")
    with opened_inputs(sorted(folder.iterdir()), Options(), None) as opened:
        found = list(opened)
    sources = {
        each.path.replace(f"{folder}/", ""): each for each in found if isinstance(each, Source)
    }
    return sources, [each for each in found if isinstance(each, Unread)]


def test_every_file_is_one_input(inputs: tuple[dict[str, Source], list[Unread]]) -> None:
    sources, unread = inputs
    assert sorted(sources) == sorted(name for name, *_ in FOUND)
    errors = [Path(each.message.partition(":")[0]).name for each in unread if each.is_error]
    assert sorted(errors) == ["README.md", "licenses"]
    assert all("/licenses/" in each.message for each in unread if not each.is_error)


@pytest.mark.parametrize(("name", "format_", "encoding", "spacing", "dialogues", "pairs"), FOUND)
def test_counts(
    inputs: tuple[dict[str, Source], list[Unread]],
    name: str,
    format_: str,
    encoding: str,
    spacing: str,
    dialogues: int | None,
    pairs: int | None,
) -> None:
    source = inputs[0][name]
    assert (source.format, source.encoding) == (format_, encoding)
    assert {part.spacing for part in source.parts} == {spacing}
    counts: Counter[str] = Counter()
    for record in source.records():
        if isinstance(record, Skipped):
            counts["malformed"] += 1
        else:
            counts["dialogues"] += 1
            counts["pairs"] += max(0, len(record.turns) - max(record.context, 1))
    assert dialogues is None or counts["dialogues"] == dialogues
    assert pairs is None or counts["pairs"] == pairs
    if dialogues is not None:
        assert counts["malformed"] == MALFORMED.get(name, 0)


def test_the_encodings_of_subtitles(inputs: tuple[dict[str, Source], list[Unread]]) -> None:
    encodings = inputs[0]["dgk_raw_subs.zip"].encodings
    found = Counter((name.rpartition(".")[2], encoding) for name, encoding in encodings.items())
    assert found == {
        ("srt", "gb18030"): 17,
        ("srt", "utf-16"): 6,
        ("ass", "utf-16"): 4,
        ("srt", "utf-8"): 7,
    }


@pytest.mark.parametrize(
    "name", ["cdial_toy_train.txt.gz", "taobao_question_answer.txt.gz", "dgk_tv_conv.zip"]
)
def test_joined_text_has_no_space_between_han(shared: Path, name: str) -> None:
    source = Source([shared / name])
    turns = [
        turn.text
        for record in source.records()
        if isinstance(record, Dialogue)
        for turn in record.turns
    ]
    spaced = sum(" " in turn for turn in turns) / len(turns)
    assert spaced < 0.05 if source.parts[0].spacing != "none" else spaced > 0.05


def test_an_import(shared: Path, corpus: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = corpus("import", shared / "cdial_toy_valid.txt.gz", "--processes", 2)
    assert code == 0
    assert "2,000 pairs read" in out
    assert "tsv" in err
