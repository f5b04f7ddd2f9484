"""The table of formats: how each is recognised, and what reads it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType

from corpus_tools.formats.readers.ass import looks_like_ass, read_ass
from corpus_tools.formats.readers.candidates import looks_like_candidates, read_candidates
from corpus_tools.formats.readers.chatterbot import looks_like_chatterbot, read_chatterbot
from corpus_tools.formats.readers.contexts import looks_like_contexts, read_contexts
from corpus_tools.formats.readers.conv import looks_like_conv, read_conv
from corpus_tools.formats.readers.cornell import read_cornell
from corpus_tools.formats.readers.eou import looks_like_eou, read_eou
from corpus_tools.formats.readers.faq import looks_like_faq, read_faq
from corpus_tools.formats.readers.json_tree import looks_like_json, read_json
from corpus_tools.formats.readers.jsonl import looks_like_jsonl, read_jsonl
from corpus_tools.formats.readers.parallel import read_parallel
from corpus_tools.formats.readers.parquet import MAGIC as PARQUET_MAGIC
from corpus_tools.formats.readers.parquet import describe_parquet, read_parquet
from corpus_tools.formats.readers.qa import looks_like_qa, read_qa
from corpus_tools.formats.readers.qq import looks_like_qq, read_qq
from corpus_tools.formats.readers.script import looks_like_script, read_script
from corpus_tools.formats.readers.sqlite import MAGIC as SQLITE_MAGIC
from corpus_tools.formats.readers.sqlite import describe_sqlite, read_sqlite
from corpus_tools.formats.readers.srt import looks_like_srt, read_srt
from corpus_tools.formats.readers.tables import (
    describe_csv,
    describe_delimited,
    describe_tsv,
    looks_like_csv,
    looks_like_tsv,
    read_csv,
    read_delimited,
    read_tsv,
)
from corpus_tools.formats.readers.wechat import looks_like_wechat, read_wechat
from corpus_tools.formats.records import Records
from corpus_tools.formats.sample import Sample

LEAST_CONFIDENCE = 0.3
BY_NAME = 0.6
"""The confidence that the ending of a name gives; content that shows more decides."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `read` takes a `Text`, or a `Binary` where `magic` names its first bytes.

    Where `takes_layout`, `read` takes a `Layout` besides. `describe` tells which columns are read
    as what; it takes the `Sample` of a text, or the `Binary`, and the `Layout`.
    """

    name: str
    read: Callable[..., Records]
    recognise: Callable[[Sample], float] = lambda _: 0.0
    endings: tuple[str, ...] = ()
    magic: bytes | None = None
    takes_layout: bool = False
    describe: Callable[..., str] | None = None

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
    Format("candidates", read_candidates, looks_like_candidates),
    Format("contexts", read_contexts, looks_like_contexts),
    Format("eou", read_eou, looks_like_eou),
    Format(*("tsv", read_tsv, looks_like_tsv, (".tsv",)), takes_layout=True, describe=describe_tsv),
    Format(*("csv", read_csv, looks_like_csv, (".csv",)), takes_layout=True, describe=describe_csv),
    Format("faq", read_faq, looks_like_faq, (".yml", ".yaml")),
    Format("srt", read_srt, looks_like_srt, (".srt", ".vtt")),
    Format("ass", read_ass, looks_like_ass, (".ass", ".ssa")),
    Format("qq", read_qq, looks_like_qq),
    Format("wechat", read_wechat, looks_like_wechat),
    Format("qa", read_qa, looks_like_qa),
    Format("script", read_script, looks_like_script),
    Format("delimited", read_delimited, takes_layout=True, describe=describe_delimited),
    Format(
        *("sqlite", read_sqlite), magic=SQLITE_MAGIC, takes_layout=True, describe=describe_sqlite
    ),
    Format(
        *("parquet", read_parquet),
        magic=PARQUET_MAGIC,
        takes_layout=True,
        describe=describe_parquet,
    ),
)
READERS = MappingProxyType({each.name: each for each in _FORMATS})

# Two files side by side.
JOINT_READERS = MappingProxyType({"cornell": read_cornell, "parallel": read_parallel})
FORMATS = (*sorted(READERS), *JOINT_READERS)


def recognised(sample: Sample, formats: Iterable[Format]) -> tuple[Format, float] | None:
    """Return the likeliest of `formats` for a text and how sure it is, or None."""
    best, sure = None, 0.0
    for each in formats:
        found = 0.0 if each.magic else each.confidence(sample)
        if found > sure:
            best, sure = each, found
        if sure == 1.0:
            break
    return (best, sure) if best and sure >= LEAST_CONFIDENCE else None
