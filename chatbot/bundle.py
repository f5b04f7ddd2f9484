"""The bundle folder: read and written here only.

    manifest.json       format number, model, decoding defaults, checksum and size of each file
    vocabulary.json     {"tokens": […], "costs": […]}
    normalisation.json  {"Ａ": "a", …}: one character to its replacement
    text.onnx           text in, replies out: segmentation, network and search inside
    ids.onnx            not in every bundle: a batch of source ids in, reply ids out
    golden.jsonl        text → ids → replies under named decodings: what every client must give

`exports/README.md` specifies it for other languages.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.decoding import SETTINGS, Decoding, from_dict, to_dict
from chatbot.errors import BundleError, ChatbotError
from chatbot.fallback import Fallback
from chatbot.text import Tokenizer
from chatbot.vocabulary import SEPARATOR, Vocabulary

if TYPE_CHECKING:  # numpy is late to load, and here only a name
    from numpy import float32
    from numpy.typing import NDArray

FORMAT = 2

MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"
NORMALISATION = "normalisation.json"
TEXT_GRAPH = "text.onnx"
IDS_GRAPH = "ids.onnx"
GOLDEN = "golden.jsonl"
FILES = (VOCABULARY, NORMALISATION, TEXT_GRAPH, GOLDEN)
"""What every bundle has."""

MAX_MANIFEST_BYTES = 1 << 20
MAX_FILE_BYTES = 2 << 30

# What reading a well-formed JSON of the wrong shape can raise.
_WRONG_SHAPE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
    ChatbotError,
)

# The names that cross the border between a graph and its callers; B = 1 has no dimension in the
# graph of text.
TEXT = "text"  # string (1,)
SOURCE = "src"  # int64 (B, S), padded with PAD
SOURCE_LENGTH = "src_len"  # int64 (B,)
TEXT_INPUTS = (TEXT, *SETTINGS)
IDS_INPUTS = (SOURCE, SOURCE_LENGTH, *SETTINGS)

IDS = "ids"  # int64 (B, K, T), best first; after EOS only PAD
LENGTHS = "lengths"  # int64 (B, K), EOS included
SCORES = "scores"  # float32 (B, K)
ATTENTION = "attention"  # float32 (B, K, T, S); (B, K, T, 0) where there is no attention
IDS_OUTPUTS = (IDS, LENGTHS, SCORES, ATTENTION)
REPLY = "reply"  # string (K,)
TOKENS = "tokens"  # string (K, T)
READ = "source"  # int64 (S,): what was read of the text
READ_TOKENS = "source_tokens"  # string (S,)
TEXT_OUTPUTS = (REPLY, SCORES, IDS, LENGTHS, ATTENTION, TOKENS, READ, READ_TOKENS)


@dataclass(frozen=True)
class Hypothesis:
    """Hold one reply as the search found it: ids without EOS, and its score.

    The attention, where there is one, has a row for each token, EOS included, and a column for each
    of the source.
    """

    ids: tuple[int, ...]
    score: float
    finished: bool = field(default=True, compare=False)  # or cut at its greatest length
    attention: "NDArray[float32] | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class GoldenCase:
    """Hold one conformance vector: what a text must become under one decoding."""

    text: str
    ids: tuple[int, ...]
    decoding: Decoding
    replies: tuple[Hypothesis, ...]


@dataclass(frozen=True)
class Bundle:
    """Hold an opened bundle: checked, but with no graph loaded yet."""

    folder: Path
    manifest: Mapping[str, Any]
    decoding: Decoding
    fallback: Fallback | None

    @classmethod
    def open(cls, folder: str | Path) -> "Bundle":
        """Check the folder's format, settings and sizes; contents are checked when they are read.

        Raises `BundleError` for a folder that is no bundle, is damaged or is of another format.
        """
        folder = Path(folder)
        manifest = _read_manifest(folder)
        for name in FILES:
            _checked_path(folder, name, manifest)
        if IDS_GRAPH in manifest["files"]:
            _checked_path(folder, IDS_GRAPH, manifest)
        try:
            decoding = from_dict(manifest["decoding"])
            honest = manifest.get("fallback")
            fallback = None if honest is None else Fallback.from_dict(honest)
            for name, least in (("max_source", 1), ("context", 0)):
                if type(manifest[name]) is not int or manifest[name] < least:
                    raise ValueError(f"{name}={manifest[name]}")
        except _WRONG_SHAPE as error:
            raise _damaged(folder, error) from error
        return cls(folder, manifest, decoding, fallback)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Return what cuts text as the graph does; a reply does not need it."""
        vocabulary = _json(self.folder, VOCABULARY, self.manifest)
        table = _json(self.folder, NORMALISATION, self.manifest)
        try:
            if not all(isinstance(text, str) and len(text) <= 1 for text in table.values()):
                raise TypeError("a replacement of the normalisation is no text of 0 or 1 character")
            words = Vocabulary(tuple(vocabulary["tokens"]), tuple(vocabulary["costs"]))
            return Tokenizer(words, table)
        except _WRONG_SHAPE as error:
            raise _damaged(self.folder, error) from error

    def text(self, turn: str, context: Sequence[str] = ()) -> str:
        """Return what the graph reads: the turn, then those before it that the model knows.

        `context` are the turns before, oldest first.
        """
        number = self.manifest["context"]
        turns = [turn, *reversed(context[max(0, len(context) - number) :])]
        return SEPARATOR.join(one.replace(SEPARATOR, " ") for one in turns)

    def source(self, text: str) -> list[int]:
        """Return what the encoder reads: the ids of `text`, cut to the model's length, and EOS."""
        return self.tokenizer.source(text, self.manifest["max_source"])

    def graph(self, name: str = TEXT_GRAPH) -> bytes:
        """Return an ONNX graph, its checksum verified."""
        return _checked_bytes(self.folder, name, self.manifest)

    @property
    def has_ids_graph(self) -> bool:
        """Return whether the bundle has a graph for batches."""
        return IDS_GRAPH in self.manifest["files"]

    def golden(self) -> Iterator[GoldenCase]:
        """Yield the conformance vectors."""
        lines = _checked_bytes(self.folder, GOLDEN, self.manifest).splitlines()
        for number, line in enumerate(lines, 1):
            try:
                case = _golden_case(json.loads(line))
            except _WRONG_SHAPE as error:
                problem = f"{type(error).__name__}: {error}"  # the repr may hold the whole line
                raise BundleError(
                    f"{self.folder / GOLDEN}, line {number}: no conformance vector ({problem}). "
                    "Export the bundle again."
                ) from error
            yield case


