"""The bundle folder: what is refused, and how it is written."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from chatbot.bundle import (
    FILES,
    FORMAT,
    IDS_GRAPH,
    MAX_MANIFEST_BYTES,
    TEXT_GRAPH,
    Bundle,
    GoldenCase,
    write_bundle,
)
from chatbot.decoding import Beam, Greedy
from chatbot.errors import BundleError, ChatbotError
from chatbot.text import Tokenizer
from chatbot.vocabulary import SPECIALS, Vocabulary

WITH_BATCHES = (*FILES, IDS_GRAPH)


def set_in_manifest(folder: Path, **values: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values), encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(folder: Path, *, golden: Iterable[GoldenCase] = (), **changes: Any) -> None:
    """Write a bundle whose graphs no runtime would take."""
    settings: dict[str, Any] = {
        "graphs": {TEXT_GRAPH: b"graph"},
        "tokenizer": Tokenizer(Vocabulary((*SPECIALS, "你"), (0, 0, 0, 0, 7))),
        "decoding": Beam(width=3),
        "max_source": 5,
        "context": 0,
        "about": {"name": "new"},
    }
    write_bundle(folder, golden=golden, **settings | changes)


class TestOpen:
    def test_a_sound_folder(self, folder):
        assert Bundle.open(folder).folder == folder
        assert Bundle.open(str(folder)).source("")[-1] == 2

    def test_no_folder(self, tmp_path):
        message = "no manifest.json. A bundle is the folder that 'chatbot export' writes."
        with pytest.raises(BundleError, match=message) as caught:
            Bundle.open(tmp_path / "nowhere")
        assert caught.value.exit_code == 3

    @pytest.mark.parametrize("name", WITH_BATCHES)
    def test_a_missing_file(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(BundleError, match=f"{name} is missing. Copy the whole folder"):
            Bundle.open(folder)

    @pytest.mark.parametrize("name", WITH_BATCHES)
    def test_another_size(self, folder, name):
        with (folder / name).open("ab") as file:
            file.write(b" ")
        with pytest.raises(BundleError, match=r"\d+ bytes; the manifest says \d+"):
            Bundle.open(folder)

    @pytest.mark.parametrize("name", WITH_BATCHES)
    def test_a_changed_byte(self, folder, name):
        data = bytearray((folder / name).read_bytes())
        data[-2] ^= 1
        (folder / name).write_bytes(data)
        with pytest.raises(BundleError, match=f"{name}: its checksum differs"):
            read_everything(folder)

    @pytest.mark.parametrize("name", FILES)
    def test_a_file_that_the_manifest_does_not_list(self, folder, name):
        listed = json.loads((folder / "manifest.json").read_bytes())["files"]
        del listed[name]
        set_in_manifest(folder, files=listed)
        with pytest.raises(BundleError, match=f"does not list {name}"):
            Bundle.open(folder)

    @pytest.mark.parametrize("about", [None, 5, [], {"bytes": 5}, "sha256"])
    @pytest.mark.parametrize("name", WITH_BATCHES)
    def test_a_file_that_is_listed_without_size_or_checksum(self, folder, name, about):
        listed = json.loads((folder / "manifest.json").read_bytes())["files"]
        set_in_manifest(folder, files=listed | {name: about})
        with pytest.raises(BundleError, match=f"does not list {name}"):
            Bundle.open(folder)

    @pytest.mark.parametrize("files", [None, 5, [], [*FILES], "vocabulary.json"])
    def test_a_list_of_files_that_is_none(self, folder, files):
        set_in_manifest(folder, files=files)
        with pytest.raises(BundleError, match="does not list"):
            Bundle.open(folder)

    def test_the_graph_for_batches_need_not_be_there(self, folder):
        listed = json.loads((folder / "manifest.json").read_bytes())["files"]
        del listed[IDS_GRAPH]
        set_in_manifest(folder, files=listed)
        assert not Bundle.open(folder).has_ids_graph  # left over from another bundle, perhaps
        (folder / IDS_GRAPH).unlink()
        assert not Bundle.open(folder).has_ids_graph

    @pytest.mark.parametrize(
        ("number", "message"),
        [
            (FORMAT + 1, f"bundle format {FORMAT + 1}; this version reads {FORMAT}. Upgrade"),
            (FORMAT - 1, f"bundle format {FORMAT - 1}; this version reads {FORMAT}. Export it"),
            (None, "no format number"),
            ("1", "no format number"),
            (True, "no format number"),
        ],
    )
    def test_another_format(self, folder, number, message):
        set_in_manifest(folder, format=number)
        with pytest.raises(BundleError, match=message):
            Bundle.open(folder)

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[]", "no format number"),
            (b" " * (MAX_MANIFEST_BYTES + 1), "larger than 1048576 bytes"),
        ],
    )
    def test_a_manifest_that_is_none(self, folder, data, message):
        (folder / "manifest.json").write_bytes(data)
        with pytest.raises(BundleError, match=message):
            Bundle.open(folder)

    @pytest.mark.parametrize(
        "values",
        [
            {"decoding": None},
            {"decoding": {"kind": "oracle"}},
            {"decoding": {"kind": "beam", "width": 1000}},
            {"max_source": None},
            {"max_source": "30"},
            {"max_source": 0},
            {"max_source": 2.5},
            {"max_source": 50.0},
            {"max_source": True},
            {"context": None},
            {"context": "2"},
            {"context": -1},
            {"context": 2.0},
            {"context": False},
        ],
    )
    def test_settings_that_no_writer_wrote(self, folder, values):
        set_in_manifest(folder, **values)
        with pytest.raises(BundleError, match="damaged bundle"):
            Bundle.open(folder)

    @pytest.mark.parametrize("name", ["max_source", "context", "decoding"])
    def test_a_missing_setting(self, folder, name):
        manifest = json.loads((folder / "manifest.json").read_bytes())
        del manifest[name]
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        with pytest.raises(BundleError, match=f"damaged bundle .*{name}"):
            Bundle.open(folder)

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("vocabulary.json", b"[]"),
            ("normalisation.json", b'{"a": [1]}'),
            ("normalisation.json", b'{"a": 1000000000}'),
            ("vocabulary.json", b'{"tokens": ["a"], "costs": [0]}'),
            ("vocabulary.json", b'{"tokens": 5, "costs": [0]}'),
            ("normalisation.json", b"[]"),
            ("normalisation.json", b'{"ab": "c"}'),
            ("normalisation.json", b'{"a": "bc"}'),
            ("normalisation.json", b'{"": ""}'),
        ],
    )
    def test_contents_of_the_wrong_shape(self, folder, rewrite, name, data):
        """They are read when text is first cut outside the graph, which has its own."""
        rewrite(folder, name, data)
        bundle = Bundle.open(folder)
        with pytest.raises(BundleError, match="damaged bundle"):
            bundle.source("你好")

    @pytest.mark.parametrize("name", ["vocabulary.json", "normalisation.json"])
    def test_contents_that_are_no_json(self, folder, rewrite, name):
        rewrite(folder, name, b"{")
        bundle = Bundle.open(folder)
        with pytest.raises(BundleError, match=f"{name}: not JSON"):
            bundle.source("你好")

    @pytest.mark.parametrize("line", [b"{", b"{}", b"[]", b"7"])
    def test_conformance_vectors_of_the_wrong_shape(self, folder, rewrite, line):
        first = (folder / "golden.jsonl").read_bytes().splitlines()[0]
        rewrite(folder, "golden.jsonl", first + b"\n" + line + b"\n")
        with pytest.raises(BundleError, match="line 2: no conformance vector"):
            read_everything(folder)


def read_everything(folder: Path) -> None:
    bundle = Bundle.open(folder)
    bundle.graph()
    bundle.graph(IDS_GRAPH)
    bundle.source("你好")
    list(bundle.golden())


class TestSource:
    def test_is_cut_to_the_length_of_the_model_and_ends_with_the_end_mark(self, tmp_path):
        write(tmp_path / "short")
        bundle = Bundle.open(tmp_path / "short")
        assert bundle.source("你") == [4, 2]
        assert bundle.source("你" * 99) == [4, 4, 4, 4, 2]  # max_source=5


class TestText:
    @pytest.fixture
    def reading(self, folder):
        """Return the bundle of a model that reads so many turns."""

        def reading(turns: int) -> Bundle:
            set_in_manifest(folder, context=turns)
            return Bundle.open(folder)

        return reading

    @pytest.mark.parametrize(
        ("turns", "expected"),
        [
            (0, "now"),
            (1, "now\x1elate"),
            (2, "now\x1elate\x1eearly"),
            (3, "now\x1elate\x1eearly\x1efirst"),
            (9, "now\x1elate\x1eearly\x1efirst"),
            (10**30, "now\x1elate\x1eearly\x1efirst"),
        ],
    )
    def test_is_the_turn_and_those_before_it_newest_first(self, reading, turns, expected):
        assert reading(turns).text("now", ["first", "early", "late"]) == expected
        assert reading(turns).text("now", ("first", "early", "late")) == expected

    @pytest.mark.parametrize("turns", [0, 2])
    def test_without_a_turn_before_is_the_turn(self, reading, turns):
        assert reading(turns).text("now") == "now"
        assert reading(turns).text("", [""] * turns) == "\x1e" * turns

    @pytest.mark.parametrize("turns", [0, 2])
    def test_no_turn_makes_two(self, reading, turns):
        text = reading(turns).text("a\x1eb", ["c", "\x1ed\x1e"])
        assert text == ("a b\x1e d \x1ec" if turns else "a b")


class TestWrite:
    def test_what_is_written_is_what_is_read(self, tmp_path):
        write(tmp_path / "deep" / "模型 2")
        bundle = Bundle.open(tmp_path / "deep" / "模型 2")
        assert bundle.tokenizer.vocabulary.tokens == (*SPECIALS, "你")
        assert bundle.decoding == Beam(width=3)
        assert bundle.manifest["name"] == "new"
        assert bundle.manifest["context"] == 0
        assert bundle.graph() == b"graph"
        assert not bundle.has_ids_graph

    def test_a_graph_for_batches_where_there_is_one(self, tmp_path):
        write(tmp_path / "new", graphs={TEXT_GRAPH: b"graph", IDS_GRAPH: b"other"})
        bundle = Bundle.open(tmp_path / "new")
        assert (bundle.graph(), bundle.graph(IDS_GRAPH)) == (b"graph", b"other")
        assert bundle.has_ids_graph

    @pytest.mark.parametrize("name", ["format", "max_source", "context", "decoding", "files"])
    def test_what_is_told_about_a_bundle_changes_nothing_that_it_needs(self, tmp_path, name):
        write(tmp_path / "plain", context=1)
        write(tmp_path / "told", context=1, about={name: 99, "quality": {"loss": 1.5}})
        plain, told = (Bundle.open(tmp_path / one).manifest for one in ("plain", "told"))
        assert told[name] == plain[name]
        assert told["quality"] == {"loss": 1.5}
        assert next(iter(told)) == "format"

    def test_conformance_vectors_come_back(self, folder, tmp_path):
        case = GoldenCase("你", (4, 2), Greedy(), ())
        write(tmp_path / "new", golden=(case, case))
        assert list(Bundle.open(tmp_path / "new").golden()) == [case, case]

    def test_an_old_bundle_is_replaced_whole(self, folder):
        (folder / "left over").touch()
        write(folder)
        assert Bundle.open(folder).manifest["name"] == "new"
        assert sorted(contents(folder)) == sorted([*FILES, "manifest.json"])
        assert list(folder.parent.iterdir()) == [folder]

    def test_another_folder_is_not_touched(self, tmp_path):
        precious = tmp_path / "thesis"
        precious.mkdir()
        (precious / "chapter").write_text("one")
        with pytest.raises(BundleError, match="exists and is no bundle"):
            write(precious)
        assert contents(precious) == {"chapter": b"one"}

    def test_the_working_directory(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        write(Path("."))  # noqa: PTH201 - the path as a person gives it
        assert Bundle.open(folder).manifest["name"] == "new"

    @pytest.mark.parametrize("failing", ["write", "rename the new", "rename the old"])
    def test_a_failure_leaves_the_old_bundle_and_nothing_else(self, folder, monkeypatch, failing):
        before = contents(folder)
        break_down(monkeypatch, failing)
        with pytest.raises(OSError, match="no space left"):
            write(folder)
        monkeypatch.undo()
        assert contents(folder) == before
        assert list(folder.parent.iterdir()) == [folder]

    def test_a_vector_that_cannot_be_computed_leaves_the_old_bundle(self, folder):
        def vectors():
            yield GoldenCase("你", (4, 2), Greedy(), ())
            raise ChatbotError("the model does not equal its graph")

        before = contents(folder)
        with pytest.raises(ChatbotError, match="does not equal"):
            write(folder, golden=vectors())
        assert contents(folder) == before
        assert list(folder.parent.iterdir()) == [folder]


def break_down(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """Let the disk fail at one of the three moments that matter."""
    rename = Path.rename

    def broken_rename(path, target):
        moment = "rename the new" if path.name.startswith(".") else "rename the old"
        if moment == failing and not str(path).endswith(".old"):
            raise OSError("no space left")
        return rename(path, target)

    def broken_sync(descriptor):
        if failing == "write":
            raise OSError("no space left")

    monkeypatch.setattr(Path, "rename", broken_rename)
    monkeypatch.setattr("os.fsync", broken_sync)


def test_a_bundle_can_be_moved(folder, tmp_path):
    Bundle.open(shutil.move(folder, tmp_path / "elsewhere"))
