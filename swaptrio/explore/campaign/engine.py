# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who runs the items: anything that has an executor of `concurrent.futures`.

The engine of this machine is a pool of processes. They are forked from a server that has the
model loaded, hear no Ctrl-C, and hang on a leash: they end with whoever started them, and when
he has had enough, in the middle of an item. Nothing is lost by that, as an item is run again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs

from swaptrio.explore.campaign.leash import leash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")

#: What workers import before they are forked.
_LOADED = ["swaptrio.explore.campaign.guard", "swaptrio.explore.campaign.work"]


class Engine(Protocol):
    """Runs functions somewhere else.

    *name* and *jobs*, the number of workers, are for people. *lost* are the exceptions of a
    future that say that its worker is gone.
    """

    name: str
    jobs: int
    lost: tuple[type[BaseException], ...]

    @property
    def width(self) -> int:
        """How many items it wants at a time so that none of its workers waits."""

    def submit(self, function: Callable[..., T], /, *args: object) -> Future[T]:
        """Have *function* called by a worker."""

    def restart(self) -> None:
        """After a worker was lost: be fit to `submit` again. What was submitted may be void."""

    def close(self) -> None:
        """Stop at once; what has been submitted and is not done never will be."""


@attrs.define(eq=False)
class ProcessPool:
    """*jobs* processes of this machine."""

    jobs: int
    name: str = "processes"
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)
    _executor: ProcessPoolExecutor | None = None
    _leash: Connection | None = None

    @property
    def width(self) -> int:
        """One item to run and one to come, for each."""
        return 2 * self.jobs

    def submit(self, function: Callable[..., T], /, *args: object) -> Future[T]:
        """Have *function* called by a process; the first calls start them."""
        resource_tracker.ensure_running()
        with deaf():
            return self._running().submit(function, *args)

    def restart(self) -> None:
        """Start anew with processes of which none is lost."""
        self.close()

    def close(self) -> None:
        """End all processes."""
        if self._leash is not None:
            self._leash.close()
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        self._leash = self._executor = None

    def _running(self) -> ProcessPoolExecutor:
        if self._executor is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_LOADED)
            reader, self._leash = context.Pipe(duplex=False)
            self._executor = ProcessPoolExecutor(
                self.jobs, context, initializer=_begin, initargs=(reader,)
            )
        return self._executor


@attrs.define(eq=False)
class Borrowed:
    """Somebody's own executor, which is not closed; its workers are taken to be safe."""

    executor: Executor
    jobs: int
    name: str = "executor"
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    @property
    def width(self) -> int:
        """One item to run and one to come, for each."""
        return 2 * self.jobs

    def submit(self, function: Callable[..., T], /, *args: object) -> Future[T]:
        """Hand it on."""
        return self.executor.submit(function, *args)

    def restart(self) -> None:
        """Its own affair."""

    def close(self) -> None:
        """Its own affair."""


#: A worker's end of the leash, kept open as long as the worker lives.
_held: list[Connection] = []


def _begin(reader: Connection) -> None:
    """The first thing that a worker does. Its standard output is not ours to write to."""
    _held.append(reader)
    leash(reader.fileno())
    with suppress(OSError):
        os.dup2(2, 1)


@contextmanager
def deaf() -> Iterator[None]:
    """Processes that are started in this block never hear Ctrl-C; it is for their owner."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
