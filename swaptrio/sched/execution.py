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
  * whoever is chosen can perform its operation: it is enabled when it is sent on.
  * ``running`` is enabled or is being parked; no other task is executing.
  * a task is in at most one ``pending`` list, and only while it is parked.
  * once ``verdict`` is set nothing is decided any more: points let every task pass, so that
    ``finally`` blocks of abandoned tasks run to their end without touching the schedule. At
    most `DRAIN_LIMIT` times, as such a block may loop until another task does something.
  * nothing that a program raises is lost: the first failure is the verdict, set where it is
    noticed, so that a program which swallows the exception cannot swallow the verdict.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextvars import ContextVar, Token
from functools import partial
from heapq import heappop, heappush
from types import CoroutineType
from typing import Any, Final, NoReturn, TypeVar

import attrs

from swaptrio.sched.errors import ModelError, Stopped, Violation
from swaptrio.sched.lasso import QUIET, Lasso
from swaptrio.sched.operation import Access, name_of
from swaptrio.sched.schedule import Decision, Schedule
from swaptrio.sched.strategies import Strategy
from swaptrio.sched.task import Observer, Resource, Task
from swaptrio.sched.verdict import Ending, Verdict, Waiting, classify, find_cycle

T = TypeVar("T")

#: Steps after which an execution that has not ended counts as a livelock.
DEFAULT_BUDGET: Final = 20_000

#: Points that the tasks of one execution may pass after its verdict.
DRAIN_LIMIT: Final = 1000

#: What a task can be made of. Nearly all are of the first type, which is told at once.
_COROUTINES: Final = (CoroutineType, Coroutine)

#: A decision of its four parts; `Decision._make` is a function in Python, which counts them.
_DECISION: Final = partial(tuple.__new__, Decision)

#: What a model task yields when it parks. Anything else it yields is a foreign await.
PARK: Final = object()

_current: ContextVar[Execution] = ContextVar("swaptrio_execution")


class Unrecorded(list[tuple[int, int, str, str]]):
    """Decisions that nobody keeps."""

    def append(self, deviation: tuple[int, int, str, str]) -> None:
        """Forget it."""


