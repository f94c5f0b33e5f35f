# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q12: what becomes of those who wait for a folio whose charge fails."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from swaptrio.mm.kernel import plain
from swaptrio.mm.memory.swap_fault import _folio_lock_or_retry
from swaptrio.mm.setup import map_swapped
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.sched import current
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.short import Arranged, all_ends, shortened
from swaptrio.study.ask.spelling import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio, VmFault, VmFaultReason
    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.world import World
    from swaptrio.sched import Execution, Task
    from swaptrio.study.ask.lab import Lab

#: The version before the series, and those that insert before they charge.
VERSIONS: Final = ("pre", "v3", "v5", "next")

#: Most tasks that wait for the folio of another one.
MOST: Final = 3

_PAGE: Final = 17
_CHARGE: Final = "charge_memcg.wait"
_OOM: Final = "VM_FAULT_OOM"


@attrs.frozen
class End:
    """How the faults of one execution ended.

    *results* and *charges* (how many it has tried) are those of each fault, *waits* how often
    one of them found a locked folio. *slot* is the state that is left, *memory* what the group
    is charged.
    """

    results: tuple[str, ...]
    charges: tuple[int, ...]
    waits: int
    slot: str
    memory: int

    @property
    def safe(self) -> bool:
        """Whether each fault has tried one charge and is out of memory; nothing is left."""
        faults = len(self.results)
        each = self.results == (_OOM,) * faults and self.charges == (1,) * faults
        return each and self.slot == f"s{faults}" and self.memory == 0


