# SPDX-License-Identifier: MIT OR Apache-2.0
"""Explore all interleavings of a program.

`explore` is the whole of it. `Exploration` is what it drives, for those who want to look in
between: one `turn` is one execution and the choice of the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from swaptrio.explore.exhaustive.place import event_of
from swaptrio.explore.exhaustive.result import Found, Outcome, Result
from swaptrio.explore.exhaustive.search import Search
from swaptrio.sched import DEFAULT_BUDGET, Diverged, Ending, SchedError, open_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from swaptrio.explore.exhaustive.event import Path
    from swaptrio.explore.exhaustive.tree import Wish
    from swaptrio.sched import Execution, Program, Scheduler, Verdict

#: What a program under search may return: a function that tells its shared state at the end.
Final = "Callable[[], Hashable]"


class Asked(SchedError):
    """A probe has its answer."""


@attrs.define(eq=False)
class Probe:
    """Follows *plan*, steps by task and draws, and sees whether *task* can go on then."""

    asks_always: ClassVar[bool] = True

    plan: Sequence[tuple[str, Path]]
    task: str
    answer: bool | None = None
    _step: int = 0
    _draw: int = 0

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The next of the plan."""
        offered = [task.name for task in execution.candidates()]
        if self._step == len(self.plan):
            self.answer = self.task in offered
            raise Asked
        task = self.plan[self._step][0]
        self._step, self._draw = self._step + 1, 0
        if task not in offered:
            raise Diverged(execution.step, task, ", ".join(offered))
        return offered.index(task)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What the plan says."""
        self._draw += 1
        return self.plan[self._step - 1][1][self._draw - 1]


@attrs.define(eq=False)
class Exploration:
    """A search on its way."""

    program: Program
    name: str = "program"
    budget: int = DEFAULT_BUDGET
    search: Search = attrs.Factory(Search)
    executions: int = 0
    blocked: int = 0
    probes: int = 0
    outcome: Outcome = Outcome.RUNNING
    reason: str = ""
    classes: set[tuple[int, ...]] = attrs.Factory(set)
    finals: set[Hashable] = attrs.Factory(set)
    violations: dict[tuple[str, str], Found] = attrs.Factory(dict)
    _final: object = None

    def result(self) -> Result:
        """The statement so far."""
        return Result(
            self.name,
            self.outcome,
            self.executions,
            len(self.classes),
            self.blocked,
            self.probes,
            len(self.finals),
            None,
            self.reason,
            tuple(self.violations.values()),
        )

    async def turn(self, scheduler: Scheduler) -> None:
        """Run one execution, and prepare the next."""
        walk = self.search.walk
        execution = await scheduler.run(self._begin, walk, budget=self.budget, observer=walk)
        verdict = execution.verdict
        assert verdict is not None
        if not self._conclusive(verdict):
            return
        self._count(verdict)
        self.search.look_for_races()
        await self._probe(scheduler)
        if not self.search.advance():
            self.outcome = Outcome.COMPLETE

    def _begin(self, execution: Execution) -> None:
        self._final = self.program(execution)

    def _conclusive(self, verdict: Verdict) -> bool:
        if verdict.ending is Ending.DIVERGED:
            self.reason = f"the program is not deterministic: {verdict.message}"
        elif verdict.check == "step-budget":
            self.reason = f"an execution has {verdict.message} (schedule {verdict.schedule})"
        else:
            return True
        self.outcome = Outcome.INCONCLUSIVE
        return False

    def _count(self, verdict: Verdict) -> None:
        if self.search.blocked is not None:
            self.blocked += 1
            return
        self.executions += 1
        self.classes.add(self.search.class_of())
        if callable(self._final):
            self.finals.add(self._final())
        if not verdict.passed:
            found = Found.of(verdict)
            self.violations.setdefault(found.signature, found)

    async def _probe(self, scheduler: Scheduler) -> None:
        """Ask for the races of which nobody knew whether they can be reversed."""
        for first, wish in self.search.unsure:
            trace = self.search.trace
            plan = [event_of(node) for node in trace[:first]] + wish.events
            probe = Probe([(event.task, event.path) for event in plan], wish.task)
            await scheduler.run(self._begin, probe, budget=self.budget)
            self.probes += 1
            if probe.answer:
                self.search.wish(first, wish)


async def explore(
    program: Program, *, name: str = "program", budget: int = DEFAULT_BUDGET
) -> Result:
    """Explore."""
    exploration = Exploration(program, name, budget)
    async with open_scheduler("stepped") as scheduler:
        while exploration.outcome is Outcome.RUNNING:
            await exploration.turn(scheduler)
    r = exploration
    import types
    return types.SimpleNamespace(executions=r.executions,classes=len(r.classes),blocked=r.blocked,finals=r.finals,violations=tuple(r.violations.values()),reason=r.reason,probes=r.probes)
