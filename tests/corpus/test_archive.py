"""Members of zip and tar: names, what is left out, what is refused."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from corpus_tools.errors import ReadError
from corpus_tools.formats import Skipped, Source, sniff
from corpus_tools.formats.containers import archive
from tests.corpus.test_source import PACKS, PAIRS, TEXT, Pack, Read, gzipped, write_zip

Write = Callable[[Path, dict[str, bytes]], Path]


def write_tar(path: Path, members: dict[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as target:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return path


def write_gnu_tar(path: Path, members: dict[str, bytes]) -> Path:
    return write_tar(path, members, form=tarfile.GNU_FORMAT)


@pytest.mark.parametrize("write", [write_tar, write_gnu_tar])
@pytest.mark.parametrize("pack", [bytes, *PACKS])
def test_tar(read: Read, folder: Path, write: Write, pack: Pack) -> None:
    path = write(
        folder / "a.tar",
        {
            "一/" + "长" * 120 + ".tsv": TEXT.encode(),
            "../../evil.tsv.gz": gzipped("四\t4四\n".encode("gbk")),
            "._一.tsv": b"a\tb\n",
        },
    )
    path.write_bytes(pack(path.read_bytes()))
    before = set(folder.parent.rglob("*"))
    assert read(path) == ([*PAIRS, ["四", "4四"]], [])
    assert Source([path]).encoding == "utf-8, gb18030"
    assert set(folder.parent.rglob("*")) == before


def test_only_regular_files_of_a_tar_are_read(read: Read, folder: Path) -> None:
    path = folder / "a.tar"
    with tarfile.open(path, "w") as target:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"{kind!r}.tsv")
            info.type, info.linkname = kind, "/etc/passwd"
            target.addfile(info)
        folder_info = tarfile.TarInfo("folder.tsv")
        folder_info.type = tarfile.DIRTYPE
        target.addfile(folder_info)
        info = tarfile.TarInfo("a.tsv")
        info.size = len(TEXT.encode())
        target.addfile(info, io.BytesIO(TEXT.encode()))
    assert read(path) == (PAIRS, [])


def test_a_link_in_a_zip_is_left_out(read: Read, folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"a.tsv": TEXT.encode()})
    with zipfile.ZipFile(path, "a") as target:
        info = zipfile.ZipInfo("link.tsv")
        info.external_attr = 0o120777 << 16
        target.writestr(info, "a\tb")
    assert read(path) == (PAIRS, [])


@pytest.mark.parametrize("place", [512, 1024, 1536])
def test_a_tar_with_a_damaged_header_does_not_end_early(folder: Path, place: int) -> None:
    path = write_gnu_tar(folder / "a.tar", {name: TEXT.encode() for name in ("a.tsv", "b.tsv")})
    content = bytearray(path.read_bytes())
    content[1024 + 100] ^= 1  # the mode of the second file: its sum is wrong now
    path.write_bytes(content)
    with pytest.raises(ReadError, match="damaged or cut short"):
        Source([path])
    path.write_bytes(content[:place])
    with pytest.raises(ReadError, match="damaged or cut short"):
        Source([path])


def test_a_header_of_a_tar_that_fills_the_memory(folder: Path) -> None:
    path = folder / "a.tar"
    with tarfile.open(path, "w") as target:
        info = tarfile.TarInfo("a.tsv")
        info.pax_headers = {"comment": "x" * archive.LARGEST_HEADER}
        target.addfile(info)
    with pytest.raises(ReadError, match="a header of more than 262,144 bytes"):
        Source([path])


def test_headers_of_a_tar_one_behind_the_other(folder: Path) -> None:
    info = tarfile.TarInfo("a.tsv")
    info.type = tarfile.XHDTYPE
    path = folder / "a.tar"
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) * 3_000)
    with pytest.raises(ReadError):
        Source([path])


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_too_many_members(folder: Path, monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    path = write(folder / "a", {f"{n}.tsv": TEXT.encode() for n in range(4)})
    with pytest.raises(ReadError, match="more than 3 files in it"):
        Source([path])


def test_a_table_of_contents_that_fills_the_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST_DIRECTORY", 1_000)
    path = write_zip(folder / "a.zip", {f"{'n' * 300}{n}.tsv": b"" for n in range(3)})
    with pytest.raises(ReadError, match=r"a table of contents of 1,\d\d\d bytes"):
        Source([path])


def test_members_that_share_their_bytes_are_counted_each(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trick of a small zip that unpacks to petabytes: its directory names one file often."""
    monkeypatch.setattr("corpus_tools.formats.containers.container.FREE_EXPANSION", 1 << 16)
    path = write_zip(folder / "a.zip", {"a.conv": b"E\nM a\nM b\n" * 50_000})
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entries = content[start:end] * 50
    tail = bytearray(content[end:])
    tail[8:16] = struct.pack("<2HI", 50, 50, len(entries))
    path.write_bytes(content[:start] + entries + tail)
    with pytest.raises(ReadError, match=r"unpacks to more than 100 times|Overlapped"):
        Source([path])


