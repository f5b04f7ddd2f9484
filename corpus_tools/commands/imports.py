"""`corpus list`, `undo`, `gc` and `split`: imports as a whole."""

from corpus_tools.cleaning import clusters
from corpus_tools.commands.profiles import profile_of
from corpus_tools.dictionary import dictionary_name
from corpus_tools.errors import UsageError
from corpus_tools.keys import Shares
from corpus_tools.rendering.results import imports_json, imports_text, size_text
from corpus_tools.store import (
    Store,
    dialogue_texts,
    free_space,
    split_store,
    undo_cleaning,
    user_words,
)


def list_imports(store: str, *, as_json: bool) -> str:
    """Return all imports, with what they brought and where it is from."""
    with Store(store) as opened:
        rows = opened.imports()
        dictionary = dictionary_name(user_words(opened))
    return imports_json(rows) if as_json else imports_text(rows, dictionary)


def undo(store: str, number: int | None, *, cleaning: bool, dry_run: bool) -> str:
    """Take an import or the last cleaning run back and say so."""
    if cleaning == (number is not None):
        raise UsageError("Name the import to undo ('corpus list' shows them), or --cleaning.")
    with Store(store, dry_run=dry_run) as opened:
        if number is not None:
            if not opened.remove_import(number):
                raise UsageError(f"no import {number} in {opened.name}. 'corpus list' shows them.")
            return f"Import {number} undone. 'corpus gc' gives its room back to the disk."
        changed = undo_cleaning(opened, duplicates=not profile_of(opened, None).duplicate.on)
    if changed is None:
        raise UsageError(f"no cleaning run to undo in {opened.name}.")
    return f"The last cleaning run undone: {changed:,} turns are as they were."


def collect_garbage(store: str, *, dry_run: bool) -> str:
    """Free the room of what was undone, and of what cleaning runs keep for an undo."""
    with Store(store, dry_run=dry_run) as opened:
        before, after = free_space(opened)
    return f"{size_text(before)} before, {size_text(after)} now."


def split(store: str, shares: Shares, *, near: float | None, dry_run: bool) -> str:
    """Give every dialogue its split and say how many each has.

    With `near`, dialogues that are that similar (0 to 1) go the same way.
    """
    with Store(store, dry_run=dry_run) as opened:
        together = {} if near is None else dict(clusters(dialogue_texts(opened), near))
        sizes = split_store(opened, shares, clusters=together)
    counts = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    return f"Dialogues: {counts}."
