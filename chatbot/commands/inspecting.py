"""The command that says what a bundle is: `inspect`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from chatbot.bot import ChatBot
from chatbot.bundle import FILES, IDS_GRAPH, Bundle, shipped_bundle
from chatbot.commands.terminal import printable
from chatbot.errors import BundleError


@click.command(epilog="Example: chatbot inspect --verify exports/xiaoyan")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--verify", is_flag=True, help="Check every reply that the bundle promises.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def inspect(folder: Path | None, verify: bool, as_json: bool) -> None:
    """Say what a bundle is.

    FOLDER is by default the bundle that ships with duihua.
    """
    bundle = Bundle.open(folder or shipped_bundle())
    facts = _facts(bundle)
    differences: list[str] = []
    if verify:
        facts["checked"] = sum(1 for _ in bundle.golden())
        differences = ChatBot(bundle).verify()
        facts["differences"] = differences
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else _table(facts))
    if differences:
        raise BundleError(
            f"{bundle.folder}: {len(differences)} of {facts['checked']} replies are not what the "
            "bundle promises. Export it again."
        )


def _facts(bundle: Bundle) -> dict[str, Any]:
    """Return what the manifest says, the size of each file in the place of its checksum."""
    names = [*FILES, IDS_GRAPH] if bundle.has_ids_graph else FILES
    files = {name: bundle.manifest["files"][name]["bytes"] for name in names}
    return {
        "folder": str(bundle.folder),
        **bundle.manifest,
        "vocabulary": len(bundle.tokenizer.vocabulary),
        "files": files,
    }


def _table(facts: Mapping[str, Any]) -> str:
    """Lay out one line a fact; a list or a mapping gives one line a member."""
    rows = [
        (printable(name), printable(text)) for fact in facts.items() for name, text in _rows(*fact)
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _rows(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for member, inner in value.items():
            yield from _rows(f"{name} {member}", inner)
    elif isinstance(value, list):
        for member in value or ["none"]:
            yield from _rows(name, member)
    else:
        yield name, str(value)
