# SPDX-License-Identifier: MIT OR Apache-2.0
"""One execution: the baton, the enabled set, and the decisions.

Exactly one task runs at a time. A task that reaches a scheduling point declares the operation
that it is about to perform and asks the strategy, in `Execution.advance`, who performs its
declared operation next. If that is the task itself it goes on without any switch. Otherwise it
yields, and the carrier (see `carrier`) sends the chosen task on. Nobody sits in the middle.

Why the enabled set is kept and not searched: a task that cannot perform its operation is taken
out of the set and sits in the ``pending`` list of the object it waits for. Whoever changes that
object calls `Execution.refresh` on it, and only its own waiters are asked again. A step costs
the same with three tasks and with three hundred.

Candidates are numbered: 0 is the running task, if its operation can succeed; the others follow
in the order of their creation; the earliest sleeper comes last, for time may pass at any point.
Where the running task cannot go on, the numbering starts with the first enabled task.

Invariants
  * ``enabled`` is sorted and holds the index of a task if and only if ``task.enabled``.
  * ``running`` is enabled or is being parked; no other task is executing.
  * a task is in at most one ``pending`` list, and only while it is parked.
  * once ``verdict`` is set nothing is decided any more: points let every task pass, so that
    ``finally`` blocks of abandoned tasks run to their end without touching the schedule.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextvars import ContextVar
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import attrs

from swaptrio.sched.errors import (
    Diverged,
    ModelError,
    SchedError,
    Stopped,
    Violation,
    WindowNotReached,
)
from swaptrio.sched.lasso import Lasso
from swaptrio.sched.operation import IDLE_KINDS, Kind, Operation, name_of
from swaptrio.sched.schedule import Decision, Schedule
from swaptrio.sched.verdict import Ending, Verdict, Waiting, find_cycle

if TYPE_CHECKING:
    from swaptrio.sched.strategies import Strategy

T = TypeVar("T")

#: Steps after which an execution that has not ended counts as a livelock.
DEFAULT_BUDGET: Final = 20_000

#: What a model task yields when it parks. Anything else it yields is a foreign await.
PARK: Final = object()

_current: ContextVar[Execution] = ContextVar("swaptrio_execution")


class Resource(Protocol):
    """Something that a task can wait for."""

    name: str
    pending: list[Task]

    def holders(self) -> tuple[Task, ...]:
        """The tasks that could let a waiter go on; empty if nobody can be named."""


class Observer(Protocol):
    """What an execution tells whoever watches it; all calls are made while nobody runs."""

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform the operation that it has declared."""

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """*task* has drawn *option* at *label*."""

    def end(self, execution: Execution) -> None:
        """The verdict is set."""


@attrs.define(eq=False)
class Task:
    """One task of the program under test.

    *kind*, *target* and *label* are the operation that it has declared and not yet performed.
    *spinning* are the spinlocks it holds, *held* all its locks, in the order of acquisition.
    *carrier* belongs to whoever sends the coroutine on. A *daemon* serves others: an execution may end while it waits for work.
    """

    name: str
    index: int
    coro: Coroutine[Any, Any, object]
    daemon: bool = False
    kind: Kind = Kind.START
    target: object = None
    label: str = "start"
    ready: Callable[[], bool] | None = None
    enabled: bool = True
    finished: bool = False
    result: object = None
    spinning: list[Any] = attrs.Factory(list)
    held: list[Any] = attrs.Factory(list)
    pending: list[Task] = attrs.Factory(list)
    carrier: Any = None

    @property
    def operation(self) -> Operation:
        """The declared operation, as a value."""
        return Operation(self.kind, name_of(self.target), self.label)

    def holders(self) -> tuple[Task, ...]:
        """Who lets a joiner go on: the task itself."""
        return (self,)


