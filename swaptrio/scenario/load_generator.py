# SPDX-License-Identifier: MIT OR Apache-2.0
"""A load generator: many processes over many clusters, and everything that can go on at once.

`load_scenario` makes a scenario of any size. Each process and each file is used by a task of
its own, groups are over their limits, reclaim and the shrinker of zswap never rest, and one of
the devices is swapped off and on again. It goes on until the execution has taken a number of
steps; then everybody comes to an end, and the oracles look at what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.scenario.deeds import DeedSetup, TaskSetup
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.setup import (
    DeviceSetup,
    FileSetup,
    KernelSetup,
    MemcgSetup,
    ProcessSetup,
)
from swaptrio.scenario.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Pages of a process, and of a file, that its task uses.
PAGES: Final = 8

#: Users of one group, and the pages that it may have in memory: fewer than they would like.
_USERS: Final = 4
_LIMIT: Final = 20

#: Users for each task that reclaims.
_USERS_PER_RECLAIM: Final = 8

#: Of so many users one uses a file, and the others each a process.
_USERS_PER_FILE: Final = 4


def load_scenario(*, users: int, clusters: int, steps: int, zswap: bool = True) -> Scenario:
    """A scenario in which *users* tasks use memory and files, and others take it from them.

    Args:
        users: tasks that use a process or a file each, 1 to 880.
        clusters: the size of the device that stays, 1 to 64 clusters.
        steps: the tasks go on until the execution has taken so many.
        zswap: whether pages are compressed first. Once they are nothing large is swapped in, so
            that both kinds of load are worth a run.

    Raises:
        ScenarioError: a number is out of its range.
    """
    files = [f"f{number}" for number in range(users) if _is_file(number)]
    processes = [f"P{number}" for number in range(users) if not _is_file(number)]
    return Scenario(
        name="load",
        title=f"{users} tasks use memory, over {clusters} clusters",
        catalogue="A00",
        references=(),
        status="inference",
        story="Everything that can go on at once does.",
        kernel=KernelSetup(
            zswap=zswap, zswap_enabled=zswap, lru_batch=4, page_cluster=2, vma_readahead=False
        ),
        device=(
            DeviceSetup(name="swap0", clusters=clusters),
            DeviceSetup(name="swap1", sync=False, size=64, priority=1, latency=1000),
        ),
        memcg=tuple(
            MemcgSetup(name=f"m{number}", limit=_LIMIT) for number in range(-(-users // _USERS))
        ),
        process=tuple(
            ProcessSetup(name=name, memcg=_group(name), orders=(1, 2)) for name in processes
        ),
        file=tuple(
            FileSetup(name=name, memcg=_group(name), orders=(1,) if number % 2 else ())
            for number, name in enumerate(files)
        ),
        task=(
            *(_user(name, steps) for name in (*processes, *files)),
            *_others(users, steps),
        ),
        window=(Window(),),
    )


def _is_file(number: int) -> bool:
    return number % _USERS_PER_FILE == _USERS_PER_FILE - 1


def _group(name: str) -> str:
    return f"m{int(name[1:]) // _USERS}"


def _user(name: str, steps: int) -> TaskSetup:
    task = f"use-{name.lower()}"
    if name.startswith("f"):
        return TaskSetup(name=task, run="use-file", file=name, nr=PAGES, steps=steps)
    return TaskSetup(name=task, run="use-memory", process=name, nr=PAGES, steps=steps)


def _others(users: int, steps: int) -> Iterator[TaskSetup]:
    for number in range(-(-users // _USERS_PER_RECLAIM)):
        yield TaskSetup(name=f"reclaim-{number}", run="reclaim", nr=4, steps=steps)
    yield TaskSetup(name="shrink", run="zswap-shrink", nr=2, steps=steps)
    on = DeedSetup(run="swapon", device="swap1")
    yield TaskSetup(name="off-and-on", run="swapoff", device="swap1", then=(on,), steps=steps)
