"""What the commands found or did, as text and as JSON."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from chatbot.text import normalise
from corpus_tools.cleaning import Profile, Rule
from corpus_tools.formats import Skipped, Sniffed
from corpus_tools.store import CleaningReport, Found, Hit, ImportRow

_NAMED = 3  # members of an archive that are left out for the same reason
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_KINDS = {
    "text": "Rules: what is changed in a turn",
    "pair": "Filters: which pairs are refused",
    "corpus": "Filters over the whole store: 'duplicate' always, the others at 'corpus clean'",
}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def one_line(text: str, *, longest: int = 60) -> str:
    """Return `text` without what could move the cursor, cut to `longest` characters."""
    plain = _UNPRINTABLE.sub(" ", text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def sniffed_lines(parts: Sequence[Sniffed]) -> Iterator[str]:
    """Yield what was found out about a file; members that are alike share their lines."""
    groups: dict[tuple[Any, ...], list[Sniffed]] = {}
    for part in parts:
        groups.setdefault((part.format, part.encoding, part.columns, part.spacing), []).append(part)
    for alike in groups.values():
        first = alike[0]
        more = f" and {len(alike) - 1:,} more like it" if len(alike) > 1 else ""
        yield f"{one_line(first.name, longest=200)}{more}"
        yield f"  {', '.join(_facts(first))}"
        for prompt, reply in first.pairs:
            yield f"  > {one_line(prompt)}"
            yield f"  < {one_line(reply)}"


def _facts(part: Sniffed) -> Iterator[str]:
    yield f"{part.format} ({part.confidence:.0%} sure)"
    yield part.encoding
    if part.columns:
        yield f"columns {part.columns}"
    if part.spacing != "none":
        yield f"a space between {part.spacing}"


def left_out_lines(left_out: Sequence[Skipped]) -> Iterator[str]:
    """Yield the members of an archive that are not read, a line a reason."""
    names: dict[str, list[str]] = {}
    for each in left_out:
        names.setdefault(each.reason, []).append(one_line(each.member or ""))
    for reason, alike in names.items():
        more = f" and {len(alike) - _NAMED:,} more" if len(alike) > _NAMED else ""
        yield f"left out: {', '.join(alike[:_NAMED])}{more} ({reason})"


def sniffed_json(parts: Sequence[Sniffed], left_out: Sequence[Skipped]) -> str:
    """Return what was found out about an input as one line of JSON."""
    members = [{"name": each.member, "reason": each.reason} for each in left_out]
    found = {"parts": [asdict(part) for part in parts], "left_out": members}
    return json.dumps(found, ensure_ascii=False)


def import_line(row: ImportRow, before: ImportRow, seconds: float) -> str:
    """Return the summary of an import that had come as far as `before`."""
    read = row.pairs_done - before.pairs_done
    accepted = row.pairs_accepted - before.pairs_accepted
    skipped = row.skipped_done - before.skipped_done
    aside = f", {skipped:,} malformed records kept aside" if skipped else ""
    return (
        f"{row.path}: {read:,} pairs read, {accepted:,} accepted, {read - accepted:,} refused"
        f"{aside}; {seconds:.1f} s, {read / max(seconds, 1e-9):,.0f} pairs/s"
    )


def imports_text(rows: Sequence[ImportRow], dictionary: str) -> str:
    """Return three lines an import: where it is from, what it brought, what is to be done."""
    return "\n".join(line for row in rows for line in _import_lines(row, dictionary)) or "no import"


def _import_lines(row: ImportRow, dictionary: str) -> Iterator[str]:
    yield f"#{row.id} {one_line(row.path, longest=200)}"
    refused = row.pairs_done - row.pairs_accepted
    yield (
        f"   {row.dialogues_done:,} dialogues, {row.turns_done:,} turns; {row.pairs_done:,} pairs: "
        f"{row.pairs_accepted:,} accepted, {refused:,} refused; {row.skipped_done:,} malformed"
    )
    origin = f", from {one_line(row.origin, longest=200)}" if row.origin else ""
    yield (
        f"   {row.format}, {row.encoding}; licence {row.license or 'not given'}{origin}; "
        f"{row.created_at:%Y-%m-%d %H:%M} UTC; sha256 {row.sha256[:12]}…"
    )
    if not row.is_complete:
        yield "   not finished: import it again to go on"
    if row.dictionary != dictionary:
        yield f"   segmented with {row.dictionary}: 'corpus segment' brings it up to date"


def imports_json(rows: Sequence[ImportRow]) -> str:
    """Return all imports as one JSON list."""
    return json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2, default=str)


def cleaning_text(report: CleaningReport) -> str:
    """Return what a cleaning run did, rule by rule."""
    names = [name for name in {**report.after, **report.before} if name is not None]
    rows = []
    for name in (None, *names):
        count = report.after.get(name, 0)
        change = count - report.before.get(name, 0)
        rows.append(f"{count:>11,}  {change:>+10,}  {name or 'accepted'}")
    return "\n".join(
        [
            f"{report.turns:,} turns: {report.texts_changed:,} texts changed, "
            f"{report.newly_refused:,} pairs newly refused, "
            f"{report.newly_accepted:,} newly accepted",
            *rows,
        ]
    )


def cleaning_json(report: CleaningReport) -> str:
    """Return what a cleaning run did as one line of JSON."""
    named = {"before": _named(report.before), "after": _named(report.after)}
    return json.dumps({**asdict(report), **named}, ensure_ascii=False)


def _named(counts: dict[str | None, int]) -> dict[str, int]:
    return {name or "accepted": count for name, count in counts.items()}


def found_lines(found: Found, phrases: Sequence[str], *, colour: bool) -> Iterator[str]:
    """Yield the turns that were found between their neighbours, what was asked for highlighted."""
    for hit in found.hits:
        verdict = f", refused: {hit.rejected}" if hit.rejected else ""
        yield f"#{hit.turn_id} {one_line(hit.source, longest=200)}{verdict}"
        if hit.before is not None:
            yield f"  > {one_line(hit.before, longest=200)}"
        mark = "<" if hit.position else ">"
        yield f"  {mark} {_highlighted(hit, phrases, colour=colour)}"
        if hit.after is not None:
            yield f"  < {one_line(hit.after, longest=200)}"
    shown = f", the first {len(found.hits):,} shown" if found.total > len(found.hits) else ""
    yield f"{found.total:,} turns{shown}"


def found_json(found: Found, phrases: Sequence[str]) -> str:
    """Return what was found as one line of JSON; `spans` are places in `text`."""
    hits = [{**asdict(hit), "spans": spans(hit.text, phrases)} for hit in found.hits]
    return json.dumps({"total": found.total, "hits": hits}, ensure_ascii=False)


def spans(text: str, phrases: Sequence[str]) -> list[tuple[int, int]]:
    """Return where `phrases` stand in `text`, whatever their case, width and spaces."""
    folded, places = "", []
    for place, character in enumerate(text):
        plain = normalise(character).strip()
        folded += plain
        places += [place] * len(plain)
    found = set()
    for phrase in phrases:
        wanted = "".join(normalise(phrase).removesuffix("*").split())
        for match in re.finditer(re.escape(wanted), folded):
            found.add((places[match.start()], places[match.end() - 1] + 1))
    return sorted(found)


def _highlighted(hit: Hit, phrases: Sequence[str], *, colour: bool) -> str:
    opening, closing = (_BOLD, _PLAIN) if colour else ("【", "】")
    text = _UNPRINTABLE.sub(lambda match: " " * len(match[0]), hit.text)
    shown, last = "", 0
    for start, end in spans(text, phrases):
        if start >= last:
            shown += f"{text[last:start]}{opening}{text[start:end]}{closing}"
            last = end
    return shown + text[last:]


def size_text(size: int) -> str:
    """Return a number of bytes in MiB."""
    return f"{size / 2**20:,.1f} MiB"


def rules_text(catalogue: Sequence[Rule], profile: Profile) -> str:
    """Return all rules in order, with what they are for and an example."""
    lines: list[str] = []
    for kind, title in _KINDS.items():
        lines += [title, ""]
        for rule in catalogue:
            if rule.kind == kind:
                lines += [f"  {line}" for line in _rule_lines(rule, profile)]
        lines.append("")
    return "\n".join(lines).rstrip()


def _rule_lines(rule: Rule, profile: Profile) -> Iterator[str]:
    settings = profile.to_dict()[rule.id]
    state = "on " if settings["on"] else "off"
    thresholds = ", ".join(
        f"{name} {value}" for name, value in settings.items() if name != "on" and value != []
    )
    yield f"{state} {rule.id}" + (f" ({thresholds})" if thresholds else "")
    yield f"    {rule.reason}"
    for given, result in rule.examples:
        shown = " → ".join(f"'{one_line(text)}'" for text in given)
        if rule.kind != "text":
            yield f"    {shown} is refused"
        elif given == (result,):
            yield f"    {shown} stays"
        else:
            yield f"    {shown} becomes '{one_line(result or '')}'"


def rules_json(catalogue: Sequence[Rule], profile: Profile) -> str:
    """Return all rules in order as one JSON list, with the settings of a profile."""
    settings = profile.to_dict()
    rules = [
        {
            "id": rule.id,
            "kind": rule.kind,
            "reason": rule.reason,
            "default": rule.why,
            "settings": settings[rule.id],
            "examples": [example._asdict() for example in rule.examples],
        }
        for rule in catalogue
    ]
    return json.dumps(rules, ensure_ascii=False, indent=2)