@attrs.define(eq=False)
class Execution:
    """The state of one execution of a program; `Scheduler.run` makes one and returns it.

    *fingerprint* is asked for the shared state of the program, to recognise a state that comes
    back (see `lasso`); without it only the *budget* of steps bounds an execution that does not
    end. *at_end* are checks to call when nobody has anything left to do; what one raises is the
    verdict. *failure* is the exception behind the verdict, with its traceback, if there is one.
    *now* is the virtual time in nanoseconds. *unread* are objects that steps write and none
    reads, as statistics are: a program adds its own, and a state comes back whatever they hold.
    *lasting* are objects that a program begins several executions with, each time in one and
    the same state.
    *touched* is where steps report what they access beside their declared operations, if
    somebody listens (see `shared`); steps do so before the verdict only. A strategy that has to
    look at suspended tasks sets *look* and ``watching``: then it is called once for each
    decision, instead of the watch for a state that comes back.
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
    failure: BaseException | None = None
    observer_failure: BaseException | None = None
    at_end: list[Callable[[], None]] = attrs.Factory(list)
    unread: list[object] = attrs.Factory(list)
    lasting: list[object] = attrs.Factory(list)
    time_read: bool = False
    watching: bool = False
    touched: list[tuple[object, Access]] | None = None
    thorough: bool = False
    look: Callable[[Execution], None] | None = None
    _drained: int = 0
    _names: set[str] = attrs.Factory(set)
    _lasso: Lasso | None = None

    def spawn(
        self,
        name: str,
        function: Callable[..., Coroutine[Any, Any, object]],
        *args: object,
        daemon: bool = False,
    ) -> Task:
        """Add a task that will run ``function(*args)``; it waits at the label ``start``.

        Args:
            name: any text that is not empty; no two tasks of an execution share one.
            function: an ``async def`` that waits for nothing but scheduling points.
            daemon: whether the execution may end while the task waits for work.

        Raises:
            ModelError: the name is empty or taken, or *function* makes no coroutine.
        """
        if not name or name in self._names:
            msg = f"two tasks are called {name!r}" if name else "a task needs a name"
            raise ModelError(msg)
        coro = function(*args)
        if not isinstance(coro, _COROUTINES):
            msg = f"{name}: {name_of(function)} is no coroutine function"
            raise ModelError(msg)
        self._names.add(name)
        task = Task(name, len(self.tasks), coro, daemon)
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
            Whether *task* has to park. Then ``running`` is the task to send on, which is *task*
            itself where ``watching`` is set, or ``verdict`` says how the execution has ended.

        Raises:
            SchedError: the execution cannot go on, and has its verdict.
        """
        self.step = step = self.step + 1
        if step > self.budget:
            return self._over_budget()
        try:
            count = len(self.enabled)
            if self.sleepers:
                count += 1
            if count > 1 or (count and self.strategy.asks_always):
                index = self.strategy.pick(self, count)
            elif count:
                index = 0
            else:
                return self._nobody()
            if index or (chosen := self.running) is None or not chosen.enabled:
                chosen = self._follow(index, count)
            if self.observer is not None:
                self.observer.step(self, chosen)
        except BaseException as exc:  # every way to fail is a verdict
            self.fail(exc)
            raise
        self.running = chosen
        if step >= QUIET and self.fingerprint is not None:
            self.watching = True
        return chosen is not task or self.watching

    def watch(self) -> None:
        """Look whether the state was there before. For carriers, where ``watching`` is set.

        To be called once for each decision, before the chosen task is sent on: then all tasks
        are suspended, and their frames can be read.
        """
        try:
            if self.look is not None:
                self.look(self)
                return
            assert self.fingerprint is not None
            if self._lasso is None:
                self._lasso = Lasso()
            closed = self._lasso.closes(self, self.fingerprint)
        except BaseException as exc:  # every way to fail is a verdict
            self.fail(exc)
            _pass_on(exc)
            return
        if closed:
            self._goes_round(self._lasso)

    def _goes_round(self, lasso: Lasso) -> None:
        """A state is back for ever: nobody gets anywhere, or somebody never goes on."""
        check, message = (
            "state-repeats",
            (f"the state of step {lasso.start} is back at step {self.step}"),
        )
        starved = lasso.starved(self)
        if starved:
            check, message = "starvation", f"{message}, and in between {', '.join(starved)}"
        self.finish(Ending.LIVELOCK, check, message, tuple(lasso.way))

    def choose(self, label: str, options: Sequence[T]) -> T:
        """Draw one of *options*; the first is the default. No task switch happens here.

        Raises:
            ModelError: there are no options, or nobody runs.
        """
        task = self.me()
        if not options:
            msg = f"{label}: nothing to choose from"
            raise ModelError(msg)
        self.step += 1
        if self.step > self.budget:
            self._over_budget()
            return options[0]
        try:
            index = self._draw(task, label, options)
            if self.observer is not None:
                self.observer.choice(self, task, label, options[index])
        except BaseException as exc:  # every way to fail is a verdict
            self.fail(exc)
            raise
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
        if self.touched is not None:
            self.touched.append(("clock", Access.WRITE))
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
        except BaseException as exc:  # every way to fail is a verdict
            self.fail(exc)
            _pass_on(exc)

    def fail(self, exc: BaseException) -> None:
        """The execution cannot go on because of *exc*; the first failure is the verdict."""
        if self.verdict is not None:
            return
        self.failure = exc
        self.finish(*classify(exc))

    def finish(
        self, ending: Ending, check: str = "", message: str = "", cycle: tuple[str, ...] = ()
    ) -> None:
        """Set the verdict and stop deciding; *cycle* is that of a livelock."""
        waiting = self._waiting() if ending is Ending.DEADLOCK else ()
        schedule = Schedule(tuple(map(_DECISION, self.deviations)))
        cycle = cycle or find_cycle(waiting)
        self.verdict = Verdict(ending, self.step, schedule, check, message, waiting, cycle)
        self.budget = -1
        self.watching = False
        try:
            if self.observer is not None:
                self.observer.end(self)
        except BaseException as exc:  # the verdict stays; Scheduler.run raises it
            self.observer_failure = exc
        self.touched = None

    def close(self) -> None:
        """Abandon the tasks that have not ended; their ``finally`` blocks run now."""
        self.budget = -1
        for task in self.tasks:
            if not task.finished:
                self.abandon(task)
        self.running = None

    def abandon(self, task: Task) -> None:
        """Close the coroutine of *task*. What it still raises comes too late to matter."""
        self.running = task
        try:
            task.coro.close()
        except BaseException as exc:  # the verdict is set
            _pass_on(exc)

    def _follow(self, index: int, count: int) -> Task:
        """Take candidate *index* of *count*, and note a deviation."""
        if not 0 <= index < count:
            self._bad_index(index, count)
        enabled, task, place = self.enabled, self.running, index
        if index and task is not None and task.enabled and enabled[index - 1] < task.index:
            place -= 1  # the running task stood first, and has its place behind this one
        chosen = self.tasks[enabled[place]] if place < len(enabled) else self._let_time_pass()
        if index:
            self.deviations.append((self.step, index, chosen.name, chosen.label))
        return chosen

    def _draw(self, task: Task, label: str, options: Sequence[object]) -> int:
        count = len(options)
        if count == 1 and not self.strategy.asks_always:
            return 0
        index = self.strategy.choose(self, label, options)
        if not 0 <= index < count:
            self._bad_index(index, count)
        if count > 1 and self._lasso is not None:
            self._lasso.drawn = True
        if index:
            self.deviations.append((self.step, index, task.name, label))
        return index

    def _bad_index(self, index: int, count: int) -> NoReturn:
        strategy = type(self.strategy).__name__
        msg = f"step {self.step}: {strategy} takes number {index} of {count}"
        raise ModelError(msg)

    def _let_time_pass(self) -> Task:
        self.now = self.sleepers[0][0]
        first = self.sleepers[0][2]
        while self.sleepers and self.sleepers[0][0] == self.now:
            self.enable(heappop(self.sleepers)[2])
        return first

    def _over_budget(self) -> bool:
        self.step -= 1
        if self.verdict is not None:
            self._drained += 1
            if self._drained > DRAIN_LIMIT:
                raise Stopped
            return False
        if not self.count():
            self.step += 1
            return self._nobody()
        self.finish(Ending.LIVELOCK, "step-budget", f"no end after {self.step} steps")
        raise Stopped

    def _nobody(self) -> bool:
        self.step -= 1
        self.running = None
        stuck = [task for task in self.tasks if not task.finished and not task.idle]
        if stuck:
            self._stuck(stuck)
            return True
        try:
            for check in self.at_end:
                check()
        except BaseException as exc:  # every way to fail is a verdict
            self.fail(exc)
            _pass_on(exc)
        else:
            self.finish(Ending.PASSED)
        return True

    def _stuck(self, stuck: list[Task]) -> None:
        """Nobody can go on, because of a wake-up that was lost, or for another reason."""
        names = ", ".join(task.name for task in stuck)
        message = f"nobody can go on: {names}"
        lost = [told for task in stuck if (told := _lost(task))]
        if lost:
            self.finish(Ending.DEADLOCK, "lost-wakeup", f"{message}; {'; '.join(lost)}")
        else:
            self.finish(Ending.DEADLOCK, "deadlock", message)

    def _waiting(self) -> tuple[Waiting, ...]:
        return tuple(
            Waiting(
                task.name,
                task.label,
                name_of(task.target),
                tuple(holder.name for holder in _holders(task.target)),
            )
            for task in self.tasks
            if not task.finished and not task.idle
        )


def _pass_on(exc: BaseException) -> None:
    """Let the user's wish to stop go on; everything else has become the verdict."""
    if isinstance(exc, KeyboardInterrupt | SystemExit):
        raise exc


def _holders(target: object) -> tuple[Task, ...]:
    holders: Callable[[], tuple[Task, ...]] | None = getattr(target, "holders", None)
    return holders() if holders is not None else ()


def _lost(task: Task) -> str:
    """What wake-up *task* has missed, in words; empty for none."""
    lost: Callable[[Task], str] | None = getattr(task.target, "lost", None)
    return lost(task) if lost is not None else ""


def enter(execution: Execution) -> Token[Execution]:
    """Make *execution* the current one of this context. For carriers."""
    return _current.set(execution)


def leave(token: Token[Execution]) -> None:
    """Undo what `enter` did. For carriers."""
    _current.reset(token)


def running_task() -> Task:
    """The task that the caller is part of.

    Raises:
        ModelError: the caller is not a task of an execution.
    """
    execution = _current.get(None)
    if execution is None or execution.running is None:
        return current().me()  # says what is missing
    return execution.running


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
