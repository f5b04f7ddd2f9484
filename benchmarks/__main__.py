"""`python -m benchmarks [NAME]...`: run the named benchmarks, or all, and print Markdown tables."""

import argparse
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAMES = (
    "replying",
    "streaming",
    "batching",
    "serving",
    "spinning",
    "floor",
    "sizes",
    "starting",
    "lasting",
    "importing",
    "growing",
    "searching",
    "preparing",
    "training",
    "waiting",
    "loading",
    "d2l",
    "joey",
)
WITH_OPTIONS = ("multi30k", "modes", "replies")  # with options of their own
PACKAGES = ("duihua", "onnxruntime", "torch", "numpy", "jieba", "rjieba", "sqlalchemy")


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in WITH_OPTIONS:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # as `chatbot train`: hours beside others
        importlib.import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*NAMES, *WITH_OPTIONS)))
    parser.add_argument("--rounds", type=int, help="rounds of each, instead of its own number")
    options = parser.parse_args()
    names: Sequence[str] = options.names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"unknown: {', '.join(unknown)}. Known: {', '.join(NAMES)}.")
    if len(names) == 1:
        benchmark = importlib.import_module(f"benchmarks.{names[0]}")
        heading, _, _ = str(benchmark.__doc__).partition("\n")
        print(f"### {heading}\n")
        print(benchmark.run(options.rounds or benchmark.ROUNDS), flush=True)
        return
    print(machine(), flush=True)
    again = ["--rounds", str(options.rounds)] if options.rounds else []
    for name in names:  # each in a process of its own: none inherits memory or threads of another
        print(flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks", name, *again], check=True)


def machine() -> str:
    versions = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    return (
        f"{date.today()}: {processor()}, {os.cpu_count()} CPUs, {platform.system()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Return the model name that Linux gives, else what Python knows."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
