"""Packed files and their encodings."""

import codecs
import gzip
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from corpus_tools.errors import ReadError, UsageError
from corpus_tools.formats import Source, container

Read = Callable[..., tuple[list[list[str]], list[tuple[int, str]]]]

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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv.gz", gzipped(TEXT.encode())),
        ("two members.tsv.gz", gzipped(TEXT[:8].encode()) + gzipped(TEXT[8:].encode())),
        ("padded.tsv.gz", gzipped(TEXT.encode()) + b"\0" * 512),
        ("a.tsv.zst", zstandard_of(TEXT.encode())),
        ("two frames.tsv.zst", zstandard_of(TEXT[:8].encode()) + zstandard_of(TEXT[8:].encode())),
        ("wrong ending.tsv", gzipped(TEXT.encode())),
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


@pytest.mark.parametrize("pack", [gzipped, zstandard_of])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_cut_file_is_an_error(
    read: Read, folder: Path, pack: Callable[[bytes], bytes], share: float
) -> None:
    noise = random.Random(1)
    lines = "".join(f"问{noise.random()}\t答{noise.random()}\n" for _ in range(20_000))
    content = pack(lines.encode())
    path = folder / "a.tsv"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ReadError, match=r"a\.tsv: damaged or cut short near byte"):
        read(path)


def test_a_damaged_zip_is_an_error(read: Read, folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"a.tsv": TEXT.encode() * 1000})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ReadError, match="damaged or cut short"):
        read(path)


def test_absurd_expansion_is_refused(
    read: Read, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "FREE_EXPANSION", 1 << 16)
    path = folder / "bomb.tsv.gz"
    path.write_bytes(gzipped(b"a\tb\n" * (1 << 20)))
    with pytest.raises(ReadError, match="unpacks to more than 500 times its size"):
        read(path)


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
    path = folder / "a.tsv"
    path.write_bytes(("a" + "你\t好\n" * 200_000).encode())
    assert Source([path]).encoding == "utf-8"


@pytest.mark.parametrize("content", [PNG, *(random.Random(n).randbytes(4_000) for n in range(5))])
def test_a_binary_file_is_refused(folder: Path, content: bytes) -> None:
    path = folder / "a.tsv"
    path.write_bytes(content)
    with pytest.raises(ReadError, match="perhaps a binary file"):
        Source([path])


def test_a_byte_that_is_not_of_the_encoding_is_named(read: Read, folder: Path) -> None:
    path = folder / "a.tsv"
    good = TEXT.encode() * 50_000
    path.write_bytes(good + b"\xff" + good)
    with pytest.raises(ReadError, match=rf"a\.tsv: byte {len(good):,} is not utf-8"):
        read(path)


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
        Source.inputs([folder / "a.tsv"], format_name=None, encoding=name)
