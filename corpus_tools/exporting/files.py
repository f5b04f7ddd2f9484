"""The formats that need a file: two side by side, and Parquet."""

from collections.abc import Sequence
from contextlib import closing
from glob import escape
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile

from corpus_tools.errors import CorpusError, MissingExtraError
from corpus_tools.exporting.selection import Selection
from corpus_tools.exporting.text import jsonl_lines, one_line
from corpus_tools.exporting.writing import written_beside
from corpus_tools.store import Store

SIDES = ("prompt", "reply")
"""What stands in the names of two parallel files, by which an import knows that they are two."""
ROW_GROUP = 20_480
"""Rows that a reader of a Parquet file has to hold at once; DuckDB rounds up to 2,048."""

_BOUNDS = {
    "memory_limit": "512MB",
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def write_parallel(store: Store, selection: Selection, path: Path) -> list[Path]:
    """Write the prompts and the replies, one a line, beside one another; return both names."""
    paths = [path.with_name(f"{path.stem}.{side}{path.suffix or '.txt'}") for side in SIDES]
    with written_beside(*paths) as (prompts, replies):
        for pair in selection.pairs(store):
            prompts.write(f"{one_line(pair.prompt)}\n".encode())
            replies.write(f"{one_line(pair.reply)}\n".encode())
    return paths


def write_parquet(store: Store, selection: Selection, path: Path) -> list[Path]:
    """Write a row a pair with the columns of JSONL; its lines lie beside the file meanwhile."""
    _check_installed()
    with (
        written_beside(path) as (file,),
        NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".jsonl") as lines,
    ):
        lines.writelines(f"{line}\n".encode() for line in jsonl_lines(store, selection))
        lines.flush()
        _convert(Path(lines.name), Path(file.name), selection.columns, path)
    return [path]


def _convert(lines: Path, target: Path, columns: Sequence[str], path: Path) -> None:
    duckdb = import_module("duckdb")
    types = ", ".join(f"{name}: 'VARCHAR'" for name in columns)
    query = f"""
        COPY (
            FROM read_json($lines, format = 'newline_delimited', columns = {{{types}}})
        ) TO $target (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP},
                      USE_TMP_FILE false)
    """
    names = {"lines": escape(str(lines.absolute())), "target": str(target.absolute())}
    try:
        with closing(duckdb.connect(config=_BOUNDS)) as connection:
            connection.execute(query, names)
    except duckdb.Error as error:
        problem = str(error).partition("\n")[0]
        raise CorpusError(f"{path}: cannot be written as Parquet ({problem}).") from error


def _check_installed() -> None:
    try:
        import_module("duckdb")
    except ModuleNotFoundError as error:
        raise MissingExtraError("duckdb", extra="parquet") from error