@attrs.define(eq=False)
class Execution:
    """The state of one execution of a program; `Scheduler.run` makes one and returns it.

    *fingerprint* is asked for the shared state of the program, to recognise a state that comes
    back; without it only the *budget* of steps bounds an execution that does not end.
    """

    strategy: Strategy
    budget: int = DEFAULT_BUDGET
    observer: Observer | None = None
    fingerprint: Callable[[], Hashable] | None = None
    tasks: list[Task] = attrs.Factory(list)
    enabled: list[int] = attrs.Factory(list)
    running: Task | None = None
    step: int = 0
    now: int = 0
    sleepers: list[tuple[int, int, Task]] = attrs.Factory(list)
    deviations: list[tuple[int, int, str, str]] = attrs.Factory(list)
    verdict: Verdict | None = None
    at_end: list[Callable[[], None]] = attrs.Factory(list)
    _names: set[str] = attrs.Factory(set)
    _lasso: Lasso | None = None

    def spawn(
        self,
        name: str,
        function: Callable[..., Coroutine[Any, Any, object]],
        *args: object,
        daemon: bool = False,
    ) -> Task:
        """Add a task that will run ``function(*args)``; it waits at the label ``start``."""
        if name in self._names:
            msg = f"two tasks are called {name!r}"
            raise ModelError(msg)
        self._names.add(name)
        task = Task(name, len(self.tasks), function(*args), daemon)
        self.tasks.append(task)
        self.enabled.append(task.index)
        return task

    def count(self) -> int:
        """How many candidates there are for the next decision."""
        return len(self.enabled) + bool(self.sleepers)

    def candidates(self) -> list[Task]:
        """The candidates for the next decision, in the order of their numbers."""
        others = [self.tasks[index] for index in self.enabled]
        task = self.running
        if task is not None and task.enabled:
            others.remove(task)
            others.insert(0, task)
        if self.sleepers:
            others.append(self.sleepers[0][2])
        return others

    def advance(self, task: Task | None) -> bool:
        """Decide who goes on; *task* has just declared its operation (none: it has ended).

        Returns:
            Whether *task* has to park. Then ``running`` is the task to send on, or none where
            the execution is over.
        """
        self.step += 1
        if self.step > self.budget:
            return self._over_budget()
        count = len(self.enabled)
        if self.sleepers:
            count += 1
        if count > 1 or (count and self.strategy.asks_always):
            chosen = self._decide(count)
        elif count:
            chosen = self._candidate(0)
        else:
            return self._nobody()
        if self.observer is not None:
            self.observer.step(self, chosen)
        if self.fingerprint is not None:
            self._watch_for_lasso(self.fingerprint, task, chosen)
        self.running = chosen
        return chosen is not task

    def choose(self, label: str, options: Sequence[T]) -> T:
        """Draw one of *options*; the first is the default. No task switch happens here."""
        task = self.me()
        self.step += 1
        if self.step > self.budget:
            self._over_budget()
            return options[0]
        index = 0
        if len(options) > 1:
            try:
                index = self.strategy.choose(self, label, options)
            except SchedError as exc:
                self.fail(exc)
                raise
        if index:
            self.deviations.append((self.step, index, task.name, label))
        if self.observer is not None:
            self.observer.choice(self, task, label, options[index])
        return options[index]

    def me(self) -> Task:
        """The running task.

        Raises:
            ModelError: nobody runs.
        """
        if self.running is None:
            msg = "no task of an execution is running"
            raise ModelError(msg)
        return self.running

    def enable(self, task: Task) -> None:
        """*task* can perform its operation again."""
        if not task.enabled:
            task.enabled = True
            insort(self.enabled, task.index)

    def disable(self, task: Task) -> None:
        """*task* cannot perform its operation now."""
        if task.enabled:
            task.enabled = False
            del self.enabled[bisect_left(self.enabled, task.index)]

    def refresh(self, resource: Resource) -> None:
        """*resource* has changed: ask its waiters again whether they can go on."""
        for task in resource.pending:
            if task.ready is None or task.ready():
                self.enable(task)
            else:
                self.disable(task)

    def fall_asleep(self, task: Task, duration: int) -> None:
        """*task* can go on when *duration* nanoseconds of virtual time have passed."""
        self.disable(task)
        heappush(self.sleepers, (self.now + duration, task.index, task))

    def exit(self, task: Task, result: object) -> None:
        """*task* has returned *result*; the next one is chosen."""
        task.finished = True
        task.result = result
        self.disable(task)
        try:
            if task.held:
                names = ", ".join(name_of(lock) for lock in task.held)
                raise Violation("I-SPIN", f"{task.name} ends while it holds {names}")
            if task.pending:
                self.refresh(task)
            self.advance(None)
        except BaseException as exc:  # noqa: BLE001 -- every way to fail is a verdict
            self.fail(exc)

    def fail(self, exc: BaseException) -> None:
        """The execution cannot go on because of *exc*; the first failure is the verdict."""
        if self.verdict is not None:
            return
        ending, check = _classify(exc)
        message = exc.message if isinstance(exc, Violation) else _describe(exc)
        self.finish(ending, check, message)

    def finish(self, ending: Ending, check: str = "", message: str = "") -> None:
        """Set the verdict and stop deciding."""
        waiting = self._waiting() if ending is Ending.DEADLOCK else ()
        schedule = Schedule(tuple(Decision(*deviation) for deviation in self.deviations))
        cycle = find_cycle(waiting)
        self.verdict = Verdict(ending, self.step, schedule, check, message, waiting, cycle)
        self.budget = -1
        if self.observer is not None:
            self.observer.end(self)

    def close(self) -> None:
        """Abandon the tasks that have not ended; their ``finally`` blocks run now."""
        self.budget = -1
        for task in self.tasks:
            if not task.finished:
                self.running = task
                task.coro.close()
        self.running = None

    def _decide(self, count: int) -> Task:
        try:
            index = self.strategy.pick(self, count)
        except SchedError as exc:
            self.fail(exc)
            raise
        chosen = self._candidate(index)
        if index:
            self.deviations.append((self.step, index, chosen.name, chosen.label))
        return chosen

    def _candidate(self, index: int) -> Task:
        enabled = self.enabled
        task = self.running
        if task is not None and task.enabled:
            if index == 0:
                return task
            if index <= bisect_left(enabled, task.index):
                index -= 1
        if index == len(enabled):
            return self._let_time_pass()
        return self.tasks[enabled[index]]

    def _let_time_pass(self) -> Task:
        self.now = self.sleepers[0][0]
        first = self.sleepers[0][2]
        while self.sleepers and self.sleepers[0][0] == self.now:
            self.enable(heappop(self.sleepers)[2])
        return first

    def _over_budget(self) -> bool:
        if self.verdict is None:
            self.step -= 1
            self.finish(Ending.LIVELOCK, "step-budget", f"no end after {self.step} steps")
            raise Stopped
        return False

    def _nobody(self) -> bool:
        self.step -= 1
        self.running = None
        stuck = [task for task in self.tasks if not task.finished and not _idle(task)]
        if stuck:
            names = ", ".join(task.name for task in stuck)
            self.finish(Ending.DEADLOCK, "deadlock", f"nobody can go on: {names}")
            return True
        try:
            for check in self.at_end:
                check()
        except BaseException as exc:  # noqa: BLE001 -- every way to fail is a verdict
            self.fail(exc)
        else:
            self.finish(Ending.PASSED)
        return True

    def _waiting(self) -> tuple[Waiting, ...]:
        return tuple(
            Waiting(
                task.name,
                task.label,
                name_of(task.target),
                tuple(holder.name for holder in _holders(task.target)),
            )
            for task in self.tasks
            if not task.finished and not _idle(task)
        )

    def _watch_for_lasso(
        self, fingerprint: Callable[[], Hashable], task: Task | None, chosen: Task
    ) -> None:
        if self._lasso is None:
            self._lasso = Lasso()
        if self._lasso.closes(self, fingerprint, task, chosen):
            message = f"the state of step {self._lasso.start} is back at step {self.step}"
            self.finish(Ending.LIVELOCK, "state-repeats", message)
            raise Stopped


def _classify(exc: BaseException) -> tuple[Ending, str]:
    match exc:
        case Violation():
            return Ending.VIOLATION, exc.check
        case AssertionError():
            return Ending.VIOLATION, "assertion"
        case Diverged():
            return Ending.DIVERGED, ""
        case WindowNotReached():
            return Ending.UNREACHED, ""
        case _:
            return Ending.ERROR, ""


def _describe(exc: BaseException) -> str:
    text = str(exc)
    if isinstance(exc, SchedError | AssertionError) and text:
        return text
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _idle(task: Task) -> bool:
    return task.daemon and task.kind in IDLE_KINDS


def _holders(target: object) -> tuple[Task, ...]:
    holders: Callable[[], tuple[Task, ...]] | None = getattr(target, "holders", None)
    return holders() if holders is not None else ()


def enter(execution: Execution) -> None:
    """Make *execution* the current one of this context. For carriers."""
    _current.set(execution)


def current() -> Execution:
    """The execution that the caller is part of.

    Raises:
        ModelError: the caller is not a task of an execution.
    """
    try:
        return _current.get()
    except LookupError:
        msg = "this needs a running execution: call it from a task that Scheduler.run started"
        raise ModelError(msg) from None
