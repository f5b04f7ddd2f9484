"""Text to ids and ids to text as ONNX, equal to `chatbot.text`.

The steps are those of `exports/README.md` ("Text to ids"), one function a step, on vectors of
characters.

Shapes: C characters of the text, N = C + 1 places where a token may begin, the end of the text
among them, L characters of the longest token, S ids of the source, K replies, T tokens of a reply.
"""

import random
import string
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np

from chatbot.errors import ExportError
from chatbot.text import SOURCE_CHARACTERS, Tokenizer
from chatbot.training.export.graph import (
    INT32,
    INT64,
    STRING,
    Graph,
    Value,
    cast,
    full,
    op,
    ops,
    size,
    split,
    unsqueeze,
)
from chatbot.vocabulary import EOS, SPECIALS, UNK, Vocabulary

DOMAINS = {"ai.onnx.ml": 3, "com.microsoft": 1}
"""The operator sets beyond the standard one that these functions need: `LabelEncoder`, which has
the vocabulary, and `Tokenizer`, which only cuts text into its characters."""

_UNTOUCHED = "<untouched>"  # longer than any replacement, so it is none
_SPACE, _OTHER, _DIGIT, _LETTER = range(-1, 3)  # kinds of characters; what joins to units is > 0
_NO_STEP = 1 << 62  # above the cost of any path, and no sum of the two overflows
_SHOWN = ("", "", "", "\N{REPLACEMENT CHARACTER}")  # the specials in a reply
_EMOJI = ("😀", "👍🏽", "❤️", "👨‍👩‍👧", "🇨🇳")


def source(text: Value, tokenizer: Tokenizer, max_source: int) -> Value:
    """Map a text (1,) to what the encoder reads, (S,): the same as `Tokenizer.source`.

    Raises `ExportError` where the costs of the vocabulary are too high to be added.
    """
    characters = _replaced(_characters(text), tokenizer.table)
    characters, kinds = _without_needless_spaces(characters)
    limit = SOURCE_CHARACTERS * max_source
    if tokenizer.vocabulary.unknown_cost * (limit + 1) >= _NO_STEP:
        raise ExportError(
            f"a cost of the vocabulary is {tokenizer.vocabulary.unknown_cost - 1000}: "
            f"the sum over {limit} characters does not fit in 62 bits. Learn the vocabulary again."
        )
    characters, kinds = _part(characters, 0, limit), _part(kinds, 0, limit)  # (C,)
    ids, after = _cheapest(characters, kinds, tokenizer.vocabulary)
    return _read_off(ids, after, max_source)


def _characters(text: Value) -> Value:
    """Cut a text (1,) into its code points."""
    cut = op(
        "Tokenizer",
        text,
        domain="com.microsoft",
        separators=[""],
        mark=0,
        mincharnum=1,
        pad_value="",
    )  # (1, C)
    return op("Squeeze", text.graph.declare(cut, STRING, [1, "C"]), text.graph.integers(0))


def _replaced(characters: Value, table: Mapping[str, str]) -> Value:
    """Put its replacement in the place of each character; where that is empty, nothing stays."""
    entries = {_UNTOUCHED: "", **table}  # the first is never met; an encoder without keys is none
    found = _encoded(characters, entries, _UNTOUCHED)
    untouched = op("Equal", found, characters.graph.strings(_UNTOUCHED))
    replaced = op("Where", untouched, characters, found)
    empty = op("Equal", replaced, characters.graph.strings(""))
    return op("Compress", replaced, op("Not", empty), axis=0)


def _without_needless_spaces(characters: Value) -> tuple[Value, Value]:
    """Keep one space between two letters or digits and no other; return the kinds as well."""
    kinds = _kinds(characters)
    # Of a run of spaces only the first stands behind a letter or digit. Once the others are gone,
    # what stands behind a space is what stands behind its run.
    for neighbours in (_before, _behind):
        needed = neighbours(op("Greater", kinds, _OTHER), np.bool_(False))
        kept = op("Or", op("Greater", kinds, _SPACE), needed)
        characters, kinds = (op("Compress", x, kept, axis=0) for x in (characters, kinds))
    return characters, kinds


