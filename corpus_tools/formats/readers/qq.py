"""Text exported by QQ: `时间 昵称(号码)`, then the lines of the message."""

import re

from corpus_tools.formats.readers.chat import headers_in, read_chat
from corpus_tools.formats.records import Records
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_FRAME = re.compile(r"消息记录（此消息记录为文本格式.{0,40}|消息(?:分组|对象)[:：].*|={8,}")


def looks_like_qq(sample: Sample) -> float:
    """Return 1.0 for the lines that QQ puts first, 0.95 where most headers have a number."""
    headers = [header for header in headers_in(sample) if header]
    if not headers:
        return 0.0
    if any(_FRAME.fullmatch(line.strip()) for line in sample.lines[:8]):
        return 1.0
    numbered = sum(header.number is not None for header in headers)
    return 0.95 if numbered > len(headers) / 2 else 0.0


def read_qq(text: Text) -> Records:
    """Yield the dialogues of one chat or of several in one file."""
    return read_chat(text, _FRAME)
