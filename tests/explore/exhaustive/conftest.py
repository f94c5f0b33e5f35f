# SPDX-License-Identifier: MIT OR Apache-2.0
"""Small programs as data, run in two ways that share no code.

`naive` interprets them itself, in all schedules one after the other, without a scheduler and
without any reduction, and names a class by the order of all its dependent pairs. `program`
makes a program on `swaptrio.sched` of the same text. The fixtures hand out these two.

An operation is a tuple: its name and its operands. ``read x``, ``write x v``, ``add x``, ``bump
x`` (an add that nobody looks at), ``cas x old new``, ``skip x`` (read, and leave out the next
operation if what was read is odd), ``draw x n`` (write one of 0 .. n-1), ``twice x y`` (draw
two bits; write x, or y, or both), ``lock m``, ``unlock m``, ``try m``, ``leave m`` (unlock if
held), ``share s``, ``own s`` and ``drop s`` (a semaphore for readers and writers, which a text
has to give back), ``send c v``, ``receive c``, ``until x v``, ``join t``, ``fail x v`` (a
violation if x is v, which ends everything), ``bet x v`` (draw a bit; if it is 1, ``fail x v``),
``start`` (what each task does first: it matters only where others end everything, or where
preemptions are counted, so only there a text has to say it), ``serve c`` (receive again and
again, as a daemon).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import pytest

from swaptrio.sched import (
    Access,
    Execution,
    Mutex,
    RwSem,
    Shared,
    Violation,
    choose,
    join,
    open_channel,
    point,
    touch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Op: TypeAlias = tuple[Any, ...]
Code: TypeAlias = tuple[tuple[Op, ...], ...]

VARIABLES = ("x", "y", "z")
LOCKS = ("m", "n")
SEMS = ("s",)
CHANNELS = ("c",)
CAPACITY = 1


@attrs.define(eq=False)
class State:
    """The state of an interpreted program."""

    code: Code
    at: list[int]
    values: dict[str, int]
    owners: dict[str, int | None]
    channels: dict[str, list[int]]
    logs: list[list[object]]
    trace: list[tuple[tuple[int, int, tuple[int, ...]], list[tuple[object, str]]]]
    failed: bool = False
    readers: dict[str, frozenset[int]] = attrs.Factory(lambda: dict.fromkeys(SEMS, frozenset()))

    @classmethod
    def begin(cls, code: Code) -> State:
        """Nobody has done anything."""
        n = len(code)
        return cls(
            code,
            [0] * n,
            dict.fromkeys(VARIABLES, 0),
            dict.fromkeys((*LOCKS, *SEMS)),
            {c: [] for c in CHANNELS},
            [[] for _ in code],
            [],
        )

    def copy(self) -> State:
        """Another state that is the same."""
        return State(
            self.code,
            list(self.at),
            dict(self.values),
            dict(self.owners),
            {c: list(v) for c, v in self.channels.items()},
            [list(log) for log in self.logs],
            list(self.trace),
            readers=dict(self.readers),
        )

    def op(self, t: int) -> Op | None:
        """What the task does next; locks that it still holds at its end it gives back."""
        if self.at[t] < len(self.code[t]):
            return self.code[t][self.at[t]]
        held = [m for m in LOCKS if self.owners[m] == t]
        return ("leave", held[0]) if held else None

    def can(self, t: int) -> bool:
        """Whether the task can go on."""
        op = None if self.failed else self.op(t)
        match op:
            case None:
                return False
            case ("lock" | "share", m):
                return self.owners[m] is None
            case ("own", s):
                return self.owners[s] is None and not self.readers[s]
            case ("send", c, _):
                return len(self.channels[c]) < CAPACITY
            case ("receive" | "serve", c):
                return bool(self.channels[c])
            case ("until", x, v):
                return bool(self.values[x] == v)
            case ("join", u):
                return self.op(u) is None
        return True

    def options(self, t: int) -> list[tuple[int, ...]]:
        """All draws that the task's next step could make."""
        match self.op(t):
            case ("draw", _, n):
                return [(k,) for k in range(n)]
            case ("bet", _, _):
                return [(0,), (1,)]
            case ("twice", _, _):
                return [(0, 0), (0, 1), (1,)]
        return [()]

    def do(self, t: int, draws: tuple[int, ...]) -> None:
        """One step."""
        op = self.op(t)
        assert op is not None
        self.at[t] += 1
        touched = self._effect(t, op, draws)
        if self.op(t) is None:
            touched.append((("task", t), "w"))
        count = sum(1 for event, _ in self.trace if event[0] == t)
        self.trace.append(((t, count, draws), touched))

    def _effect(self, t: int, op: Op, draws: tuple[int, ...]) -> list[tuple[object, str]]:
        values, log = self.values, self.logs[t]
        match op:
            case ("read", x):
                log.append(values[x])
                return [(x, "r")]
            case ("skip", x):
                log.append(values[x])
                if values[x] % 2 and self.at[t] < len(self.code[t]):
                    self.at[t] += 1
                return [(x, "r")]
            case ("write", x, v):
                values[x] = v
                return [(x, "w")]
            case ("add", x):
                log.append(values[x])
                values[x] += 1
                return [(x, "w")]
            case ("bump", x):
                values[x] += 1
                return [(x, "a")]
            case ("cas", x, old, new):
                log.append(values[x] == old)
                if values[x] != old:
                    return [(x, "r")]
                values[x] = new
                return [(x, "w")]
            case ("draw", x, _):
                values[x] = draws[0]
                return [(x, "w")]
            case ("twice", x, y):
                if draws == (1,):
                    values[x] = 7
                    return [(x, "w")]
                values[y] = draws[1]
                return [(y, "w")] if draws[1] else [(y, "w"), (x, "r")]
            case ("lock", m):
                self.owners[m] = t
                return [(m, "w")]
            case ("unlock" | "leave", m):
                if self.owners[m] != t:
                    return []
                self.owners[m] = None
                return [(m, "w")]
            case ("try", m):
                log.append(self.owners[m] is None)
                if self.owners[m] is not None:
                    return [(m, "r")]
                self.owners[m] = t
                return [(m, "w")]
            case ("share", s):
                self.readers[s] |= {t}
                return self._shared(s)
            case ("drop", s) if t in self.readers[s]:
                self.readers[s] -= {t}
                return self._shared(s)
            case ("own" | "drop", s):
                self.owners[s] = t if op[0] == "own" else None
                return [(s, "w"), ("readers", "w")]
            case ("send", c, v):
                self.channels[c].append(v)
                return [(c, "w")]
            case ("receive" | "serve", c):
                self.at[t] -= op[0] == "serve"
                log.append(self.channels[c].pop(0))
                return [(c, "w")]
            case ("until", x, _):
                return [(x, "r")]
            case ("join", u):
                return [(("task", u), "r")]
            case ("bet", _, _) if draws == (0,):
                return []
            case ("fail" | "bet", x, v):
                self.failed = values[x] == v
                if self.failed:
                    self.at[t] -= 1
                return [(x, "r")]
            case ("start",):
                return []
        raise AssertionError(op)

    def _shared(self, s: str) -> list[tuple[object, str]]:
        """A reader has come or gone: where anybody waits to write, the order matters to him."""
        writers = any(op == ("own", s) for ops in self.code for op in ops)
        return [(s, "r"), ("readers", "w" if writers else "a")]

    def final(self) -> object:
        """What can be seen at the end."""
        return (
            tuple(self.values.values()),
            tuple(tuple(log) for log in self.logs),
            tuple(self.op(t) is None for t in range(len(self.code))),
        )

    def name(self) -> object:
        """The class of the execution: its events, and the order of those that depend.

        The event that has failed depends on all others.
        """
        pairs = []
        last = len(self.trace) - 1 if self.failed else -1
        for j, (event, touched) in enumerate(self.trace):
            for earlier, before in self.trace[:j]:
                if j == last or _depend(before, touched):
                    pairs.append((earlier, event))
        return frozenset(event for event, _ in self.trace), frozenset(pairs)


