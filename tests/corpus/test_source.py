"""Packed files, and what `Source` tells and yields."""

import bz2
import codecs
import gzip
import lzma
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from corpus_tools.errors import ReadError, UnrecognisedError, UsageError
from corpus_tools.formats import Layout, Skipped, Source
from corpus_tools.formats.containers import container
from corpus_tools.formats.encoding import SAMPLE

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]
Pack = Callable[[bytes], bytes]

TEXT = "你好\t你好呀\n今天天气怎么样\t不错\n"
PAIRS = [["你好", "你好呀"], ["今天天气怎么样", "不错"]]
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 8


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # no clock: every worker collects the same tests


def zstandard_of(content: bytes) -> bytes:
    return zstandard.compress(content)


PACKS = [gzipped, bz2.compress, lzma.compress, zstandard_of]
HALVES = TEXT[:8].encode(), TEXT[8:].encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv.gz", gzipped(TEXT.encode())),
        ("a.tsv.bz2", bz2.compress(TEXT.encode())),
        ("a.tsv.xz", lzma.compress(TEXT.encode())),
        ("a.tsv.zst", zstandard_of(TEXT.encode())),
        *(("two pieces.tsv", pack(HALVES[0]) + pack(HALVES[1])) for pack in PACKS),
        ("padded.tsv.gz", gzipped(TEXT.encode()) + b"\0" * 512),
        ("wrong ending.tsv", gzipped(TEXT.encode())),
        ("three layers.tsv", gzipped(bz2.compress(lzma.compress(TEXT.encode())))),
    ],
)
def test_packed(read: Read, folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert read(folder / name) == (PAIRS, [])


def test_zip_is_read_member_by_member_in_its_order(read: Read, folder: Path) -> None:
    path = write_zip(
        folder / "语料.zip",
        {
            "目录/": b"",
            "目录/二.tsv": "二\t2二\n坏行\n".encode("gbk"),
            "__MACOSX/目录/._二.tsv": b"\0\0\0",
            "__MACOSX/三.tsv": b"a\tb\n",
            "目录/.DS_Store": b"a\tb\n",
            "目录/一.tsv": "一\t1一\n".encode(),
            "packed.tsv.gz": gzipped("三\t3三\n".encode()),
            "../../evil.tsv": "四\t4四\n".encode(),
        },
    )
    before = set(folder.parent.rglob("*"))
    assert read(path)[0] == [["二", "2二"], ["一", "1一"], ["三", "3三"], ["四", "4四"]]
    assert set(folder.parent.rglob("*")) == before
    assert list(Source([path]).encodings.values()) == [
        "gb18030",
        "utf-8",
        "utf-8",
        "utf-8",
    ]
    skipped = [record for record in Source([path]).records() if hasattr(record, "reason")]
    assert [(record.member, record.line) for record in skipped] == [("目录/二.tsv", 2)]


def test_members_have_formats_of_their_own(read: Read, folder: Path) -> None:
    path = write_zip(
        folder / "a.zip",
        {
            "_about.txt": "很久很久以前，有一个故事\n".encode(),
            "one.conv": "E\nM 在吗\nM 在的\n".encode("gbk"),
            "two.tsv": TEXT.encode(),
            "empty.tsv": b"",
            "picture.png": PNG,
        },
    )
    source = Source([path])
    assert (source.format, source.encoding) == ("conv, tsv", "gb18030, utf-8")
    left_out = [record for record in source.records() if isinstance(record, Skipped)]
    assert [(each.line, each.member, each.reason.partition(";")[0]) for each in left_out] == [
        (0, "empty.tsv", "the file is empty"),
        (0, "picture.png", "no text in UTF-8, GB18030, Big5 or UTF-16"),
        (0, "_about.txt", "no dialogue format recognised"),
    ]
    assert read(path)[0] == [["在吗", "在的"], *PAIRS]


def test_members_that_answer_one_another_are_paired(read: Read, folder: Path) -> None:
    path = write_zip(
        folder / "a.zip",
        {
            "train.zh.gz": gzipped("你好\n再见\n".encode()),
            "train.en.gz": gzipped(b"hello\nbye\n"),
            "q.tsv": TEXT.encode(),  # a format of its own, whatever the names say
            "a.tsv": TEXT.encode(),
            "test_input.txt": "你 在 家 吗\n你 是 谁 啊\n几 点 了 呢\n".encode(),
            "test_target.txt": "在 的 呢 啊\n我 是 小 明\n五 点 半 了\n".encode(),
        },
    )
    assert Source([path]).format == "parallel, tsv"
    assert read(path)[0] == [
        *(PAIRS * 2),
        *(["你好", "hello"], ["再见", "bye"]),
        *(["你在家吗", "在的呢啊"], ["你是谁啊", "我是小明"], ["几点了呢", "五点半了"]),
    ]


def test_an_archive_without_dialogues(folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"a.txt": b"once\n", "b.txt": b"upon a time\n"})
    with pytest.raises(UnrecognisedError, match=r"none of its 2 files can be read.*a\.zip!a\.txt"):
        Source([path])
    hidden = write_zip(folder / "b.zip", {".hidden": b"a\tb\n"})
    with pytest.raises(UnrecognisedError, match="the archive holds no file"):
        Source([hidden])


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_cut_file_is_an_error_before_anything_is_read(
    folder: Path, pack: Pack, share: float
) -> None:
    noise = random.Random(1)
    lines = "".join(f"问{noise.random()}\t答{noise.random()}\n" for _ in range(25_000))
    assert len(lines.encode()) > SAMPLE  # its end is not looked at to find out the format
    content = pack(lines.encode())
    path = folder / "a.tsv"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ReadError, match=r"a\.tsv: damaged or cut short near byte"):
        Source([path])