def test_a_member_with_a_password(read: Read, folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"secret.tsv": TEXT.encode(), "a.tsv": TEXT.encode()})
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1  # the flag of the first member, in both places
    path.write_bytes(content)
    assert read(path) == (PAIRS, [(0, "it has a password")])


def test_a_member_by_a_method_that_nobody_knows(read: Read, folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"odd.tsv": TEXT.encode(), "a.tsv": TEXT.encode()})
    content = bytearray(path.read_bytes())
    for mark, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(mark) + method] = 9
    path.write_bytes(content)
    assert read(path) == (PAIRS, [(0, "it is packed by method 9, which is not known here")])


def test_lzma_that_asks_for_four_gigabytes(folder: Path) -> None:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as target:
        target.writestr("a.tsv", TEXT)
    content = bytearray(path.read_bytes())
    content[30 + 5 + 5 : 30 + 5 + 9] = b"\xf0\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(ReadError, match="needs more than 134,217,728 bytes of memory"):
        Source([path])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
    ],
)
def test_archives_of_other_kinds_are_named(folder: Path, content: bytes, reason: str) -> None:
    path = folder / "a.bin"
    path.write_bytes(content + bytes(100))
    with pytest.raises(ReadError, match=rf"a\.bin: {reason}\. Unpack it"):
        Source([path])


def test_an_archive_inside_an_archive_is_left_out(read: Read, folder: Path) -> None:
    inner = write_zip(folder / "inner.zip", {"a.tsv": TEXT.encode()}).read_bytes()
    path = write_zip(folder / "a.zip", {"inner.zip": inner, "a.tsv": TEXT.encode()})
    assert read(path) == (PAIRS, [(0, "a zip inside another file")])


def test_names_of_a_windows_program_are_read_as_chinese(folder: Path) -> None:
    path = write_zip(folder / "a.zip", {"AAAAAAAA.tsv": TEXT.encode(), "cafe_.tsv": TEXT.encode()})
    content = path.read_bytes().replace(b"AAAAAAAA", "对话语料".encode("gbk"))
    path.write_bytes(content.replace(b"cafe_", b"caf\x82_"))  # é in the code page 437
    names = [file.member for part in Source([path]).parts for file in part.files]
    assert names == ["对话语料.tsv", "café_.tsv"]


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_names_do_not_steer_the_terminal(folder: Path, write: Write) -> None:
    path = write(
        folder / "a",
        {
            "\x1b]0;title\x07\u202eb.tsv": TEXT.encode(),
            f"{'长' * 1_000}.txt": b"once upon a time\n",
        },
    )
    source = Source([path])
    skipped = [each for each in source.records() if isinstance(each, Skipped)]
    names = [*source.encodings, sniff(source)[0].name, *(str(each.member) for each in skipped)]
    assert all(name.isprintable() for name in names)
    assert len(str(skipped[0].member)) <= 255


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_archive_is_read_or_refused(folder: Path, seed: int) -> None:
    """Whatever is wrong with the bytes, no other error than ours comes out."""
    noise = random.Random(seed)
    members = {"a.tsv": TEXT.encode() * 20, "b.tsv.gz": gzipped(TEXT.encode()), "c.in": b"a\n"}
    whole = [
        *(write(folder / "a", members).read_bytes() for write in (write_zip, write_tar)),
        gzip.compress(write_gnu_tar(folder / "a", members).read_bytes()),
        *(pack(TEXT.encode() * 20) for pack in PACKS),
    ]
    for content in whole:
        damaged = bytearray(content)
        for _ in range(noise.choice([1, 2, 10])):
            place = noise.randrange(min(len(damaged), noise.choice([64, 600, 1 << 20])))
            damaged[place : place + noise.choice([0, 1, 4])] = noise.randbytes(noise.choice([1, 4]))
        path = folder / "damaged.tsv"
        path.write_bytes(damaged[: noise.choice([len(damaged), noise.randrange(1, len(damaged))])])
        with suppress(ReadError):
            list(Source([path]).records())
