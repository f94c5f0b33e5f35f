# SPDX-License-Identifier: MIT OR Apache-2.0
"""A deterministic scheduler for Trio programs.

It knows nothing of memory management. Write the tasks of a program as coroutines that wait
only for the locks, queues, channels and points of this package, spawn them in a function, and
run that under a strategy::

    def program(execution):
        lock = SpinLock("counter")
        for name in ("a", "b"):
            execution.spawn(name, increment, lock)

    execution = run(program, RandomWalk(seed=7))
    print(execution.verdict, execution.verdict.schedule)

`run` starts a Trio run of its own; inside a Trio program ``async with open_scheduler() as s:
await s.run(...)`` runs any number of executions. The same program, strategy and seed give the
same execution on every machine; ``Recorded(schedule)`` gives it once more.
"""

from swaptrio.sched.channels import ReceiveChannel, SendChannel, open_channel
from swaptrio.sched.errors import (
    Diverged,
    Livelock,
    ModelError,
    SchedError,
    Violation,
    WindowNotReached,
)
from swaptrio.sched.execution import DEFAULT_BUDGET, Execution, current, running_task
from swaptrio.sched.locks import Completion, Mutex, SpinLock, WaitQueue
from swaptrio.sched.names import NamedSchedule, Naming
from swaptrio.sched.opening import Carrier, open_scheduler, run
from swaptrio.sched.operation import Access, Kind, Operation, name_of
from swaptrio.sched.points import (
    choose,
    join,
    might_sleep,
    now,
    point,
    point_when,
    sleep,
    spawn,
)
from swaptrio.sched.rwsem import RwSem
from swaptrio.sched.schedule import BadSchedule, Decision, Schedule
from swaptrio.sched.scheduler import Program, Scheduler
from swaptrio.sched.shared import Shared, touch
from swaptrio.sched.strategies import (
    FirstChoice,
    Named,
    RandomWalk,
    Recorded,
    Run,
    Script,
    Strategy,
)
from swaptrio.sched.task import Observer, Task
from swaptrio.sched.verdict import Ending, Verdict, Waiting

__all__ = [
    "DEFAULT_BUDGET",
    "Access",
    "BadSchedule",
    "Carrier",
    "Completion",
    "Decision",
    "Diverged",
    "Ending",
    "Execution",
    "FirstChoice",
    "Kind",
    "Livelock",
    "ModelError",
    "Mutex",
    "Named",
    "NamedSchedule",
    "Naming",
    "Observer",
    "Operation",
    "Program",
    "RandomWalk",
    "ReceiveChannel",
    "Recorded",
    "Run",
    "RwSem",
    "SchedError",
    "Schedule",
    "Scheduler",
    "Script",
    "SendChannel",
    "Shared",
    "SpinLock",
    "Strategy",
    "Task",
    "Verdict",
    "Violation",
    "WaitQueue",
    "Waiting",
    "WindowNotReached",
    "choose",
    "current",
    "join",
    "might_sleep",
    "name_of",
    "now",
    "open_channel",
    "open_scheduler",
    "point",
    "point_when",
    "run",
    "running_task",
    "sleep",
    "spawn",
    "touch",
]
