# SPDX-License-Identifier: MIT OR Apache-2.0
"""What can be taken out of a scenario, and what is left of it then.

A part has a name: a task its own, and what it does after that ``TASK.2``, ``TASK.3``; a kind of
failure ``failures.alloc``; the limits of a memory cgroup ``limit.m1``; what is resident or
swapped out at the start is called as traces call it, ``page.P:16`` and ``slots.swap0:16``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.scenario.setup import MemcgSetup
from swaptrio.scenario.windows import Window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from swaptrio.scenario.deeds import TaskSetup
    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.setup import PageSetup, SlotSetup

#: A memory cgroup without limits to speak of.
_FREE: Final = MemcgSetup(name="free")


def parts(scenario: Scenario) -> tuple[str, ...]:
    """What can be taken out of *scenario*, by name; what takes the most with it comes first."""
    return tuple(_parts(scenario))


def without(scenario: Scenario, names: Collection[str]) -> Scenario:
    """*scenario* less the parts called *names*, and less its windows, but for an empty one.

    What windows must end with was said of the whole scenario.

    Raises:
        ScenarioError: no task is left, or what is left does not fit together.
    """
    failures = tuple(k for k in scenario.kernel.failures if _failure(k) not in names)
    return attrs.evolve(
        scenario,
        kernel=attrs.evolve(scenario.kernel, failures=failures),
        memcg=tuple(_unlimited(m) if _limit(m) in names else m for m in scenario.memcg),
        slots=tuple(slots for slots in scenario.slots if _slots(slots) not in names),
        page=tuple(page for page in scenario.page if _page(page) not in names),
        task=tuple(_less(task, names) for task in scenario.task if task.name not in names),
        window=(Window(),),
    )


def rows(scenario: Scenario) -> dict[str, tuple[str, int]]:
    """Those parts that are a table of their own in a file: its key, and its number from 0."""
    named = {
        "task": [task.name for task in scenario.task],
        "page": [_page(page) for page in scenario.page],
        "slots": [_slots(slots) for slots in scenario.slots],
    }
    return {name: (key, at) for key, names in named.items() for at, name in enumerate(names)}


def _parts(scenario: Scenario) -> Iterator[str]:
    yield from (task.name for task in scenario.task)
    for task in scenario.task:
        yield from (_deed(task, place) for place in range(len(task.then)))
    yield from map(_failure, scenario.kernel.failures)
    yield from (_limit(memcg) for memcg in scenario.memcg if _unlimited(memcg) != memcg)
    yield from map(_page, scenario.page)
    yield from map(_slots, scenario.slots)


def _less(task: TaskSetup, names: Collection[str]) -> TaskSetup:
    left = (deed for place, deed in enumerate(task.then) if _deed(task, place) not in names)
    return attrs.evolve(task, then=tuple(left))


def _unlimited(memcg: MemcgSetup) -> MemcgSetup:
    return attrs.evolve(
        memcg,
        limit=_FREE.limit,
        swap_limit=_FREE.swap_limit,
        memsw_limit=_FREE.memsw_limit,
    )


def _deed(task: TaskSetup, place: int) -> str:
    return f"{task.name}.{place + 2}"


def _failure(kind: str) -> str:
    return f"failures.{kind}"


def _limit(memcg: MemcgSetup) -> str:
    return f"limit.{memcg.name}"


def _page(page: PageSetup) -> str:
    return f"page.{page.process or page.file}:{page.page}"


def _slots(slots: SlotSetup) -> str:
    return f"slots.{slots.device}:{slots.first}"
