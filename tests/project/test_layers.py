"""What must not be loaded, is not, and what has a door comes through it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOORS = {
    "duckdb": {"corpus_tools/exporting/files.py", "corpus_tools/formats/readers/parquet.py"},
    "jieba": {"corpus_tools/dictionary.py"},
    "opencc": {"corpus_tools/cleaning/characters.py"},
    "psycopg": set(),  # sqlalchemy loads it
    "rensa": {"corpus_tools/cleaning/near.py"},
    "rjieba": {"corpus_tools/segmenter.py"},
}


def packages_named(path: Path) -> Iterator[str]:
    """Yield the packages that a file imports, also by their names as strings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))]):
                yield name.partition(".")[0]


def test_the_packages_of_the_extras_have_doors() -> None:
    found: dict[str, set[str]] = {package: set() for package in DOORS}
    for path in [*ROOT.glob("chatbot/**/*.py"), *ROOT.glob("corpus_tools/**/*.py")]:
        for package in DOORS.keys() & set(packages_named(path)):
            found[package].add(path.relative_to(ROOT).as_posix())
    assert found == DOORS


def test_the_trainer_reads_the_store_without_the_corpus_tools() -> None:
    left_out = {"corpus_tools", "sqlalchemy", "jieba"}
    code = f"import sys, chatbot.training.trainer; print({left_out} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
