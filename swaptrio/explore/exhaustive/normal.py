# SPDX-License-Identifier: MIT OR Apache-2.0
"""The one way to run an execution that stands for its class.

Whatever order a search has met the classes in, a failure that is told by the normal form of its
smallest class is told the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.event import Event, Path

#: Steps by task and draws.
Way: TypeAlias = tuple[tuple[str, "Path"], ...]


def normal_form(events: Sequence[Event]) -> Way:
    """The steps of *events* in an order that depends on nothing but what happens before what.

    A task that can go on goes on; else the first of those that can, by name.
    """
    left: dict[str, list[int]] = {}
    for index, event in enumerate(events):
        left.setdefault(event.task, []).append(index)
    names, way, done, running = sorted(left), [], 0, ""
    for _ in events:
        if not _ready(events, left.get(running, []), done):
            running = next(name for name in names if _ready(events, left[name], done))
        index = left[running].pop(0)
        done |= 1 << index
        way.append((running, events[index].path))
    return tuple(way)


def _ready(events: Sequence[Event], own: Sequence[int], done: int) -> bool:
    return bool(own) and not events[own[0]].before & ~done
