# SPDX-License-Identifier: MIT OR Apache-2.0
"""What all ways to search count alike, and when they have to give up."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.exhaustive.probe import Probe
from swaptrio.explore.exhaustive.result import NONDETERMINISTIC, Found, Outcome
from swaptrio.explore.exhaustive.sighting import see
from swaptrio.explore.sights import Sights
from swaptrio.sched import Ending, Program

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.normal import Way
    from swaptrio.explore.exhaustive.walk import Walk
    from swaptrio.sched import Execution, Scheduler, Strategy, Verdict


def _nothing() -> None:
    """What a program keeps where no frame of its tasks refers to it."""


@attrs.define(eq=False)
class Tally:
    """Runs executions of *program* and counts them.

    *outcome* is None as long as the search goes on. What *program* returns may be a function:
    it is asked for the state in which an execution has ended. *interrupted* says that the
    search could go on. *rounds* are those of `Result`. *first* says to stop at the first
    violation. *sights* are the windows that were passed, where somebody wants to know.
    """

    program: Program
    budget: int
    first: bool = False
    executions: int = 0
    rounds: int = 0
    outcome: Outcome | None = None
    interrupted: bool = False
    reason: str = ""
    finals: set[Hashable] = attrs.Factory(set)
    violations: dict[tuple[Ending, str], Found] = attrs.Factory(dict)
    final: object = None
    sights: Sights | None = None

    async def run(
        self, scheduler: Scheduler, strategy: Strategy, *, watched: bool = True
    ) -> Verdict:
        """One execution; nothing is counted.

        Where it is *watched* a state that comes back ends it, as a livelock (see `lasso`).

        Raises:
            Exception: the program cannot be set up.
        """
        self.final = None
        observer = strategy if hasattr(strategy, "end") else None
        execution = await scheduler.run(
            self._begin,
            strategy,
            budget=self.budget,
            observer=observer,  # type: ignore[arg-type]  # by its methods
            fingerprint=_nothing if watched else None,
        )
        verdict = execution.verdict
        assert verdict is not None
        if not execution.tasks and execution.failure is not None:
            raise execution.failure
        return verdict

    def _begin(self, execution: Execution) -> None:
        self.final = self.program(execution)

    def count(self, verdict: Verdict, way: Callable[[], Way] = tuple) -> bool:
        """An execution has come to an end of its own; *way* tells its normal form.

        Whether it fails as none has before.
        """
        self.executions += 1
        if callable(self.final):
            self.finals.add(self.final())
        known = len(self.violations)
        if not verdict.passed:
            self.keep(Found(verdict, () if self.first else way()))
            if self.first:
                self.outcome = Outcome.VIOLATION
        return len(self.violations) > known

    def _final(self) -> object:
        """The state in which the last execution has ended, if the program tells it."""
        return self.final() if callable(self.final) else None

    def see(self, walk: Walk) -> None:
        """Note what the execution of *walk* has shown that has just ended."""
        if self.sights is not None:
            see(self.sights, walk)

    def take_sights(self) -> Sights | None:
        """What was seen since the last time."""
        sights, self.sights = self.sights, None if self.sights is None else Sights()
        return sights

    def add_sights(self, sights: Sights | None) -> None:
        """What others have seen of the windows, if they were asked for."""
        if self.sights is not None and sights is not None:
            self.sights.add(sights)

    def keep(self, found: Found) -> None:
        """Of what shows the same the first one is kept, or that whose normal form is first."""
        known = self.violations.get(found.signature)
        if known is None or found.rank < known.rank:
            self.violations[found.signature] = found

    async def settle(self, scheduler: Scheduler) -> None:
        """Show each violation by its normal form: the same, whoever has found it when."""
        violations, self.violations = self.violations, {}
        for found in sorted(violations.values(), key=lambda found: found.rank):
            again = Found(await self.run(scheduler, Probe(found.way)), found.way)
            self.keep(again if again.signature == found.signature else found)

    def copy(self) -> Tally:
        """Another one that has counted the same."""
        sights = None if self.sights is None else Sights()
        other = attrs.evolve(
            self, finals=set(self.finals), violations=dict(self.violations), sights=sights
        )
        other.add_sights(self.sights)
        return other

    def clear(self) -> None:
        """Forget all, to begin anew."""
        self.executions, self.outcome, self.reason = 0, None, ""
        self.forget()

    def forget(self) -> None:
        """Forget what was found."""
        self.finals.clear()
        self.violations.clear()
        if self.sights is not None:
            self.sights = Sights()

    def conclusive(self, verdict: Verdict) -> bool:
        """Whether anything can be learned from an execution; if not, this is the end."""
        if verdict.ending is Ending.DIVERGED:
            self.give_up(f"{NONDETERMINISTIC}: {verdict.message}")
        elif verdict.check == "step-budget":
            self.give_up(f"an execution has {verdict.message} (schedule {verdict.schedule})")
        return self.outcome is not Outcome.INCONCLUSIVE

    def trusts(self, walk: Walk, verdict: Verdict) -> bool:
        """As `conclusive`, for an execution of *walk*."""
        if walk.difference is None:
            return self.conclusive(verdict)
        self.give_up(f"{NONDETERMINISTIC}: {walk.difference}")
        return False

    async def repeats(
        self, scheduler: Scheduler, walk: Walk, first: Verdict, *, watched: bool = True
    ) -> bool:
        """Run the execution of *walk* that ended as *first* once more; whether it ends so."""
        final = self._final()
        walk.repeats = True
        again = await self.run(scheduler, walk, watched=watched)
        walk.repeats = False
        if not self.trusts(walk, again):
            return False
        if (again.ending, again.message) != (first.ending, first.message):
            how = f"it ended as {first}, and then as {again}"
            self.give_up(f"{NONDETERMINISTIC}: {how}")
        elif self._final() != final:
            how = f"after the same {first.steps} steps its state is another"
            self.give_up(f"{NONDETERMINISTIC}: {how}")
        return self.outcome is not Outcome.INCONCLUSIVE

    def end(self, outcome: Outcome, reason: str = "") -> None:
        """End the search, even if it was interrupted."""
        self.outcome, self.reason, self.interrupted = outcome, reason, False

    def interrupt(self, reason: str) -> None:
        """End a search that could go on."""
        self.interrupted = True
        self.give_up(reason)

    def give_up(self, reason: str) -> None:
        """End the search without a conclusion."""
        self.outcome = Outcome.INCONCLUSIVE
        self.reason = reason
