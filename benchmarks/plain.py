# SPDX-License-Identifier: MIT OR Apache-2.0
"""The model on plain Trio: what somebody would write who had no scheduler.

Each execution is a `trio.run` of its own. A lock is a `trio.Lock`, a channel a memory channel,
a completion a `trio.Event`; where the model has a scheduling point that can always succeed
there is, one time in two, a ``trio.lowlevel.checkpoint()``. Data is drawn as `RandomWalk` draws
it, so that as many allocations and charges fail. Who goes on is up to Trio and has no seed.

The model's code is not changed and not copied. It finds what it imported from `swaptrio.sched`
among the globals of its modules; `primitives` puts plain ones there for the length of a block.
Whatever is not replaced raises there, as no execution of `swaptrio.sched` is running. Kernels
have to be built and run inside the block.

Not the same as ours, and harmless here: `trio.Lock` hands itself over at release, so between
that and the next step of the new holder ``owner`` is None although the lock is taken. A task
that fails at a spinlock leaves it in a state that nobody looks at any more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs
import trio

from swaptrio import sched

if TYPE_CHECKING:
    from types import ModuleType

    from swaptrio.scenario.world import Setup, World

T = TypeVar("T")

#: How likely a point is to be a checkpoint.
CHECKPOINTS: Final = 0.5


@attrs.define(eq=False)
class Task:
    """What the model and its oracles ask about a task: its name and the locks that it holds.

    *spinning* are the spinlocks among them; *kind*, *target* and *label* say which lock it
    wanted last. See `swaptrio.sched.Task`.
    """

    name: str
    daemon: bool = False
    kind: sched.Kind = sched.Kind.START
    target: object = None
    label: str = ""
    held: list[Any] = attrs.Factory(list)
    spinning: list[Any] = attrs.Factory(list)

    def wants(self, lock: object, label: str) -> None:
        """It is about to wait for *lock*."""
        self.kind, self.target, self.label = sched.Kind.LOCK, lock, label


@attrs.define
class Luck:
    """The seeded generator of the execution that is running; see `RandomWalk`."""

    random: Random = attrs.Factory(Random)
    readiness: float = 0.0

    def begin(self, seed: int) -> None:
        """Start the sequence of a seed."""
        self.random.seed(seed)
        self.readiness = self.random.random()


_luck: Final = Luck()
_task: Final[ContextVar[Task]] = ContextVar("plain_task")


# What the model imports from swaptrio.sched


async def point(label: str, kind: sched.Kind = sched.Kind.STEP, target: object = None) -> None:
    """Let the others come in, or not."""
    if _luck.random.random() < CHECKPOINTS:
        await trio.lowlevel.checkpoint()


async def point_when(
    label: str, kind: sched.Kind, target: object, ready: Callable[[], bool]
) -> None:
    """Let the others come in until *ready* says yes."""
    while not ready():
        await trio.lowlevel.checkpoint()


def choose(label: str, options: Sequence[T]) -> T:
    """The first option, or any."""
    if len(options) == 1 or _luck.random.random() >= _luck.readiness:
        return options[0]
    return options[int(_luck.random.random() * len(options))]


def might_sleep(label: str) -> None:
    """Nothing to say: Trio sleeps wherever it likes."""


async def sleep(label: str, duration: int) -> None:
    """Sleep for *duration* nanoseconds, of real time."""
    await trio.sleep(duration / 1e9)


@attrs.define(eq=False)
class _Lock:
    name: str
    owner: Task | None = None
    on_acquire: Callable[[], None] | None = None
    on_release: Callable[[], None] | None = None
    label: str = ""
    _lock: trio.Lock = attrs.Factory(trio.Lock)

    def locked(self) -> bool:
        return self._lock.locked()

    def owned(self) -> bool:
        return self.owner is not None and self.owner is _task.get()

    def _wants(self, label: str) -> None:
        task = _task.get()
        task.kind, task.target, task.label = sched.Kind.LOCK, self, label

    def _take(self) -> Task:
        task = self.owner = _task.get()
        task.held.append(self)
        if self.on_acquire is not None:
            self.on_acquire()
        return task

    def _give_back(self) -> Task:
        task = self.owner
        assert task is not None
        if self.on_release is not None:
            self.on_release()
        task.held.remove(self)
        self.owner = None
        self._lock.release()
        return task


@attrs.define(eq=False)
class SpinLock(_Lock):
    """A `trio.Lock`, as the model takes a spinlock."""

    def hold(self, label: str) -> SpinLock:
        """The block that holds the lock."""
        self.label = label
        return self

    async def __aenter__(self) -> None:
        _task.get().wants(self, self.label)
        await self._lock.acquire()
        self._take().spinning.append(self)

    async def __aexit__(self, *raised: object) -> None:
        self._give_back().spinning.remove(self)


@attrs.define(eq=False)
class Mutex(_Lock):
    """A `trio.Lock`, as the model takes a folio lock."""

    async def acquire(self, label: str) -> None:
        """Take the lock, when it is its turn."""
        _task.get().wants(self, label)
        await self._lock.acquire()
        self._take()

    async def try_acquire(self, label: str) -> bool:
        """Take the lock if it is free; whether it was."""
        await point(label)
        return self.take_free()

    def take_free(self) -> bool:
        """Take the lock if it is free, at once; whether it was."""
        try:
            self._lock.acquire_nowait()
        except trio.WouldBlock:
            return False
        self._take()
        return True

    async def release(self, label: str) -> None:
        """Give the lock back."""
        await point(label)
        self._give_back()

    def hand_to(self, task: object) -> None:
        """Needed by devices that are not synchronous.

        Raises:
            NotImplementedError: a `trio.Lock` is released by whoever took it.
        """
        raise NotImplementedError


@attrs.define(eq=False)
class RwSem:
    """What Trio has no lock for: many who read, or one who writes."""

    name: str
    readers: list[Task] = attrs.Factory(list)
    writer: Task | None = None
    on_acquire: Callable[[], None] | None = None

    def _free(self) -> bool:
        return not self.readers and self.writer is None

    def _taken(self) -> None:
        _task.get().held.append(self)
        if self.on_acquire is not None:
            self.on_acquire()

    async def acquire_read(self, label: str) -> None:
        """Take it to read, when nobody writes."""
        _task.get().wants(self, label)
        await point_when(label, sched.Kind.LOCK, self, lambda: self.writer is None)
        self.readers.append(_task.get())
        self._taken()

    async def acquire_write(self, label: str) -> None:
        """Take it to write, when nobody has it."""
        _task.get().wants(self, label)
        await point_when(label, sched.Kind.LOCK, self, self._free)
        self.writer = _task.get()
        self._taken()

    async def release(self, label: str) -> None:
        """Give back what the running task holds."""
        await point(label)
        task = _task.get()
        if self.writer is task:
            self.writer = None
        else:
            self.readers.remove(task)
        task.held.remove(self)


@attrs.define(eq=False)
class Completion:
    """A `trio.Event` with a value."""

    name: str
    value: object = None
    _event: trio.Event = attrs.Factory(trio.Event)

    async def wait(self, label: str) -> object:
        """Wait until it has happened; returns its value."""
        await self._event.wait()
        return self.value

    async def complete(self, label: str, value: object = None) -> None:
        """Let it happen, with *value*."""
        await point(label)
        self.value = value
        self._event.set()


@attrs.define(eq=False)
class WaitQueue:
    """A `trio.Event` for each time that somebody wakes."""

    name: str
    _event: trio.Event | None = None

    async def wait_for(self, label: str, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds; it is looked at whenever somebody wakes."""
        while not condition():
            if self._event is None:
                self._event = trio.Event()
            await self._event.wait()

    def wake(self) -> None:
        """Let everybody look at his condition."""
        if self._event is not None:
            self._event.set()
            self._event = None