def test_a_damaged_zip_is_an_error(read: Read, folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"a.tsv": TEXT.encode() * 1000})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ReadError, match="damaged or cut short"):
        read(path)


@pytest.mark.parametrize("pack", [*PACKS, lambda content: gzipped(gzipped(content))])
def test_absurd_expansion_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pack: Pack
) -> None:
    monkeypatch.setattr(container, "FREE_EXPANSION", 1 << 16)
    path = folder / "bomb.conv"
    path.write_bytes(pack(b"E\nM a\nM b\n" * (1 << 17)))
    with pytest.raises(ReadError, match="unpacks to more than 100 times its size"):
        Source([path])


def test_a_quine_or_anything_packed_too_often_is_refused(folder: Path) -> None:
    path = folder / "a.tsv"
    path.write_bytes(gzipped(gzipped(gzipped(gzipped(TEXT.encode())))))
    with pytest.raises(ReadError, match="packed more than 3 times"):
        Source([path])


def test_xz_that_asks_for_a_gigabyte(folder: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    path = folder / "a.tsv.xz"
    path.write_bytes(lzma.compress(TEXT.encode(), filters=filters))
    with pytest.raises(ReadError, match="needs more than 134,217,728 bytes of memory"):
        Source([path])


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-32"), "utf-32"),
        (TEXT.encode("gb18030"), "gb18030"),
        ("你好\t好\n".encode("gb18030"), "gb18030"),
        ("今天天氣怎麼樣\t不錯，適合出門走走\n".encode("big5"), "big5"),
        ("你好\t你好啊\n".encode("big5"), "big5"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (b"hello\thow are you\n", "utf-8"),
    ],
)
def test_encodings(folder: Path, encoded: bytes, expected: str) -> None:
    path = folder / "a.tsv"
    path.write_bytes(encoded)
    source = Source([path])
    assert source.encoding == expected
    first = next(source.records())
    assert "\ufeff" not in first.turns[0].text
    assert first.turns[0].text in {"你好", "今天天氣怎麼樣", "hello"}


def test_a_character_cut_by_the_end_of_the_sample(folder: Path) -> None:
    path = folder / "a.conv"
    path.write_bytes(("M a" + "你好\nE\nM " * 200_000).encode())
    assert Source([path]).encoding == "utf-8"


@pytest.mark.parametrize("content", [PNG, *(random.Random(n).randbytes(4_000) for n in range(5))])
def test_a_binary_file_is_refused(folder: Path, content: bytes) -> None:
    path = folder / "a.tsv"
    path.write_bytes(content)
    with pytest.raises(ReadError, match="perhaps a binary file"):
        Source([path])


def test_bytes_that_are_not_of_the_encoding_are_kept_aside_with_their_lines(folder: Path) -> None:
    lines = [f"问题{n}\t回答{n}\n".encode() for n in range(20_000)]
    lines[1] = lines[1].replace(b"1\t", b"\xff\xfe\t")
    lines[15_000] = b"\x80" + lines[15_000]
    path = folder / "a.tsv"
    path.write_bytes(b"".join(lines))
    source = Source([path])
    assert source.encoding == "utf-8"
    records = list(source.records())
    first, second = (
        len(lines[0]) + lines[1].index(b"\xff"),
        sum(map(len, lines[:15_000])),
    )
    assert [record for record in records if isinstance(record, Skipped)] == [
        Skipped(2, f"byte {first:,} (0xFF) is not utf-8", "问题\ufffd\ufffd\t回答1"),
        Skipped(15_001, f"byte {second:,} (0x80) is not utf-8", "\ufffd问题15000\t回答15000"),
    ]
    assert sum(not isinstance(record, Skipped) for record in records) == len(lines)


