"""Memory over 100,000 replies to texts of 1 to 512 characters, by the bundle that ships."""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.timing import table
from chatbot.bot import ChatBot

ROUNDS = 20
REPLIES = 5_000  # of a round
LONGEST = 9  # 2 ** 9 characters
STATM = Path("/proc/self/statm")


def run(rounds: int) -> str:
    if not STATM.is_file():
        return "Skipped: only Linux tells how much memory a process holds."
    bot = ChatBot.load()
    texts = varied_texts(bot.bundle.tokenizer.vocabulary.tokens)
    begin, held = resident_mib(), []
    for _ in range(rounds):
        for _ in range(REPLIES):
            bot.reply(next(texts))
        held.append(resident_mib())
    middle = mean(held)
    figures = {
        "loaded": begin,
        f"after {REPLIES:,} replies": held[0],
        "least since then": min(held),
        "greatest since then": max(held),
        f"after {rounds * REPLIES:,} replies": held[-1],
        "mean since then": middle,
    }
    rows = [[name, f"{mib:.1f}", f"{mib / middle:.3f}"] for name, mib in figures.items()]
    return table(["", "resident, MiB", "to the mean"], rows)


def varied_texts(tokens: Sequence[str]) -> Iterator[str]:
    """Yield random texts; of each length as many as of its double."""
    draw = random.Random(0)
    characters = [token for token in tokens if len(token) == 1]
    while True:
        yield "".join(draw.choices(characters, k=int(2 ** draw.uniform(0, LONGEST))))


def resident_mib() -> float:
    """Return what the process holds now."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
