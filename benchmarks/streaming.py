"""A reply of 20 tokens piece by piece: `bot.stream`, and `bot.reply`, which gives all at once."""

from collections.abc import Callable
from functools import partial

from benchmarks.large_model import STEPS, TEXT, LargeModel
from benchmarks.timing import interleaved, milliseconds, ratios, spread, table

ROUNDS = 9
REPEATS = 5
THREADS = 2
WHOLE = "`bot.reply`"


def run(rounds: int) -> str:
    bot = LargeModel().bot(threads=THREADS)
    pieces, reply = list(bot.stream(TEXT)), bot.reply(TEXT)
    if tuple(pieces) != reply.tokens or len(pieces) != STEPS:
        raise AssertionError(f"{pieces}: not the {STEPS} tokens of {reply.text}.")
    calls: dict[str, Callable[[], object]] = {
        WHOLE: lambda: bot.reply(TEXT),
        "`bot.stream`, its first token": lambda: next(bot.stream(TEXT)),
        "`bot.stream`, to its end": lambda: list(bot.stream(TEXT)),
    }
    tasks = {name: partial(milliseconds, call, repeats=REPEATS) for name, call in calls.items()}
    measured, note = interleaved(tasks, rounds)
    rows = [
        [name, spread(times), spread(ratios(times, measured[WHOLE]), ".2f")]
        for name, times in measured.items()
    ]
    return table(["", "ms", f"to {WHOLE}"], rows, note)
