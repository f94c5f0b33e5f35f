# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q11: what the fallback counters say of the same conflict before the series and in v3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.mm.injection import Injection
from swaptrio.mm.kernel import plain
from swaptrio.mm.memory.swap_fault import do_swap_page
from swaptrio.mm.swap_table import swap_table_get, swp_tb_is_folio
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.sched import current
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.short import Arranged, all_ends, shortened
from swaptrio.study.ask.spelling import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry
    from swaptrio.scenario.format import Scenario
    from swaptrio.scenario.world import World
    from swaptrio.sched import Execution
    from swaptrio.study.ask.lab import Lab

#: The version before the series, and the one under review.
VERSIONS: Final = ("pre", "v3")

_COUNTERS: Final = ("swpin.2", "swpin_fallback.2", "swpin_fallback_charge.2")

#: Where the neighbour lies, and the task that takes four slots at once.
_NEIGHBOUR: Final = 19
_LARGE: Final = "large"

_FIRST: Final = "a neighbour cached at the first look"
_SECOND: Final = "a neighbour cached between the looks"
_NOTHING: Final = "nothing"

#: What a large fault can meet, by what it has seen of the neighbour at its looks at the range.
_MEETINGS: Final = {(True,): _FIRST, (False, True): _SECOND, (False, False): _NOTHING}

_CONFLICTS: Final = (_FIRST, _SECOND)


@attrs.frozen
class End:
    """How one execution ended: what the large fault has *met*, its *result*, the *counters*."""

    met: str
    result: str = "violation"
    counters: tuple[int, ...] = (0, 0, 0)

    @property
    def fallbacks(self) -> int:
        """How often a large order is counted as given up."""
        return self.counters[1]


#: By version, all ends that there are.
Ends = dict[str, list[End]]


async def _answer(lab: Lab) -> Answer:
    conflicts, failures = await conflicting(lab), await failing(lab)
    return Answer(
        (
            _side_by_side("a fault takes slots 16 to 19, readahead takes 19", conflicts),
            _side_by_side("nobody else: the allocation or the charge fails", failures),
        ),
        claims(conflicts, failures),
        Decided.PROVED,
        "A04: 2 tasks, 4 slots, orders 2 and 0, no failure; and 1 task, each draw of the"
        " allocation and of the charge; a charge and a read take one step",
    )


async def conflicting(lab: Lab, versions: Sequence[str] = VERSIONS) -> Ends:
    """All ends of the two tasks of A04 in *versions*, where nothing fails."""
    base = load_checked(find("large-vs-small-neighbour"))
    scenario = attrs.evolve(base, kernel=attrs.evolve(base.kernel, failures=()))
    return {version: await _ends(lab, scenario, version) for version in versions}


async def failing(lab: Lab) -> Ends:
    """All ends of the large fault alone, of which an allocation or a charge may fail."""
    base = load_checked(find("large-vs-small-neighbour"))
    large = next(task for task in base.task if task.name == _LARGE)
    window = attrs.evolve(base.window[0], steps=(), instead={}, expect={})
    scenario = attrs.evolve(base, task=(large,), window=(window,))
    return {version: await _ends(lab, scenario, version) for version in VERSIONS}


async def _ends(lab: Lab, scenario: Scenario, version: str) -> list[End]:
    looks: list[bool] = []
    failed: list[str] = []

    def arrange(world: World, execution: Execution) -> None:
        """Note what the large fault sees. What is counted is told, and not held against it."""
        looks.clear()
        failed.clear()
        execution.at_end.clear()
        functions = world.kernel.functions
        functions["do_swap_page"] = plain(do_swap_page)
        for name, noting in _LOOKS.items():
            if name in functions:
                functions[name] = noting(functions[name], looks)
        world.kernel.injection = _Noting(world.kernel.injection, failed)

    def tell(world: World) -> End:
        counters = world.counters()
        met = ", ".join(failed) or _MEETINGS[tuple(looks)]
        counted = tuple(counters.get(name, 0) for name in _COUNTERS)
        return End(met, world.results[_LARGE], counted)

    setup = Arranged(scenario, shortened(lab.variant(version)), arrange, tell)
    ends, broken = await all_ends(lab, setup)
    return [*ends, *(End(f"what breaks {check}") for check in broken)]


@attrs.frozen
class _Noting:
    """Lets *inner* decide what fails, and notes it."""

    inner: Injection
    failed: list[str]

    async def fails(self, what: str) -> bool:
        """Whether *what* fails this time."""
        fails = await self.inner.fails(what)
        if fails:
            order = (2, 0)[len(self.failed)]
            self.failed.append(f"order {order}: {what} fails")
        return fails


