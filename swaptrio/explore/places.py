# SPDX-License-Identifier: MIT OR Apache-2.0
"""Places: where an execution stands, the same for all that differ in nothing that matters.

A step and all that had to come before it are a *prime*: what the step touched, whom it
follows for that, and its draws. Two executions whose tasks have the same last primes have done
the same steps up to the order of those that do not depend on each other, so the same can
follow. Which of that follows by default depends on the task that runs, too, and on the time.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from swaptrio.explore.trail import Trail
from swaptrio.sched import Access

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.explore.trail import Step
    from swaptrio.sched import Execution, Task

#: A step with all that had to come before it, by number.
Prime: TypeAlias = int

#: What two executions have in common that stand at one place.
Place: TypeAlias = tuple[Hashable, ...]


@attrs.define(eq=False)
class Accesses:
    """The last accesses of one object: *last* ones of one *kind*, and those *before* them."""

    kind: Access
    last: tuple[Prime, ...]
    before: tuple[Prime, ...]

    def followed_by(self, kind: Access) -> tuple[Prime, ...]:
        """Whom an access of *kind* has to follow."""
        return self.before if self._joins(kind) else self.last

    def then(self, kind: Access, prime: Prime) -> Accesses:
        """Those after one more."""
        if self._joins(kind):
            return Accesses(kind, (*self.last, prime), self.before)
        return Accesses(kind, (prime,), self.last)

    def _joins(self, kind: Access) -> bool:
        return kind is self.kind and kind is not Access.WRITE


@attrs.define(eq=False)
class Places:
    """An observer that tells where the execution stands; *primes* are those known so far.

    To be asked by the strategy, at the decision itself.
    """

    primes: dict[Hashable, Prime]
    _trail: Trail = attrs.Factory(Trail)
    _numbered: int = 0
    _last: dict[str, Prime] = attrs.Factory(dict)
    _objects: dict[str, Accesses] = attrs.Factory(dict)
    _everything: tuple[Prime, ...] = ()
    _times: list[int] = attrs.Factory(list)

    def standing(self, execution: Execution) -> Place:
        """The place at which somebody is to go on."""
        self._number(execution)
        running = execution.running
        name = running.name if running is not None and running.enabled else ""
        return name, execution.now, *sorted(self._last.values())

    def drawing(self) -> Place:
        """The place at which the step under way is to draw."""
        step = self._trail.steps[-1]
        return (step.task, *step.draws), self._times[-1], *sorted(self._last.values())

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform what it has declared."""
        self._number(execution)
        self._trail.step(execution, task)
        self._times.append(execution.now)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """The step under way has drawn *option*."""
        self._trail.choice(execution, task, label, option)

    def end(self, execution: Execution) -> None:
        """Nothing follows."""

    def _number(self, execution: Execution) -> None:
        """Give the last step its prime, if it is over and has none."""
        self._trail.close(execution)
        if self._numbered == len(self._trail.steps):
            return
        self._numbered += 1
        step = self._trail.steps[-1]
        followed = frozenset(self._followed(step))
        touched = frozenset(step.touched.items())
        key = (step.task, step.label, touched, followed, tuple(step.draws), self._times[-1])
        prime = self.primes.setdefault(key, len(self.primes))
        self._last[step.task] = prime
        self._keep(step, prime)

    def _followed(self, step: Step) -> Iterable[Prime]:
        if step.opaque:
            yield from self._last.values()
        yield from self._everything
        yield self._last.get(step.task, -1)
        for name, access in step.touched.items():
            known = self._objects.get(name)
            if known is not None:
                yield from known.followed_by(access)

    def _keep(self, step: Step, prime: Prime) -> None:
        if step.opaque:
            self._objects, self._everything = {}, (prime,)
        for name in step.spawned:
            self._last[name] = prime
        for name, access in step.touched.items():
            known = self._objects.get(name)
            self._objects[name] = (
                Accesses(access, (prime,), ()) if known is None else known.then(access, prime)
            )