@attrs.frozen
class Found:
    """All *ends* of one inserter and its *waiters* in a *version*, and what was *broken*."""

    version: str
    waiters: int
    ends: tuple[End, ...]
    broken: tuple[str, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether all of them are, and no check is broken."""
        return not self.broken and all(end.safe for end in self.ends)

    @property
    def faults(self) -> int:
        """Most faults that one execution has ended with for want of memory."""
        return max((end.results.count(_OOM) for end in self.ends), default=0)

    @property
    def waits(self) -> int:
        """Most waits of one execution."""
        return max((end.waits for end in self.ends), default=0)


async def _answer(lab: Lab) -> Answer:
    explored = [await explored_with_one(lab, version) for version in VERSIONS]
    chains = [
        await chain(lab, version, waiters)
        for version in VERSIONS
        for waiters in range(1, MOST + 1)
    ]
    return Answer(
        (
            _table("one waiter, all interleavings", explored),
            _table("everybody who can wait does so, each time, in each order", chains),
        ),
        claims(explored, chains),
        Decided.SAMPLED,  # of 2 and 3 waiters only the longest chains were played
        "A18: 1 slot, 1 process for each fault, every charge fails and takes one step; all"
        " interleavings with 1 waiter, with 2 and 3 the longest chain of waits in each order",
    )


async def explored_with_one(lab: Lab, version: str) -> Found:
    """All interleavings of two faults on one slot."""
    ends, broken = await all_ends(lab, _setup(lab, version, 1))
    return Found(version, 1, tuple(ends), tuple(broken))


async def chain(lab: Lab, version: str, waiters: int) -> Found:
    """Faults of which nobody fails to charge while another one can still get to wait for it."""
    setup = _setup(lab, version, waiters)
    broken: list[str] = []
    for order in permutations(task.name for task in setup.scenario.task):
        played = await lab.play(setup, _AllWait(order))
        if not played.verdict.passed:
            broken.append(played.verdict.check or str(played.verdict.ending))
    return Found(version, waiters, tuple(setup.ends), tuple(broken))


@attrs.frozen
class _AllWait:
    """Whoever can go on does, by *order*, but for those at a charge: these come last."""

    order: tuple[str, ...]
    asks_always: ClassVar[bool] = False

    def begin(self, execution: Execution) -> None:
        """Nothing to prepare."""

    def pick(self, execution: Execution, count: int) -> int:
        """The first by order of those who are not about to charge, if there is one."""
        tasks = execution.candidates()
        return min(range(count), key=lambda index: self._rank(tasks[index]))

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """The default."""
        return 0

    def _rank(self, task: Task) -> tuple[bool, int]:
        known = task.name in self.order
        return task.label == _CHARGE, self.order.index(task.name) if known else -1


@attrs.define(eq=False)
class _Shortage:
    """Fails every charge, and counts them by task."""

    tried: Counter[str] = attrs.Factory(Counter)

    async def fails(self, what: str) -> bool:
        """Whether it is a charge."""
        if what == "charge":
            self.tried[current().me().name] += 1
        return what == "charge"


def _setup(lab: Lab, version: str, waiters: int) -> Arranged[End]:
    """One fault more than *waiters*, each of a process of its own, on one slot."""
    shortage = _Shortage()
    waits: list[str] = []

    async def lock_or_retry(kernel: Kernel, folio: Folio, vmf: VmFault) -> VmFaultReason:
        waits.append(folio.name)
        reason: VmFaultReason = await plain(_folio_lock_or_retry)(kernel, folio, vmf)
        return reason

    def arrange(world: World, execution: Execution) -> None:
        """Let all processes have the slot; note charges and waits."""
        kernel = world.kernel
        first, *others = kernel.processes
        for mm in others:
            map_swapped(mm, _PAGE, kernel.devices[0], _PAGE, first.newest[_PAGE])
        world.oracles.owners.count()
        shortage.tried.clear()
        waits.clear()
        kernel.injection = shortage
        kernel.functions["_folio_lock_or_retry"] = lock_or_retry

    def tell(world: World) -> End:
        names = list(world.results)
        return End(
            tuple(world.results.values()),
            tuple(shortage.tried[name] for name in names),
            len(waits),
            world.slot(f"swap0:{_PAGE}"),
            world.counters().get("m1.memory", 0),
        )

    scenario = _scenario(1 + waiters)
    return Arranged(scenario, shortened(lab.variant(version)), arrange, tell)


def _scenario(faults: int) -> Scenario:
    """The shipped scenario (A18), with one process for each of so many faults."""
    base = load_checked(find("lookup-sees-uncharged-then-gone"))
    (process,), (slots,), task = base.process, base.slots, base.task[0]
    names = [f"P{number}" for number in range(1, faults + 1)]
    return attrs.evolve(
        base,
        kernel=attrs.evolve(base.kernel, failures=()),
        process=tuple(attrs.evolve(process, name=name) for name in names),
        slots=(attrs.evolve(slots, process=names[0], count=faults),),
        task=tuple(
            attrs.evolve(task, name=f"fault-{number}", process=name)
            for number, name in enumerate(names, 1)
        ),
        window=(attrs.evolve(base.window[0], steps=(), expect={}),),
    )


def _table(heading: str, found: list[Found]) -> Table:
    rows = tuple(
        (
            each.version,
            str(each.waiters),
            str(each.faults),
            str(max((sum(end.charges) for end in each.ends), default=0)),
            str(each.waits),
            ", ".join(dict.fromkeys(end.slot for end in each.ends)),
            ", ".join(dict.fromkeys(each.broken)) or "none",
        )
        for each in found
    )
    columns = ("version", "waiters", "OOM faults", "charges", "waits", "slot", "broken")
    return Table(f"{heading}; most of one execution", columns, rows)


def claims(explored: list[Found], chains: list[Found]) -> tuple[Claim, Claim]:
    """The two sentences about what was found."""
    unsafe = dict.fromkeys(each.version for each in (*explored, *chains) if not each.safe)
    inserting = [each for each in chains if each.version != "pre"]
    waited = all(each.waits for each in explored if each.version != "pre")
    longest = all(each.waits == _triangle(each.waiters) for each in inserting)
    return (
        Claim(
            not unsafe and waited and longest,
            "It is safe: whoever waited for the folio sees that it is gone, tries one charge of"
            " its own, and is out of memory; no check is broken, and slot and group are left as"
            " they were.",
            "It is not safe, or nobody waited: not all faults end so, or not all waits are"
            f" there, in {listed(list(unsafe)) or 'the chains of waits'}.",
        ),
        _of_numbers(chains),
    )


def _triangle(number: int) -> int:
    return number * (number + 1) // 2


def _of_numbers(chains: list[Found]) -> Claim:
    before = {each.waiters: each.faults for each in chains if each.version == "pre"}
    more = [each for each in chains if each.faults != before[each.waiters]]
    worst = max(each.faults for each in chains)
    return Claim(
        not more and all(each.faults == each.waiters + 1 for each in chains),
        f"One shortage gives one fault more than there are waiters, up to {worst} here, after"
        f" at most {_triangle(MOST)} waits; before the series there were as many, as each fault"
        " charged a folio of its own, without a wait.",
        "The number of faults that one shortage gives is not that before the series:"
        f" {'; '.join(f'{e.version} with {e.waiters}: {e.faults}' for e in more)}.",
    )


STUDY: Final = Study(
    12,
    "Is it safe that those who wait for a failed charge each try the charge again?",
    "our own, on v3 04/12",
    _answer,
)
