# SPDX-License-Identifier: MIT OR Apache-2.0
"""Observers for those who test a program, or the scheduler itself."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.operation import Kind

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Resource, Task


@attrs.define(eq=False)
class Transcript:
    """Writes one line for each step and each draw of one execution after another.

    ``3 writer counter.lock (lock counter)`` says that step 3 was the writer's, at that label,
    with that operation; ``4 writer alloc: fail`` that it drew an option.
    """

    lines: list[str] = attrs.Factory(list)

    def step(self, execution: Execution, task: Task) -> None:
        """Write who performs what."""
        self.lines.append(f"{execution.step} {task.name} {task.operation}")

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Write what was drawn."""
        self.lines.append(f"{execution.step} {task.name} {label}: {option}")

    def end(self, execution: Execution) -> None:
        """Write the verdict."""
        self.lines.append(f"= {execution.verdict}")


@attrs.define(eq=False)
class Invariants:
    """Asserts at each step what the head of `execution` promises.

    Dear: every task is looked at in every step. *steps* counts the looks.
    """

    steps: int = 0

    def step(self, execution: Execution, task: Task) -> None:
        """All invariants, where *task* is the one that was chosen."""
        self.steps += 1
        assert execution.verdict is None
        assert execution.enabled == [t.index for t in execution.tasks if t.enabled]
        assert task.enabled, f"{task.name} was chosen and cannot go on"
        assert not task.finished
        executing = [t for t in execution.tasks if _executing(t)]
        assert executing in ([], [execution.running])
        for other in execution.tasks:
            self._locks(other)
            self._waits(execution, other)
        self._sleepers(execution)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Only the running task draws."""
        assert execution.running is task
        assert execution.verdict is None

    def end(self, execution: Execution) -> None:
        """Somebody has set the verdict."""
        assert execution.verdict is not None

    def _locks(self, task: Task) -> None:
        assert all(lock.owner is task for lock in task.held)
        assert all(lock in task.held for lock in task.spinning)

    def _waits(self, execution: Execution, task: Task) -> None:
        queues = [target for target in _targets(execution) if task in target.pending]
        assert len(queues) <= 1
        if queues:
            assert queues[0] is task.target
            assert queues[0].pending.count(task) == 1
            assert task.ready is not None
            # Who waits in a queue is asked again when somebody wakes, and not before.
            if task.kind is not Kind.WAIT:
                assert task.enabled == bool(task.ready()), f"{task.name} at {task.operation}"
            assert not _executing(task)
        if task.finished:
            assert not queues
            assert not task.enabled

    def _sleepers(self, execution: Execution) -> None:
        assert all(not task.enabled for _, _, task in execution.sleepers)
        assert all(deadline >= execution.now for deadline, _, _ in execution.sleepers)


def _executing(task: Task) -> bool:
    return inspect.getcoroutinestate(task.coro) == inspect.CORO_RUNNING


def _targets(execution: Execution) -> list[Resource]:
    targets: list[Resource] = []
    for task in execution.tasks:
        target = task.target
        if hasattr(target, "pending") and not any(target is known for known in targets):
            targets.append(target)  # type: ignore[arg-type]  # a Resource, by its fields
    return targets
