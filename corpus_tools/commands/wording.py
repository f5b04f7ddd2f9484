"""`corpus words` and `segment`: the user's dictionary."""

import json
from collections.abc import Sequence

from chatbot.text import normalise
from corpus_tools.commands.profiles import profile_of
from corpus_tools.dictionary import check_word, dictionary_name
from corpus_tools.errors import UsageError
from corpus_tools.progress import Progress
from corpus_tools.recleaning import segment_again
from corpus_tools.store import Store, stale_imports, user_words
from corpus_tools.store import add_words as add
from corpus_tools.store import remove_words as remove
from corpus_tools.workers import BYTES_A_TURN, Preparer


def add_words(store: str, words: Sequence[str], *, frequency: int | None, dry_run: bool) -> str:
    """Add words to the dictionary and say what is to be segmented again."""
    wanted = [normalise(word) for word in words]
    for word in wanted:
        check_word(word)
    with Store(store, create=True, dry_run=dry_run) as opened:
        add(opened, dict.fromkeys(wanted, frequency))
        return f"{len(wanted):,} words added.{_advice(opened)}"


def remove_words(store: str, words: Sequence[str], *, dry_run: bool) -> str:
    """Remove words from the dictionary and say what is to be segmented again."""
    wanted = [normalise(word) for word in words]
    with Store(store, dry_run=dry_run) as opened:
        removed = remove(opened, wanted)
        if unknown := sorted(set(wanted) - set(removed)):
            raise UsageError(f"no word {', '.join(unknown)}. 'corpus words list' shows them.")
        return f"{len(removed):,} words removed.{_advice(opened)}"


def list_words(store: str, *, as_json: bool) -> str:
    """Return the words that were added, a line each."""
    with Store(store) as opened:
        words = user_words(opened)
    if as_json:
        return json.dumps(words, ensure_ascii=False)
    return "\n".join(word if count is None else f"{word} {count}" for word, count in words.items())


def segment(store: str, *, processes: int, dry_run: bool) -> str:
    """Segment what was segmented with another dictionary, and say how much has changed."""
    with Store(store, dry_run=dry_run) as opened:
        words = user_words(opened)
        dictionary = dictionary_name(words)
        stale = stale_imports(opened, dictionary)
        profile = profile_of(opened, None)
        changed = 0
        with Preparer(processes, profile, words) as preparer:
            for row in stale:
                with Progress(row.path, row.turns_done) as progress:
                    changed += segment_again(
                        opened,
                        row,
                        prepare=preparer.choose(row.turns_done * BYTES_A_TURN),
                        dictionary=dictionary,
                        on_progress=progress.show,
                    )
    if not stale:
        return "Every import is segmented with the dictionary of today; nothing to do."
    return f"{len(stale):,} imports segmented anew; {changed:,} turns have other words."


def _advice(store: Store) -> str:
    dictionary = dictionary_name(user_words(store))
    stale = len(stale_imports(store, dictionary))
    return f" {stale:,} imports are segmented without them: run 'corpus segment'." if stale else ""
