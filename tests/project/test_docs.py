"""The documents are true."""

import re
from pathlib import Path

import pytest

from chatbot.training.config import Recipe, read_recipe
from corpus_tools.cleaning import CATALOGUE
from corpus_tools.cli import cli
from corpus_tools.exporting import EXPORT_FORMATS
from corpus_tools.formats import FORMATS
from corpus_tools.store.schema import Base
from tests.base.cli_reference import REBUILD, documented, reference

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]


def test_the_help_in_the_docs_is_the_help_of_the_commands() -> None:
    assert documented("corpus") == reference("corpus", cli), f"out of date. Run: {REBUILD}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert missing == []


def first_column(document: str) -> list[str]:
    """Return the names in code that begin the rows of the tables of a document."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)


def test_every_format_and_every_rule_is_documented() -> None:
    assert sorted(first_column("formats.md")) == sorted(FORMATS)
    assert first_column("cleaning.md") == [rule.id for rule in CATALOGUE]
    assert first_column("corpus.md") == list(EXPORT_FORMATS)
    assert set(first_column("store.md")) >= set(Base.metadata.tables)


def test_the_documented_recipe_is_the_defaults(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "recipe.toml").write_text(block, encoding="utf-8")
    assert read_recipe(tmp_path / "recipe.toml") == Recipe()
    names = set(re.findall(r"^(\w+) = ", block, flags=re.MULTILINE))
    assert names == {name for section in Recipe().to_dict().values() for name in section}


def test_the_recipe_of_the_demo_can_be_read() -> None:
    assert read_recipe(ROOT / "examples" / "mini.toml").train.epochs > 0
