# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scheduling points. Model code awaits nothing else.

`point` declares an operation that can always succeed; `point_when` one that is disabled until
its condition holds. Locks, wait queues, channels and the clock are built on these two. They are
generators and not ``async def``, which saves a frame on the hottest path there is.
"""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from swaptrio.sched.errors import ModelError, Violation
from swaptrio.sched.execution import PARK, _current, current
from swaptrio.sched.operation import Access, Kind, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence

    from swaptrio.sched.task import Resource, Task

T = TypeVar("T")


@coroutine
def point(
    label: str, kind: Kind = Kind.STEP, target: object = None
) -> Generator[object, None, None]:
    """Declare *kind* on *target* at *label*, and perform it when the scheduler says so.

    Args:
        label: a stable name for this place, by convention ``function.step``.
        kind: what is about to be done; a step of no particular kind if left out.
        target: the object it is done to, or its name.

    Raises:
        ModelError: the caller is not a task of an execution.
        SchedError: the execution has ended here; let it pass.
    """
    try:
        execution = _current.get()
    except LookupError:
        execution = current()  # says what is missing
    task = execution.running
    if task is None:
        task = execution.me()  # says what is missing
    task.kind = kind
    task.target = target
    task.label = label
    if execution.advance(task):
        yield PARK


@coroutine
def point_when(
    label: str, kind: Kind, target: Resource, ready: Callable[[], bool]
) -> Generator[object, None, None]:
    """As `point`, for an operation that can succeed only while *ready* is true.

    For whoever builds another lock or queue. *ready* is asked again whenever somebody calls
    ``Execution.refresh(target)``, and must not change anything.
    """
    try:
        execution = _current.get()
    except LookupError:
        execution = current()  # says what is missing
    task = execution.running or execution.me()
    task.kind = kind
    task.target = target
    task.label = label
    if not ready():
        execution.disable(task)
    if execution.advance(task):
        task.ready = ready
        target.pending.append(task)
        try:
            yield PARK
        finally:  # nothing is left behind by a task that is abandoned here
            target.pending.remove(task)
            task.ready = None


def choose(label: str, options: Sequence[T]) -> T:
    """Let the strategy draw one of *options*; the first is what happens by default.

    It is a decision, though no scheduling point: nobody else runs in between.

    Args:
        label: a stable name for this place, by convention ``function.step``.
        options: one or more values. Scripts name them by their text.

    Raises:
        ModelError: there are no options, or the caller is not a task of an execution.
    """
    return current().choose(label, options)


def might_sleep(label: str) -> None:
    """Say that the caller may sleep here.

    Raises:
        Violation: it holds a spinlock (I-SPIN).
    """
    try:
        execution = _current.get()
    except LookupError:
        execution = current()  # says what is missing
    task = execution.running or execution.me()
    if task.spinning:
        locks = ", ".join(name_of(lock) for lock in task.spinning)
        raise Violation("I-SPIN", f"{task.name} may sleep at {label} while it holds {locks}")


@coroutine
def sleep(label: str, duration: int) -> Generator[object, None, None]:
    """Sleep for *duration* nanoseconds of virtual time (0 or more).

    The sleeper comes back when nothing else can run, or earlier by decision: then the clock
    jumps to its deadline. No wall time passes. Time never passes beyond the earliest sleeper.

    Raises:
        Violation: the caller holds a spinlock (I-SPIN).
        ModelError: the duration is negative.
    """
    might_sleep(label)
    if duration < 0:
        msg = f"{label}: cannot sleep for {duration} ns"
        raise ModelError(msg)
    execution = current()
    task = execution.me()
    task.kind, task.target, task.label = Kind.SLEEP, "clock", label
    execution.fall_asleep(task, duration)
    if execution.advance(task):
        yield PARK


def now() -> int:
    """The virtual time, in nanoseconds since the execution began."""
    execution = current()
    execution.time_read = True
    if execution.touched is not None:
        execution.touched.append(("clock", Access.READ))
    return execution.now


def spawn(
    name: str,
    function: Callable[..., Coroutine[Any, Any, object]],
    *args: object,
    daemon: bool = False,
) -> Task:
    """Start a task of the current execution from within another; see `Execution.spawn`.

    It waits at the label ``start`` and can be chosen from the caller's next point on.
    """
    return current().spawn(name, function, *args, daemon=daemon)


async def join(task: Task, label: str = "join") -> object:
    """Wait until *task* has ended; returns its result.

    Raises:
        Violation: the caller holds a spinlock (I-SPIN).
    """
    might_sleep(label)
    await point_when(label, Kind.JOIN, task, lambda: task.finished)
    return task.result