def shipped_bundle() -> Path:
    """Return the folder of the bundle that comes with the package."""
    package = Path(__file__).parent
    installed = package / "shipped_bundle"  # where the wheel has it
    return installed if installed.is_dir() else package.parent / "exports" / "xiaoyan"


def write_bundle(
    folder: str | Path,
    *,
    graphs: Mapping[str, bytes],
    tokenizer: Tokenizer,
    decoding: Decoding,
    max_source: int,
    context: int,
    golden: Iterable[GoldenCase],
    about: Mapping[str, Any],
) -> None:
    """Write the bundle beside `folder` and rename it into place: whole or not at all.

    `graphs` are the files `text.onnx` and, for batches, `ids.onnx`; `context` is how many turns the
    model reads besides the last.
    `about` goes into the manifest: the model's settings, where it comes from, how good it is.
    Raises `BundleError` where `folder` holds something that is no bundle.
    """
    folder = Path(folder).resolve()  # "." has no name to write beside
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder} exists and is no bundle. Choose another folder or remove it.")
    vocabulary = tokenizer.vocabulary
    contents = {
        VOCABULARY: _dump({"tokens": list(vocabulary.tokens), "costs": list(vocabulary.costs)}),
        NORMALISATION: _dump(dict(tokenizer.table)),
        **graphs,
        GOLDEN: b"".join(_dump(_golden_record(case, tokenizer)) for case in golden),
    }
    manifest = {
        "format": FORMAT,
        **{name: value for name, value in about.items() if name != "format"},
        "max_source": max_source,
        "context": context,
        "decoding": to_dict(decoding),
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in contents.items()
        },
    }
    contents[MANIFEST] = _dump(manifest, indent=2)
    _replace_folder(folder, contents)


def _damaged(folder: Path, error: Exception) -> BundleError:
    return BundleError(f"{folder}: damaged bundle ({error!r}). Export it again.")


def _golden_record(case: GoldenCase, tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "text": case.text,
        "ids": list(case.ids),
        "decoding": to_dict(case.decoding),
        "replies": [
            {"text": tokenizer.decode(reply.ids), "ids": list(reply.ids), "score": reply.score}
            for reply in case.replies
        ],
    }


def _golden_case(values: Mapping[str, Any]) -> GoldenCase:
    if not isinstance(values["text"], str):
        raise TypeError("the text is none")
    return GoldenCase(
        values["text"],
        tuple(values["ids"]),
        from_dict(values["decoding"]),
        tuple(Hypothesis(tuple(r["ids"]), float(r["score"])) for r in values["replies"]),
    )


def _dump(value: object, indent: int | None = None) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode()


def _replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.new-{secrets.token_hex(4)}")
    beside.mkdir()
    try:
        for name, data in contents.items():
            with (beside / name).open("wb") as file:
                file.write(data)
                os.fsync(file.fileno())
        _swap(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _swap(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; where that fails, the old folder is back."""
    old = new.with_name(f"{new.name}.old")
    replacing = folder.exists()
    if replacing:
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if replacing:
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"{folder}: no {MANIFEST}. A bundle is the folder that 'chatbot export' writes."
        )
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise BundleError(f"{path}: larger than {MAX_MANIFEST_BYTES} bytes; no manifest is.")
    manifest: Mapping[str, Any] = _parse(path.read_bytes(), path)
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if type(found) is not int:  # true is an int, but no format
        raise BundleError(f"{path}: no format number. Export the bundle again.")
    if found != FORMAT:
        raise BundleError(
            f"{folder}: bundle format {found}; this version reads {FORMAT}. "
            f"{'Upgrade duihua.' if found > FORMAT else 'Export it again.'}"
        )
    return manifest


def _json(folder: Path, name: str, manifest: Mapping[str, Any]) -> Any:
    return _parse(_checked_bytes(folder, name, manifest), folder / name)


def _parse(data: bytes, path: Path) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not JSON ({error}). Export the bundle again.") from error


def _checked_bytes(folder: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    """Return the file's bytes after comparing its size, then its checksum, with the manifest."""
    path = _checked_path(folder, name, manifest)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest["files"][name]["sha256"]:
        raise BundleError(f"{path}: its checksum differs from the manifest's. Export it again.")
    return data


def _checked_path(folder: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """Return the file's path after comparing its size with the manifest."""
    path = folder / name
    try:
        size, _ = (manifest["files"][name][key] for key in ("bytes", "sha256"))
    except (KeyError, TypeError) as error:
        raise BundleError(f"{folder / MANIFEST} does not list {name}. Export it again.") from error
    if not path.is_file():
        raise BundleError(f"{folder}: {name} is missing. Copy the whole folder or export it again.")
    found = path.stat().st_size
    if found != size or found > MAX_FILE_BYTES:
        raise BundleError(f"{path}: {found} bytes; the manifest says {size}. Export it again.")
    return path
