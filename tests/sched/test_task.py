# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a task tells about itself."""

from __future__ import annotations

import pytest

from swaptrio.sched import Execution, FirstChoice, Kind, SpinLock, Task, current, point, run


async def nothing() -> None:
    """Neither a point nor a result."""


@pytest.mark.parametrize(
    ("daemon", "kind", "idle"),
    [
        (True, Kind.RECEIVE, True),
        (True, Kind.WAIT, True),
        (True, Kind.LOCK, False),
        (True, Kind.SEND, False),
        (True, Kind.SLEEP, False),
        (True, Kind.JOIN, False),
        (False, Kind.RECEIVE, False),
        (False, Kind.WAIT, False),
    ],
)
def test_idle(*, daemon: bool, kind: Kind, idle: bool) -> None:
    """Only a daemon that waits for work is idle: to receive, or to be woken."""
    coro = nothing()
    assert Task("t", 0, coro, daemon, kind).idle is idle
    coro.close()


def test_a_task_says_what_it_is_about_to_do() -> None:
    """The declared operation is a value that can be kept; the task is its own holder."""
    seen: list[str] = []

    async def looks(other: Task) -> None:
        seen.append(str(other.operation))
        assert other.holders() == (other,)
        assert current().me() is not other

    async def locks() -> None:
        async with SpinLock("lock").hold("locks.lock"):
            await point("locks.inside")

    def program(execution: Execution) -> None:
        other = execution.spawn("b", locks)
        execution.spawn("a", looks, other)

    run(program, FirstChoice())
    assert seen == ["locks.inside (step)"]