def _depend(one: list[tuple[object, str]], other: list[tuple[object, str]]) -> bool:
    return any(
        a == b and not (how == what and how in "ra") for a, how in one for b, what in other
    )


def naive(
    code: Code, limit: int, bound: int = 1000
) -> tuple[int, set[object], set[object]] | None:
    """How many executions there are, their classes and their final states; None: too many.

    No more than *bound* times a task is left that could go on.
    """
    classes: set[object] = set()
    finals: set[object] = set()
    executions = 0
    for state in _all(State.begin(code), -1, bound):
        executions += 1
        if executions > limit:
            return None
        classes.add(state.name())
        finals.add(state.final())
    return executions, classes, finals


def _all(state: State, running: int, bound: int) -> Iterator[State]:
    moves = [t for t in range(len(state.code)) if state.can(t)]
    if not moves:
        yield state
    for t in moves:
        left = bound - (running in moves and t != running)
        for draws in state.options(t) if left >= 0 else []:
            after = state.copy()
            after.do(t, draws)
            yield from _all(after, t, left)


def program(code: Code) -> Callable[[Execution], Callable[[], object]]:
    """The same on `swaptrio.sched`; what it returns tells the final state."""

    def build(execution: Execution) -> Callable[[], object]:
        world = World(len(code))
        for t, ops in enumerate(code):
            serves = any(op[0] == "serve" for op in ops)
            world.tasks.append(execution.spawn(f"t{t}", world.run, t, ops, daemon=serves))
        return world.final

    return build


