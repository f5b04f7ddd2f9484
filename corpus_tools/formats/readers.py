"""The table of formats: how each is recognised, and what reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from corpus_tools.formats.chatterbot import looks_like_chatterbot, read_chatterbot
from corpus_tools.formats.conv import looks_like_conv, read_conv
from corpus_tools.formats.json_tree import looks_like_json, read_json
from corpus_tools.formats.jsonl import looks_like_jsonl, read_jsonl
from corpus_tools.formats.parallel import read_parallel
from corpus_tools.formats.records import Records
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.tables import looks_like_csv, looks_like_tsv, read_csv, read_tsv

LEAST_CONFIDENCE = 0.3
BY_NAME = 0.6
"""The confidence that the ending of a name gives; content that shows more decides."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `read` takes a `Text`, or a `Binary` where `magic` names its first bytes.

    Where `takes_layout`, `read` takes a `Layout` besides.
    """

    name: str
    read: Callable[..., Records]
    recognise: Callable[[Sample], float] = lambda _: 0.0
    endings: tuple[str, ...] = ()
    magic: bytes | None = None
    takes_layout: bool = False

    def confidence(self, sample: Sample) -> float:
        """Return how sure it is that `sample` has this format, its name counted in."""
        found = self.recognise(sample)
        return max(found, BY_NAME) if sample.ending in self.endings else found


# On a tie the first wins.
_FORMATS = (
    Format("jsonl", read_jsonl, looks_like_jsonl, (".jsonl", ".ndjson")),
    Format("json", read_json, looks_like_json, (".json",)),
    Format("chatterbot", read_chatterbot, looks_like_chatterbot, (".yml", ".yaml")),
    Format("conv", read_conv, looks_like_conv, (".conv",)),
    Format("tsv", read_tsv, looks_like_tsv, (".tsv",)),
    Format("csv", read_csv, looks_like_csv, (".csv",)),
)
READERS = MappingProxyType({each.name: each for each in _FORMATS})

# Two files side by side.
JOINT_READERS = MappingProxyType({"parallel": read_parallel})
FORMATS = (*sorted(READERS), *JOINT_READERS)


def recognised(sample: Sample) -> tuple[Format, float] | None:
    """Return the likeliest format of a text and how sure it is, or None."""
    scores = [(each, each.confidence(sample)) for each in READERS.values() if not each.magic]
    best = max(scores, key=lambda score: score[1])
    return best if best[1] >= LEAST_CONFIDENCE else None
