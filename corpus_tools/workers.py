"""Preparing batches: here, or in several processes, in order and with few of them under way."""

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait

from corpus_tools.cleaning import Cleaner, Profile
from corpus_tools.errors import WorkerError
from corpus_tools.preparing import Batch, Job, Prepare, Prepared, Preparing
from corpus_tools.segmenter import Segmenter

SMALL_FILE = 1 << 18
"""Bytes on disk up to which starting processes takes longer than they save."""

BYTES_A_TURN = 16
"""About what a turn takes in a packed file, to compare a store with `SMALL_FILE`."""

MOST_PROCESSES = 61
"""What Windows allows, and more than one process can read for."""


class Preparer:
    """Prepare batches in this process, or in `processes` of them, started when first needed."""

    def __init__(
        self, processes: int, profile: Profile, user_words: Mapping[str, int | None]
    ) -> None:
        self._processes = min(processes, MOST_PROCESSES)
        self._profile = profile
        self._segmenter = Segmenter(user_words)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Preparer":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def here(self, jobs: Iterable[tuple[Job, Batch]], /) -> Iterator[tuple[Job, Prepared]]:
        """Prepare one batch after the other."""
        preparing = Preparing(Cleaner(self._profile), self._segmenter)
        return ((job, preparing.prepare(batch)) for job, batch in jobs)

    def in_processes(self, jobs: Iterable[tuple[Job, Batch]], /) -> Iterator[tuple[Job, Prepared]]:
        """Prepare several batches at once and yield them in their order."""
        pool = self._started_pool()
        under_way: deque[tuple[Job, Future[Prepared]]] = deque()
        try:
            for job, batch in jobs:
                under_way.append((job, pool.submit(_prepare, batch)))
                if len(under_way) > 2 * self._processes:
                    yield _finished(under_way.popleft())
            while under_way:
                yield _finished(under_way.popleft())
        except BrokenProcessPool as error:
            self._pool = None
            raise WorkerError(
                "A worker process died, perhaps for lack of memory. What is stored is whole: run "
                "the command again to go on, with --processes 1 if it happens again."
            ) from error

    def choose(self, size: int) -> Prepare:
        """Return the way that suits a file of `size` bytes."""
        return self.in_processes if self._processes > 1 and size > SMALL_FILE else self.here

    def _started_pool(self) -> ProcessPoolExecutor:
        if not self._pool:
            self._segmenter.make_ready()
            gc.freeze()  # what is here stays: neither copied nor looked at by the collector
            self._pool = ProcessPoolExecutor(
                self._processes,
                mp_context=multiprocessing.get_context(_start_method()),
                initializer=_start_worker,
                initargs=(self._profile, self._segmenter),
            )
            with _interrupts_ignored():  # inherited: only the parent answers Ctrl-C
                for ready in [self._pool.submit(os.getpid) for _ in range(self._processes)]:
                    ready.result()
        return self._pool


_worker: dict[str, Preparing] = {}  # filled in a worker process only


def _start_worker(profile: Profile, segmenter: Segmenter) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker["preparing"] = Preparing(Cleaner(profile), segmenter)


def _end_with_parent() -> None:
    """End this process when its parent is gone, which may not have been able to say so."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def _prepare(batch: Batch) -> Prepared:
    return _worker["preparing"].prepare(batch)


def _finished(job: tuple[Job, Future[Prepared]]) -> tuple[Job, Prepared]:
    return job[0], job[1].result()


def _start_method() -> str:
    methods = multiprocessing.get_all_start_methods()
    return "fork" if "fork" in methods else "spawn"


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only it gets interrupts
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
