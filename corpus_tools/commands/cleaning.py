"""`corpus rules`, `clean`, `rejects` and `restore`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus_tools.cleaning import CATALOGUE, REFUSALS, Profile
from corpus_tools.commands.profiles import profile_of
from corpus_tools.dictionary import dictionary_name
from corpus_tools.errors import UsageError
from corpus_tools.progress import Progress
from corpus_tools.recleaning import clean_again
from corpus_tools.rendering.results import cleaning_json, cleaning_text, rules_json, rules_text
from corpus_tools.rendering.statistics import pair_json, pair_text
from corpus_tools.store import Store, user_words
from corpus_tools.store import rejects as rejected_pairs
from corpus_tools.store import restore as restore_pairs
from corpus_tools.workers import BYTES_A_TURN, Preparer


def rules(*, profile: Path | None, as_json: bool, as_toml: bool) -> str:
    """Return the rules in order, as text, as JSON or as the TOML of a profile."""
    chosen = Profile() if profile is None else Profile.load(profile)
    if as_toml:
        return chosen.toml()
    return rules_json(CATALOGUE, chosen) if as_json else rules_text(CATALOGUE, chosen)


def clean(store: str, *, profile: Path | None, processes: int, dry_run: bool, as_json: bool) -> str:
    """Run all rules over a store and return what they did."""
    with Store(store, dry_run=dry_run) as opened:
        chosen = profile_of(opened, profile)
        words = user_words(opened)
        turns = sum(row.turns_done for row in opened.imports())
        with Preparer(processes, chosen, words) as preparer, Progress(store, turns) as progress:
            report = clean_again(
                opened,
                chosen,
                prepare=preparer.choose(turns * BYTES_A_TURN),
                dictionary=dictionary_name(words),
                on_progress=progress.show,
            )
    return cleaning_json(report) if as_json else cleaning_text(report)


def rejects(
    store: str, *, rule: str | None, count: int, seed: int | None, as_json: bool
) -> Iterator[str]:
    """Return refused pairs at random, as text or as JSON."""
    if rule is not None and rule not in REFUSALS:
        raise UsageError(f"unknown rule {rule!r}; known rules: {', '.join(REFUSALS)}")
    with Store(store) as opened:
        pairs = rejected_pairs(opened, count, seed=seed, rule=rule)
    return map(pair_json if as_json else pair_text, pairs)


def restore(store: str, pair_ids: Sequence[int], *, dry_run: bool) -> str:
    """Accept refused pairs for good and say which."""
    with Store(store, dry_run=dry_run) as opened:
        restored = restore_pairs(opened, pair_ids)
    if unknown := sorted(set(pair_ids) - set(restored)):
        named = ", ".join(f"#{number}" for number in unknown)
        raise UsageError(f"no refused pair {named} in {opened.name}. 'corpus rejects' shows some.")
    return f"{len(restored):,} pairs restored; no rule refuses them again."
