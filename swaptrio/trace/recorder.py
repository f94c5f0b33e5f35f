# SPDX-License-Identifier: MIT OR Apache-2.0
"""Record an execution.

The scheduler tells an observer that a task is *about to* perform its operation. What the step
then did is seen only when the next step opens, so the recorder keeps one event open, and closes
it with the difference between the snapshots before and after it. Two snapshots a step are dear;
nobody but a replay records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from swaptrio import __version__
from swaptrio.sched import Execution, Kind, Task, Verdict, name_of
from swaptrio.trace.events import Change, Event, Header, Report, Trace, TracedTask, Value

#: Tells the shared state of a program, as a mapping from keys to values. The order of its keys
#: is the order in every picture, so it must not depend on hashes or addresses.
Snapshot: TypeAlias = Callable[[], Mapping[str, Value]]

#: The task of the step that is open, its number and time, and what it declared.
_Opened: TypeAlias = tuple[Task, int, int, Kind, str, str, str | None]


@attrs.define(eq=False)
class Recorder:
    """An observer that records one execution; `trace` gives the result.

    Args:
        snapshot: tells the state of the program. It is first asked at the first step, when the
            program has been built, and then between any two steps.

    Where an oracle observes the same execution, ask it first: what it finds belongs to the step
    before, and the recorder must not have opened the next.

    Raises:
        RuntimeError: it is given a second execution, or asked for a trace before the end.
    """

    _snapshot: Snapshot
    _events: list[Event] = attrs.Factory(list)
    _world: dict[str, Value] = attrs.Factory(dict)
    _state: dict[str, Value] = attrs.Factory(dict)
    _since: list[int] = attrs.Factory(list)
    _open: _Opened | None = None
    _execution: Execution | None = None
    _verdict: Verdict | None = None

    def step(self, execution: Execution, task: Task) -> None:
        """*task* is about to perform its declared operation: open an event for it."""
        self._begin(execution, task, task.kind, name_of(task.target), task.label, option=None)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """*task* has drawn *option*, in the middle of a step: an event like any other."""
        self._begin(execution, task, Kind.CHOOSE, "", label, option=_text(option))

    def end(self, execution: Execution) -> None:
        """The verdict is set: close the last event."""
        self._belongs(execution)
        self._close()
        self._verdict = execution.verdict

    def trace(
        self,
        *,
        scenario: str = "",
        scenario_digest: str = "",
        variant: str = "",
        window: tuple[str, ...] = (),
        seed: int | None = None,
        reports: tuple[Report, ...] = (),
    ) -> Trace:
        """What was recorded; the arguments go into the `Header` as they are."""
        if self._execution is None or self._verdict is None:
            msg = "the execution has not ended yet"
            raise RuntimeError(msg)
        header = Header(
            tool=__version__,
            verdict=self._verdict,
            scenario=scenario,
            scenario_digest=scenario_digest,
            variant=variant,
            window=window,
            seed=seed,
            reports=reports,
            tasks=self._tasks(self._execution),
            world={str(key): _plain(value) for key, value in self._world.items()},
        )
        return Trace(header, tuple(self._events))

    def _begin(
        self,
        execution: Execution,
        task: Task,
        kind: Kind,
        target: str,
        label: str,
        *,
        option: str | None,
    ) -> None:
        self._belongs(execution)
        if self._open is None:
            self._world = self._state = self._look()
            self._since = [0] * len(execution.tasks)
        self._close()
        self._open = (task, execution.step, execution.now, kind, target, label, option)

    def _belongs(self, execution: Execution) -> None:
        if self._execution not in (None, execution) or self._verdict is not None:
            msg = "a Recorder records one execution; make another for the next"
            raise RuntimeError(msg)
        self._execution = execution

    def _close(self) -> None:
        """Give the open event what has changed since it was opened."""
        if self._open is None:
            return
        task, seq, now, kind, target, label, option = self._open
        state = self._look()
        # Most steps change nothing, and the comparison of two dicts is quick.
        changes = _changes(self._state, state) if state != self._state else {}
        held = tuple(name_of(lock) for lock in task.held) if task.held else ()
        self._events.append(
            Event(seq, now, task.name, kind, target, label, option, changes, held)
        )
        self._state = state
        if self._execution is not None and len(self._execution.tasks) > len(self._since):
            self._since += [seq] * (len(self._execution.tasks) - len(self._since))

    def _tasks(self, execution: Execution) -> tuple[TracedTask, ...]:
        """Everybody; who came without any step was there before the first."""
        since = [*self._since, *[0] * (len(execution.tasks) - len(self._since))]
        return tuple(
            TracedTask(task.name, task.daemon, born)
            for task, born in zip(execution.tasks, since, strict=True)
        )

    def _look(self) -> dict[str, Value]:
        """A copy, for a program may give the same mapping each time."""
        return dict(self._snapshot())


def _plain(value: Value) -> Value:
    """*value* as a bare int or str: enumerations and booleans look different when printed."""
    return int(value) if isinstance(value, int) else str(value)


def _changes(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, Change]:
    """What differs: first in the order of *new*, then what is gone in the order of *old*."""
    changes: dict[str, Change] = {
        str(key): (_plain(old[key]) if key in old else None, _plain(value))
        for key, value in new.items()
        if key not in old or old[key] != value
    }
    if len(old) + len(changes) > len(new):
        gone = (key for key in old if key not in new)
        changes.update((str(key), (_plain(old[key]), None)) for key in gone)
    return changes


def _text(option: object) -> str:
    """*option* as scripts name it, or its name where that would hold an address."""
    text = str(option)
    if isinstance(option, str) or " at 0x" not in text:
        return text
    return name_of(option)
