"""Replies a second of a server: one bot with one thread a reply, shared by one thread or two."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.large_model import TEXT, LargeModel
from benchmarks.timing import interleaved, ratios, spread, table
from chatbot.bot import ChatBot

ROUNDS = 9
REPLIES = 100
THREADS = (1, 2)


def run(rounds: int) -> str:
    bot = LargeModel().bot(threads=1)
    tasks = {threads: partial(replies_per_second, bot, threads) for threads in THREADS}
    measured, note = interleaved(tasks, rounds)
    rows = [
        [
            f"threads that share the bot: {threads}",
            spread(speed),
            spread(ratios(speed, measured[1]), ".2f"),
        ]
        for threads, speed in measured.items()
    ]
    return table(["", "replies/s", "to one thread"], rows, note)


def replies_per_second(bot: ChatBot, threads: int) -> float:
    bot.reply(TEXT)
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        list(pool.map(bot.reply, [TEXT] * REPLIES))
        return REPLIES / (time.perf_counter() - begun)
