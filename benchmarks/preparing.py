"""What cleaning, judging and segmenting a turn costs, and `jieba.lcut` of the same turns."""

import time
from collections.abc import Callable
from functools import partial
from itertools import islice

import jieba

from benchmarks.subtitles import SOURCE, subtitles
from benchmarks.timing import interleaved, ratios, spread, table
from chatbot.text import normalise
from corpus_tools.cleaning import Cleaner, Profile
from corpus_tools.keys import pair_key
from corpus_tools.segmenter import Segmenter

ROUNDS = 9
PAIRS = 10_000
PLAIN = "`jieba.lcut`"


def run(rounds: int) -> str:
    if not SOURCE.is_file():
        return f"Skipped: {SOURCE} is not there."
    pairs = list(islice(subtitles(), PAIRS))
    raws = [text for pair in pairs for text in pair]
    cleaner = Cleaner(Profile())
    texts = [cleaner.clean(raw) for raw in raws]
    normals = [normalise(text) for text in texts]
    tasks: dict[str, Callable[[], object]] = {
        "the rules": partial(each, cleaner.clean, raws),
        "the normal form": partial(each, normalise, texts),
        "the filters": partial(both, cleaner.refusal, normals),
        "the keys": partial(both, pair_key, normals),
        **segmenting(normals),
        PLAIN: partial(each, jieba.lcut, raws),
    }
    for call in tasks.values():  # dictionaries are read at the first call
        call()
    measured, note = interleaved(
        {name: partial(microseconds, call, len(raws)) for name, call in tasks.items()}, rounds
    )
    rows = [
        [name, spread(times, ".2f"), spread(ratios(times, measured[PLAIN]), ".3f")]
        for name, times in measured.items()
    ]
    return table(["", "µs a turn", f"to {PLAIN}"], rows, note)


def segmenting(normals: list[str]) -> dict[str, Callable[[], object]]:
    """Return the segmenter as it is, and where it has `rjieba`, also without."""
    by_path = Segmenter({"一个不会出现的词": None})  # with a user's word `rjieba` is not used
    name, segmenter = "the words", Segmenter()
    tasks: dict[str, Callable[[], object]] = {name: partial(each, by_path.words, normals)}
    try:
        import rjieba  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        return tasks
    return {**tasks, f"{name}, rjieba": partial(each, segmenter.words, normals)}


def each(function: Callable[[str], object], texts: list[str]) -> None:
    for text in texts:
        function(text)


def both(function: Callable[[str, str], object], texts: list[str]) -> None:
    for prompt, reply in zip(texts[::2], texts[1::2], strict=True):
        function(prompt, reply)


def microseconds(call: Callable[[], object], turns: int) -> float:
    begun = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - begun) / turns
