"""A whole process: how long it takes and how much memory it and its children hold."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

POLL_SECONDS = 0.2


class Usage(NamedTuple):
    """Hold what a command took."""

    seconds: float
    peak_mib: float


def measure(command: Sequence[str | Path]) -> Usage:
    """Run a command to its end; raise where it fails.

    The peak is that of the process or, where more, of it and its descendants together, with a page
    that several share counted once. This process must stay small: Linux counts the memory of the
    process that starts another as the peak of the other.
    """
    begun = time.perf_counter()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as process,
    ):
        ended, sums = threading.Event(), [0.0]
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, sums))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - begun
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{command}: {errors.read().decode(errors='replace')}")
    return Usage(elapsed, max(*sums, usage.ru_maxrss / 1024))


def _watch(pid: int, ended: threading.Event, sums: list[float]) -> None:
    while not ended.wait(POLL_SECONDS):
        sums.append(sum(map(_share_mib, _tree(pid))))


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has just ended, or this is not Linux
        return [pid]
    return [pid, *(member for child in children for member in _tree(int(child)))]


def _share_mib(pid: int) -> float:
    """Return the process's share of the memory it uses (PSS), which sums to the real total."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
