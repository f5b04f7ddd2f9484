"""Text exported from WeChat, by its own function or by the tools in use."""

import re

from corpus_tools.formats.readers.chat import headers_in, read_chat
from corpus_tools.formats.records import Records
from corpus_tools.formats.sample import Sample
from corpus_tools.formats.text import Text

_FRAME = re.compile(r".{0,80}聊天记录如下.{0,20}|Dear\s?[:：]?")


def looks_like_wechat(sample: Sample) -> float:
    """Return 1.0 for the sentence that WeChat puts first, 0.9 for messages below their headers."""
    headers = headers_in(sample)
    found = sum(header is not None for header in headers)
    if not found:
        return 0.0
    if any(_FRAME.fullmatch(line.strip()) for line in sample.lines[:3]):
        return 1.0
    in_line = sum(header is not None and header.words is not None for header in headers)
    below = len(headers) - found
    # A log has a time in every line, and nothing below it.
    is_chat = in_line > found / 2 or below >= found / 2
    return 0.9 if is_chat and any(headers[:5]) and found >= len(headers) / 10 else 0.0


def read_wechat(text: Text) -> Records:
    """Yield the dialogues of a WeChat chat."""
    return read_chat(text, _FRAME)