@attrs.define(eq=False)
class _Receiver:
    """The receiving end of a memory channel, with `waiting`."""

    _channel: trio.MemoryReceiveChannel[Any]
    receive: Callable[[], Coroutine[Any, Any, Any]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.receive = self._channel.receive

    def waiting(self) -> int:
        return self._channel.statistics().current_buffer_used


def open_channel(name: str, capacity: float) -> tuple[object, object]:
    """A memory channel; the execution closes it."""
    send, receive = trio.open_memory_channel[Any](capacity)
    _building.get().channels.extend((send, receive))
    return send, _Receiver(receive)


class _Current:
    """Stands for the execution where the model asks for the current one.

    Plain Trio counts no steps; who waits for a number of them has none to wait for.
    """

    step: int = 0

    def me(self) -> Task:
        return _task.get()

    def refresh(self, queue: WaitQueue) -> None:
        queue.wake()


_CURRENT: Final = _Current()


def current() -> _Current:
    """Who knows the running task."""
    return _CURRENT


# Putting them in place


#: What stands in for what. Kinds, violations and types that are only named stay as they are.
INSTEAD: Final[tuple[tuple[object, object], ...]] = (
    (sched.point, point),
    (sched.point_when, point_when),
    (sched.choose, choose),
    (sched.might_sleep, might_sleep),
    (sched.sleep, sleep),
    (sched.SpinLock, SpinLock),
    (sched.Mutex, Mutex),
    (sched.RwSem, RwSem),
    (sched.Completion, Completion),
    (sched.WaitQueue, WaitQueue),
    (sched.open_channel, open_channel),
    (sched.current, current),
    (sched.running_task, _task.get),
)


@contextmanager
def primitives() -> Iterator[None]:
    """Let the model use plain Trio until the block ends, and ours again after it."""
    instead = {id(ours): plain for ours, plain in INSTEAD}
    replaced: list[tuple[ModuleType, str, object]] = []
    try:
        for module in model_modules():
            for name, value in list(vars(module).items()):
                if id(value) in instead:
                    replaced.append((module, name, value))
                    setattr(module, name, instead[id(value)])
        yield
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)