def _checking(function: Callable[..., Any], looks: list[bool]) -> Callable[..., Any]:
    """The range check, which notes what the large fault sees of the neighbour."""

    def check(
        kernel: Kernel, ci: SwapClusterInfo, place: int, nr: int, **named: Any
    ) -> tuple[Any, ...]:
        answer: tuple[Any, ...] = function(kernel, ci, place, nr, **named)
        if nr > 1 and current().me().name == _LARGE:
            looks.append(_neighbour_cached(kernel))
        return answer

    return check


def _walking(function: Callable[..., Any], looks: list[bool]) -> Callable[..., Any]:
    """The walk without a lock of the version before the series, which notes the same."""

    async def walk(kernel: Kernel, entry: SwpEntry, max_nr: int) -> int:
        uncached: int = await function(kernel, entry, max_nr)
        looks.append(_neighbour_cached(kernel))
        return uncached

    return walk


#: The functions that look at the range, and what notes it.
_LOOKS: Final = {"_swap_cache_add_check": _checking, "non_swapcache_batch": _walking}


def _neighbour_cached(kernel: Kernel) -> bool:
    return swp_tb_is_folio(swap_table_get(kernel.devices[0].clusters[0], _NEIGHBOUR))


def claims(conflicts: Ends, failures: Ends) -> tuple[Claim, Claim]:
    """The two sentences about the ends of both programs."""
    return _of_conflicts(conflicts), _of_failures(failures)


def _of_conflicts(ends: Ends) -> Claim:
    counts = {
        version: {end.fallbacks for end in ends[version] if end.met in _CONFLICTS}
        for version in VERSIONS
    }
    others = [end for found in ends.values() for end in found if end.met not in _CONFLICTS]
    undisturbed = all(end.met == _NOTHING and not end.fallbacks for end in others)
    charges = any(end.counters[2] for found in ends.values() for end in found)
    before, after = ("/".join(map(str, sorted(counts[version]))) for version in VERSIONS)
    return Claim(
        counts == {"pre": {0}, "v3": {1}} and undisturbed and not charges,
        "It is not: v3 counts one swpin_fallback for a conflict with a neighbour, at either"
        " look, and before the series none was counted, whether the fault took order 0 or"
        f" {_results(ends['pre'])}.",
        f"For a conflict with a neighbour pre counts {before} swpin_fallback and v3 {after}.",
    )


def _results(ends: list[End]) -> str:
    """What else than a mapped page faults that met a conflict have ended with."""
    results = dict.fromkeys(
        end.result for end in ends if end.met in _CONFLICTS and end.result != "mapped"
    )
    return f"ended with {listed(list(results))}" if results else "not"


def _of_failures(ends: Ends) -> Claim:
    before, after = (set(ends[version]) for version in VERSIONS)
    apart = sorted({end.met for end in before ^ after})
    return Claim(
        before == after,
        "A failed allocation is counted once and a failed charge in both counters, in either"
        f" version: all {len(after)} ends of a fault that nobody disturbs are the same.",
        f"They differ without a conflict as well: {'; '.join(apart)}.",
    )


def _side_by_side(heading: str, ends: Ends) -> Table:
    """What both versions come to, by what the fault has met."""
    meetings = dict.fromkeys(end.met for version in VERSIONS for end in ends[version])
    rows = tuple((met, *_cells(ends, met)) for met in sorted(meetings, key=_as_told))
    columns = tuple(cell for name in VERSIONS for cell in (name, "counted"))
    counted = ", ".join(_COUNTERS)
    return Table(f"{heading}; counted: {counted}", ("the fault meets", *columns), rows)


def _as_told(met: str) -> tuple[int, str]:
    """Meetings in the order in which they can come, then failures."""
    known = list(_MEETINGS.values())
    return (known.index(met) if met in known else len(known), met)


def _cells(ends: Ends, met: str) -> Iterator[str]:
    for version in VERSIONS:
        here = [end for end in ends[version] if end.met == met]
        yield " or ".join(dict.fromkeys(end.result for end in here)) or "n/a"
        yield " or ".join(dict.fromkeys(_counted(end) for end in here)) or "n/a"


def _counted(end: End) -> str:
    return ", ".join(map(str, end.counters))


STUDY: Final = Study(
    11,
    "Is the counter swpin_fallback unchanged, as no change of behaviour is said?",
    "our own, on v3 05/12",
    _answer,
)
