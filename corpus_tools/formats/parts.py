"""What an input consists of: files that are read one by one, and pairs of them read together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus_tools.errors import ReadError, UnrecognisedError
from corpus_tools.formats.catalogue import BY_NAME, FORMATS
from corpus_tools.formats.containers.container import Container
from corpus_tools.formats.joint import partners
from corpus_tools.formats.options import Options
from corpus_tools.formats.probe import (
    EMPTY,
    NO_FORMAT,
    NO_TEXT,
    NOT_NAMED,
    ROLES,
    File,
    Shown,
    probe,
)
from corpus_tools.formats.records import Skipped
from corpus_tools.formats.spacing import NONE

_ADVICE = {
    EMPTY: "Give a file with dialogues.",
    NO_TEXT: "If it is text, name its encoding with --encoding.",
    NOT_NAMED: "Leave --format away, or name the right one.",
    NO_FORMAT: f"Name it with --format: {', '.join(FORMATS)}.",
}


@dataclass(frozen=True, slots=True)
class Part:
    """What is read in one go: a file, or two of which one answers the other."""

    files: tuple[File, ...]
    format: str
    confidence: float
    spacing: str
    columns: str = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        return " + ".join(each.name for each in self.files)


def find_parts(container: Container, options: Options) -> tuple[list[Part], list[Skipped]]:
    """Return the parts of a file, and the members that are none.

    UnrecognisedError if there is no part.
    """
    found = [probe(container, member, options) for member in container.members()]
    left_out = [each for each in found if isinstance(each, Skipped)]
    shown = [each for each in found if isinstance(each, Shown)]
    parts, rest = _pairs(shown, options)
    for each in rest:
        if each.format:
            spacing = options.spacing or each.spacing
            parts.append(Part((each.file,), each.format, each.confidence, spacing, each.columns))
        else:
            left_out.append(Skipped(0, NO_FORMAT, "", each.file.member))
    if not parts:
        raise _unrecognised(container, left_out)
    return sorted(parts, key=lambda part: part.files[0].index), left_out


def find_joint_part(containers: Sequence[Container], options: Options) -> Part:
    """Return the part that two files make together."""
    shown = [_only(container, options) for container in containers]
    return _joint(shown[0], shown[1], options)


def joint_pairs(texts: Sequence[tuple[str, str | None]]) -> list[tuple[int, int]]:
    """Return the places of the texts that belong together, by their names and their roles."""
    lines, conversations = (
        [place for place, (_, role) in enumerate(texts) if role == each] for each in ROLES
    )
    alone = len(lines) == len(conversations) == 1
    plain = [place for place, (_, role) in enumerate(texts) if role is None]
    named = partners([texts[place][0] for place in plain])
    return [
        *([(lines[0], conversations[0])] if alone else []),
        *((plain[first], plain[second]) for first, second in named),
    ]


def _pairs(shown: Sequence[Shown], options: Options) -> tuple[list[Part], list[Shown]]:
    """Return the parts that two files make together, and the files that are left."""
    unsure = [] if options.layout else [each for each in shown if each.confidence < BY_NAME]
    pairs = [
        (unsure[first], unsure[second])
        for first, second in joint_pairs([(each.file.short_name, each.role) for each in unsure])
    ]
    if options.is_joint and not pairs and len(unsure) == 2:
        pairs = [(unsure[0], unsure[1])]
    paired = {each.file.index for pair in pairs for each in pair}
    rest = [each for each in shown if each.file.index not in paired]
    return [_joint(*pair, options) for pair in pairs], rest


def _joint(first: Shown, second: Shown, options: Options) -> Part:
    name = options.format_name or ("cornell" if first.role else "parallel")
    if name == "cornell" and (first.role, second.role) == ROLES[::-1]:
        first, second = second, first
    spacing = first.spacing if first.spacing == second.spacing else NONE
    return Part((first.file, second.file), name, 1.0, options.spacing or spacing)


def _only(container: Container, options: Options) -> Shown:
    """Return the only file of a container, as half of something."""
    if not options.is_joint:
        options = replace(options, format_name="parallel")
    found = [probe(container, member, options) for member in container.members()]
    if len(found) > 1:
        raise ReadError(
            f"{container.name}: an archive of several files, of which none is sure to answer "
            "another. Unpack it and name two of them."
        )
    for each in found:
        if isinstance(each, Shown) and not each.format:
            return each
    raise _unrecognised(container, [each for each in found if isinstance(each, Skipped)])


def _unrecognised(container: Container, left_out: Sequence[Skipped]) -> UnrecognisedError:
    """Return the error that says why nothing in a file can be read."""
    if not left_out:
        return UnrecognisedError(
            f"{container.name}: the archive holds no file", "Give one with dialogues."
        )
    first = left_out[0]
    name, reason = container.full_name(first.member), first.reason
    advice = _ADVICE.get(reason, "Unpack it and name the files inside.")
    if len(left_out) == 1:
        return UnrecognisedError(f"{name}: {reason}", advice)
    return UnrecognisedError(
        f"{container.name}: none of its {len(left_out):,} files can be read as dialogues "
        f"({name}: {reason})",
        advice,
    )