def model_modules() -> list[ModuleType]:
    """The modules whose globals the model's code looks at."""
    rooms = ("swaptrio.mm", "swaptrio.variants", "swaptrio.checks")
    names = [name for name in sorted(sys.modules) if name.startswith(rooms)]
    names += ["swaptrio.scenario.tasks", "swaptrio.scenario.world"]
    return [sys.modules[name] for name in names]


# Running it


@attrs.define(eq=False)
class Execution:
    """Collects what `Setup.build` makes: the tasks, the checks at the end, the channels.

    What steps do not read is named for whoever looks for states that come back: nobody here.
    """

    tasks: list[tuple[Task, Callable[..., Any], tuple[Any, ...]]] = attrs.Factory(list)
    at_end: list[Callable[[], None]] = attrs.Factory(list)
    channels: list[Any] = attrs.Factory(list)
    unread: list[object] = attrs.Factory(list)

    def spawn(
        self, name: str, function: Callable[..., Any], *args: object, daemon: bool = False
    ) -> Task:
        """Add a task that will run ``function(*args)``."""
        task = Task(name, daemon)
        self.tasks.append((task, function, args))
        return task


_building: Final[ContextVar[Execution]] = ContextVar("plain_execution")


def run(setup: Setup, seed: int) -> World:
    """Run *setup* once, in a `trio.run` of its own; inside `primitives`.

    Raises:
        ExceptionGroup: with the Violation of an oracle in it.
        Violation: of an oracle that looks at the end.
    """
    _luck.begin(seed)
    return trio.run(_run, setup)


async def _run(setup: Setup) -> World:
    execution = Execution()
    _building.set(execution)
    # All that `build` asks of an execution is what ours has.
    world = setup.build(cast("sched.Execution", execution))
    async with trio.open_nursery() as daemons:
        async with trio.open_nursery() as callers:
            for task, function, args in execution.tasks:
                nursery = daemons if task.daemon else callers
                nursery.start_soon(_carry, task, function, args)
        daemons.cancel_scope.cancel()
    for channel in execution.channels:
        channel.close()
    for check in execution.at_end:
        check()
    return world


async def _carry(task: Task, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    _task.set(task)
    await function(*args)
