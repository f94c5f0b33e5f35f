# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an execution of a search has shown of the windows between a task's operations.

One execution stands for its class. A task's own operations have one order in all executions of
a class, so all of these pass the same windows. Who stands inside may differ, where a step that
came in does not depend on what is around it. So it is asked for each operation x and each
window from o to c whether some execution of the class has x in between. That is so if x does
not have to happen before o, nor c before x. What is seen of all classes is therefore what can
be seen in all executions; and an operation that no class can put inside a window cannot come
there at all.

A class may have one execution within a bound of preemptions and another, with x inside, beyond
it. Then x has been seen: what was never seen is still impossible, within the bound.

Where nobody keeps what happens before what (a search for states) only the order of the steps
that were taken is looked at, up to where a known state was met. A window that was open there
may be entered and closed behind it in ways that are not gone through again, so nothing is
proved by what was not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.sched.strategies.races import LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.explore.exhaustive.event import Event
    from swaptrio.explore.exhaustive.walk import Walk
    from swaptrio.explore.sights import Sights


def see(sights: Sights, walk: Walk) -> None:
    """Add what the last execution of *walk* has shown, or its class if that is known."""
    events = [node.event for node in walk.trace if node.event is not None]
    steps = sum(1 + len(event.path) for event in events)
    spawned = sum(len(event.spawned) for event in events)
    at_first = len(walk.trace[0].offered) if walk.trace else 0
    sights.end(steps, at_first + spawned)
    for name, indices in _by_object(events).items():
        for index in indices:
            event = events[index]
            looks = event.kind in LOOKS
            sights.touch(name, (event.task, event.label), looks=looks)
        for opens, closes in _windows(events, indices):
            _close(sights, events, indices, (opens, closes), classes=walk.racing)


def _by_object(events: Sequence[Event]) -> dict[str, list[int]]:
    """The indices of the operations on each object."""
    found: dict[str, list[int]] = {}
    for index, event in enumerate(events):
        if event.shares:
            found.setdefault(event.shares, []).append(index)
    return found


def _windows(events: Sequence[Event], indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The pairs of operations on an object that follow each other in one task."""
    last: dict[str, int] = {}
    for index in indices:
        task = events[index].task
        if task in last:
            yield last[task], index
        last[task] = index


def _close(
    sights: Sights,
    events: Sequence[Event],
    indices: Sequence[int],
    window: tuple[int, int],
    *,
    classes: bool,
) -> None:
    opens, closes = (events[index] for index in window)
    changes = opens.kind not in LOOKS and closes.kind not in LOOKS
    within = _in_class if classes else _in_order
    inside = [
        (event.task, event.label)
        for index in indices
        if (event := events[index]).task != opens.task
        and (changes or event.kind not in LOOKS)
        and within(events, index, *window)
    ]
    name = (opens.task, opens.label, closes.label)
    sights.close(name, opens.shares, inside, changes=changes)


def _in_order(events: Sequence[Event], index: int, opens: int, closes: int) -> bool:
    """Whether it was between them."""
    return opens < index < closes


def _in_class(events: Sequence[Event], index: int, opens: int, closes: int) -> bool:
    """Whether some execution of the class has it between them."""
    return not (events[opens].before >> index & 1 or events[index].before >> closes & 1)