def _kinds(characters: Value) -> Value:
    kinds = {" ": _SPACE}
    kinds |= dict.fromkeys(string.digits, _DIGIT) | dict.fromkeys(string.ascii_lowercase, _LETTER)
    return _encoded(characters, kinds, _OTHER)


def _cheapest(characters: Value, kinds: Value, vocabulary: Vocabulary) -> tuple[Value, Value]:
    """Return the id of the token that best begins at each place, (N,), and the place behind it.

    Along L stand the lengths that a token may have, the longest first. At the last place, the end
    of the text, stands as it were an unknown character: every path has it, so it decides nothing.
    """
    graph, end = characters.graph, size(characters, 0)
    longest = max(map(len, vocabulary.id_of))
    places = op("Range", 0, end + 1, 1)  # (N,)
    lengths = graph.integers(*range(longest, 0, -1))  # (L,)
    ids = _word_ids(characters, places, vocabulary)  # (N, L)

    borders = _borders(kinds, longest)
    begins = op("Gather", borders, unsqueeze(places, 1))  # (N, 1)
    ends = op("Gather", borders, unsqueeze(places, 1) + lengths)  # (N, L)
    known = op("Not", op("Equal", ids, UNK))
    words = op("And", op("And", begins, ends), known)  # (N, L)

    # The unit that begins at a place ends at the first border. If it is no word, its characters
    # are the steps; if it is, the way through them is shut at the first.
    unit = op("ArgMax", cast(ends, INT32), axis=1, select_last_index=1)  # (N, 1)
    falls = op("Not", op("GatherElements", words, unit, axis=1))
    single = graph.weight(np.arange(longest) == longest - 1)  # (L,)
    steps = op("Or", words, op("And", falls, single))  # (N, L)
    costs = op("Where", steps, _costs(ids, vocabulary), _NO_STEP)

    chosen = graph.scan(
        full(graph, np.int64(0), longest), costs, _step, (INT64, INT64, INT64), reverse=True
    )  # (N, 1)
    after = places + op("Gather", lengths, op("Squeeze", chosen, graph.integers(1)))
    return op("Squeeze", op("GatherElements", ids, chosen, axis=1), graph.integers(1)), after


def _word_ids(characters: Value, places: Value, vocabulary: Vocabulary) -> Value:
    """Return the id of the L … 1 characters from each place on, (N, L)."""
    longest = max(map(len, vocabulary.id_of))
    padded = op("Concat", characters, characters.graph.strings(*[""] * longest), axis=0)
    window = unsqueeze(places, 1) + padded.graph.integers(*range(longest))
    letters = op("Gather", padded, window)  # (N, L)
    columns = split(letters, *[1] * longest)  # (N, 1)
    words = [*accumulate(columns, lambda word, letter: op("StringConcat", word, letter))]
    return _encoded(op("Concat", *reversed(words), axis=1), vocabulary.id_of, UNK)


def _borders(kinds: Value, longest: int) -> Value:
    """Tell of each place whether a unit begins or the text ends there: (N + L,), padded."""
    graph = kinds.graph
    same = op("Equal", kinds, _before(kinds, np.int64(_OTHER)))
    within = op("And", same, op("Greater", kinds, _OTHER))
    last = graph.weight(np.arange(longest + 1) == 0)
    return op("Concat", op("Not", within), last, axis=0)


def _costs(ids: Value, vocabulary: Vocabulary) -> Value:
    costs = np.array(vocabulary.costs, dtype=np.int64)
    costs[UNK] = vocabulary.unknown_cost
    small = costs.astype(np.min_scalar_type(costs.max()))
    return cast(op("Gather", ids.graph.weight(small), ids), INT64)


def _step(best: Value, costs: Value) -> tuple[Value, Value]:
    """Find the cheapest step from a place, of equal ones the longest.

    `best` (L,) is what the paths cost from each of the next L places on, the farthest first;
    `costs` (L,) is what the steps to these places cost.
    """
    count = best.graph.integers(1)
    # TopK takes the first of equals: that is why the longest stands first.
    least, chosen = ops("TopK", best + costs, count, outputs=2, largest=0)  # (1,)
    return op("Concat", _part(best, 1, None), least, axis=0), chosen