@pytest.mark.parametrize(
    ("written", "given"), [("gb18030", "utf-8"), ("utf-8", "big5"), ("utf-8", "utf-32-le")]
)
def test_the_wrong_encoding_is_an_error(folder: Path, written: str, given: str) -> None:
    path = folder / "a.conv"
    path.write_bytes(("E\nM 今天天气怎么样呢\nM 不错，适合出门走走\n" * 1_000).encode(written))
    source = Source([path], format_name="conv", encoding=given)
    with pytest.raises(ReadError, match=rf"a\.conv: byte \d+ is not {given}, nor are [\d,]+ more"):
        list(source.records())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_under_every_method_of_zip(read: Read, folder: Path, method: int) -> None:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.tsv", TEXT * 500)
    content = bytearray(path.read_bytes())
    content[48:60] = bytes(byte ^ 0x5A for byte in content[48:60])
    path.write_bytes(content)
    with pytest.raises(ReadError, match="damaged or cut short"):
        read(path)


@pytest.mark.parametrize(
    ("intact", "broken"),
    [
        ("名".encode(), b"\xff\xfe\xff"),  # a name that is not UTF-8, though it says so
        (b"PK\x05\x06", b"PK\x05\x00"),  # no end: a download that stopped
    ],
)
def test_a_zip_whose_directory_is_broken(
    read: Read, folder: Path, intact: bytes, broken: bytes
) -> None:
    path = write_zip(folder / "a.zip", {"名.tsv": TEXT.encode()})
    path.write_bytes(path.read_bytes().replace(intact, broken))
    with pytest.raises(ReadError, match="damaged or cut short"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "a.tsv")
    with pytest.raises(ReadError, match=r"a pipe or a device.*Save it as a file first"):
        Source([folder / "a.tsv"])


def test_parallel_archives_hold_one_file_each(read: Read, folder: Path) -> None:
    many = write_zip(folder / "a.zip", {"a": b"1\n", "b": b"2\n"})
    one = write_zip(folder / "b.zip", {"a": b"1\n"})
    with pytest.raises(ReadError, match="an archive of several files"):
        read(many, one, format_name="parallel")


@pytest.mark.parametrize("name", ["unicode_escape", "raw_unicode_escape", "punycode", "utf-7"])
def test_notations_that_no_file_has(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="unknown encoding"):
        Source([folder / "a.tsv"], encoding=name)


def test_what_is_said_about_columns_and_spacing_is_part_of_the_format(folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text("ask,answer\n你好 吗,我 很好\n", encoding="utf-8")
    layout = Layout(prompt_column="ask", reply_column="answer")
    source = Source([path], format_name="csv", layout=layout, spacing="words")
    assert source.format == "csv 'ask' 'answer' spacing words"
    assert [turn.text for turn in next(source.records()).turns] == ["你好吗", "我很好"]
    assert Source([path]).format == "csv"


def test_columns_of_a_format_that_has_none(folder: Path) -> None:
    with pytest.raises(UsageError, match="the format 'conv' has no columns"):
        Source([folder / "a"], format_name="conv", layout=Layout(prompt_column="1"))


def test_columns_that_only_some_members_have(read: Read, folder: Path) -> None:
    layout = Layout(prompt_column="甲", reply_column="乙")
    members = {"a.csv": "甲,乙\n你好,你好呀\n".encode(), "b.csv": "丙,丁\n一,二\n".encode()}
    path = write_zip(folder / "a.zip", members)
    dialogues, skipped = read(path, layout=layout)
    assert dialogues == [["你好", "你好呀"]]
    assert [(line, "no column '甲'" in reason) for line, reason in skipped] == [(0, True)]
    (folder / "b.csv").write_bytes(members["b.csv"])
    with pytest.raises(UsageError, match="no column '甲'"):
        Source([folder / "b.csv"], layout=layout)


def test_a_delimiter_alone_says_what_the_format_is(read: Read, folder: Path) -> None:
    path = folder / "a.txt"
    path.write_text("你好@@你好呀\n在吗@@在的\n", encoding="utf-8")
    assert Source([path], layout=Layout(delimiter="@@")).format == "delimited '@@'"
    assert read(path, layout=Layout(delimiter="@@"))[0] == [["你好", "你好呀"], ["在吗", "在的"]]


@pytest.mark.parametrize("seed", range(4))
def test_reading_twice_gives_the_same(folder: Path, seed: int) -> None:
    """An import that goes on after a stop leaves out as many records as it has stored."""
    noise = random.Random(seed)
    lines = [f"问{n}，你好吗\t答{n}，我很好\n".encode() for n in range(200)]
    broken = [noise.choice([line[2:], line[:-2] + b"\n"]) for line in lines[:10]]
    path = write_zip(folder / "a.zip", {"a.tsv": b"".join(lines + broken), "b.txt": b"once\n"})
    assert list(Source([path]).records()) == list(Source([path]).records())
