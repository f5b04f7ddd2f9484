"""The formats that are text, as lines."""

import json
from collections.abc import Iterator, Sequence

import yaml

from corpus_tools.exporting.selection import Selection
from corpus_tools.store import Store

_CATEGORY = "dialogue"
_NO_FOLDING = 1 << 30  # columns after which a scalar would go on in the next line


def jsonl_lines(store: Store, selection: Selection) -> Iterator[str]:
    """Yield a JSON object a pair; of refused ones with the rule that refused them."""
    for pair in selection.pairs(store):
        yield _json({name: getattr(pair, name) for name in selection.columns})


def tsv_lines(store: Store, selection: Selection) -> Iterator[str]:
    """Yield a header and a row a pair; white space inside a field becomes one space."""
    names = ("prompt", "reply", "rejected") if selection.refused else ("prompt", "reply")
    yield "\t".join(names)
    for pair in selection.pairs(store):
        yield "\t".join(one_line(getattr(pair, name) or "") for name in names)


def messages_lines(store: Store, selection: Selection) -> Iterator[str]:
    """Yield a JSON object a conversation: `messages`, in which user and assistant take turns.

    Trainers want the assistant to have the last word. Of an odd number of turns the last two are
    therefore a conversation of their own, and every pair stands in the file once.
    """
    for turns in selection.conversations(store):
        end = len(turns) - len(turns) % 2
        yield _messages(turns[:end])
        if end < len(turns):
            yield _messages(turns[-2:])


def chatterbot_lines(store: Store, selection: Selection) -> Iterator[str]:
    """Yield the lines of a YAML file for ChatterBot: a category, and lists of turns."""
    yield f"categories:\n- {_CATEGORY}"
    conversations = selection.conversations(store)
    first = next(conversations, None)
    if first is None:
        yield "conversations: []"
        return
    yield "conversations:"
    yield _yaml(first)
    for turns in conversations:
        yield _yaml(turns)


def one_line(text: str) -> str:
    """Return `text` with every run of white space, line breaks included, as one space."""
    return " ".join(text.split())


def _messages(turns: Sequence[str]) -> str:
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": turn} for at, turn in enumerate(turns)]
    return _json({"messages": messages})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _yaml(turns: Sequence[str]) -> str:
    """Return one item of a list of lists."""
    dumped = yaml.dump(
        [list(turns)],
        Dumper=yaml.CSafeDumper,
        allow_unicode=True,
        default_flow_style=False,
        width=_NO_FOLDING,
    )
    return str(dumped).removesuffix("\n")