def _read_off(ids: Value, after: Value, max_source: int) -> Value:
    """Follow the steps from the left to the end of the text, at most `max_source` - 1 of them."""
    graph = ids.graph
    end = size(ids, 0) - 1

    def turn(_: Value, now: dict[str, Value]) -> tuple[dict[str, Value], Value]:
        place = op("Gather", after, now["place"])
        places = op("Concat", now["places"], unsqueeze(now["place"], 0), axis=0)
        return {"place": place, "places": places}, op("Less", place, end)

    first = {"place": (_scalar(graph, 0), INT64), "places": (graph.integers(), INT64)}
    places = graph.loop(_scalar(graph, max_source - 1), first, turn)["places"]
    # The first place of an empty text is its end already.
    tokens = op("Compress", places, op("Less", places, end), axis=0)
    return op("Concat", op("Gather", ids, tokens), graph.integers(EOS), axis=0)


def _scalar(graph: Graph, value: int) -> Value:
    return graph.weight(np.array(value, dtype=np.int64))


def names(ids: Value, vocabulary: Vocabulary) -> Value:
    """Map ids of any shape to their tokens, the specials to their names."""
    return op("Gather", ids.graph.strings(*vocabulary.tokens), ids)


def reply_text(ids: Value, vocabulary: Vocabulary) -> tuple[Value, Value]:
    """Map replies (K, T), PAD behind their EOS, to their texts (K,) and their tokens (K, T).

    PAD, BOS and EOS are empty, UNK is U+FFFD: the tokens joined are the text.
    """
    graph = ids.graph
    special = op("Gather", graph.strings(*_SHOWN), op("Min", ids, len(_SHOWN) - 1))
    tokens = op("Where", op("Less", ids, len(SPECIALS)), special, names(ids, vocabulary))

    def turn(number: Value, now: dict[str, Value]) -> tuple[dict[str, Value], Value]:
        token = op("Gather", tokens, number, axis=1)  # (K,)
        return {"text": op("StringConcat", now["text"], token)}, graph.weight(np.array(True))

    nothing = op("Expand", graph.strings(""), unsqueeze(size(ids, 0), 0))
    return graph.loop(size(ids, 1), {"text": (nothing, STRING)}, turn)["text"], tokens


def hard_sentences(tokenizer: Tokenizer, number: int, seed: int) -> Iterator[str]:
    """Yield sentences in which every step counts; the same tokenizer and seed give the same."""
    draw = random.Random(seed)  # noqa: S311 - test data, no secret
    tokens, table = list(tokenizer.vocabulary.id_of), tokenizer.table
    small = string.ascii_lowercase + string.digits
    alphabets: list[Sequence[str]] = [
        tokens,
        tokens,  # twice: the words are what the paths are made of
        [*small, *(character for character, folded in table.items() if folded and folded in small)],
        [" ", *(character for character, blank in table.items() if blank == " ")],
        [" ", *table],
        _EMOJI,
        [chr(code) for code in draw.sample(range(0x110000), 1000) if not 0xD800 <= code < 0xE000],
    ]
    for _ in range(number):
        # Now and then longer than any source.
        pieces = 1000 if draw.random() < 0.01 else draw.choice((0, 1, 2, 4, 8, 16))
        chosen = (draw.choices(draw.choice(alphabets), k=draw.randint(1, 3)) for _ in range(pieces))
        yield "".join(chain.from_iterable(chosen))


def _encoded(keys: Value, table: Mapping[str, int | str], default: int | str) -> Value:
    """Look keys up in a table of numbers, or of texts."""
    kind = "string" if isinstance(default, str) else "int64"
    values: dict[str, Any] = {f"values_{kind}s": list(table.values()), f"default_{kind}": default}
    return op("LabelEncoder", keys, domain="ai.onnx.ml", keys_strings=list(table), **values)


def _before(x: Value, first: np.generic) -> Value:
    """Return what stands before each element."""
    return _part(op("Concat", x.graph.weight(np.array([first])), x, axis=0), 0, -1)


def _behind(x: Value, last: np.generic) -> Value:
    """Return what stands behind each element."""
    return _part(op("Concat", x, x.graph.weight(np.array([last])), axis=0), 1, None)


def _part(x: Value, start: int, end: int | None) -> Value:
    integers = x.graph.integers
    return op("Slice", x, integers(start), integers(np.iinfo(np.int64).max if end is None else end))