class World:
    """The objects of one execution."""

    def __init__(self, n: int) -> None:
        self.values = {x: Shared(x, 0) for x in VARIABLES}
        self.locks = {m: Mutex(m) for m in LOCKS}
        self.sems = {s: RwSem(s) for s in SEMS}
        self.ends: dict[str, Any] = {c: open_channel(c, CAPACITY) for c in CHANNELS}
        self.logs: list[list[object]] = [[] for _ in range(n)]
        self.tasks: list[Any] = []
        self.skip = [False] * n

    def final(self) -> object:
        """What can be seen at the end."""
        return (
            tuple(x.value for x in self.values.values()),
            tuple(tuple(log) for log in self.logs),
            tuple(task.finished for task in self.tasks),
        )

    async def run(self, t: int, ops: tuple[Op, ...]) -> None:
        """One task."""
        held: list[str] = []
        for number, op in enumerate(ops):
            if self.skip[t]:
                self.skip[t] = False
                continue
            await self.do(t, op, f"do.{op[0]}_{number}", held)
        for m in sorted(held):
            await self.locks[m].release("end.leave")

    async def do(self, t: int, op: Op, label: str, held: list[str]) -> None:
        """One operation."""
        values, log = self.values, self.logs[t]
        match op:
            case ("read", x):
                log.append(await values[x].read(label))
            case ("skip", x):
                log.append(await values[x].read(label))
                self.skip[t] = bool(log[-1] % 2)  # type: ignore[operator]  # an int
            case ("write", x, v):
                await values[x].write(label, v)
            case ("add", x):
                log.append(await values[x].add(label, 1))
            case ("bump", x):
                await point(label)
                touch(x, Access.ADD)
                values[x]._set(values[x]._value + 1)
            case ("cas", x, old, new):
                log.append(await values[x].cas(label, old, new))
            case ("draw", x, n):
                await values[x].write(label, 0)
                values[x]._set(choose("do.draw", range(n)))
            case ("twice", x, y):
                await self.twice(label, x, y)
            case ("lock", m):
                await self.locks[m].acquire(label)
                held.append(m)
            case ("unlock" | "leave", m):
                if m in held:
                    held.remove(m)
                    await self.locks[m].release(label)
                else:
                    await point(label)
            case ("share", s):
                await self.sems[s].acquire_read(label)
            case ("own", s):
                await self.sems[s].acquire_write(label)
            case ("drop", s):
                await self.sems[s].release(label)
            case ("try", m):
                log.append(await self.locks[m].try_acquire(label))
                if log[-1]:
                    held.append(m)
            case ("send", c, v):
                await self.ends[c][0].send(v)
            case ("receive", c):
                log.append(await self.ends[c][1].receive())
            case ("serve", c):
                while True:
                    log.append(await self.ends[c][1].receive())
            case ("until", x, v):
                await values[x].until(label, lambda value: value == v)
            case ("join", u):
                await join(self.tasks[u], label)
            case ("fail", x, v):
                if await values[x].read(label) == v:
                    raise Violation("T-FAIL", f"{x} is {v}")
            case ("bet", x, v):
                await self.bet(label, x, v)

    async def bet(self, label: str, x: str, v: int) -> None:
        """A step that draws whether it looks at all."""
        await point(label)
        if choose("do.bet", (False, True)):
            touch(x, Access.READ)
            if self.values[x].value == v:
                raise Violation("T-BET", f"{x} is {v}")

    async def twice(self, label: str, x: str, y: str) -> None:
        """Two draws in one step, of which the second depends on the first."""
        await point(label)
        if choose("do.first", (False, True)):
            touch(x)
            self.values[x]._set(7)
            return
        touch(y)
        self.values[y]._set(choose("do.second", (0, 1)))
        if not self.values[y]._value:
            touch(x, Access.READ)


@pytest.fixture(scope="session", name="naive")
def _naive() -> Callable[[Code, int], tuple[int, set[object], set[object]] | None]:
    """Counts by brute force."""
    return naive


@pytest.fixture(scope="session", name="program_of")
def _program_of() -> Callable[[Code], Callable[[Execution], Callable[[], object]]]:
    """Makes a program on the scheduler."""
    return program
