# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q9: who waits for what while somebody charges a folio that others can find.

All scenarios run in all versions, through their windows and a few times by chance, and whoever
waits for a lock or for a device, or tries to take a lock, is noted with all that it holds. What
is seen is so; what is not seen in these executions may still be.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from swaptrio.checks.lockdep import NESTING, LockClass
from swaptrio.mm.mm_types import Folio
from swaptrio.scenario.files import find
from swaptrio.scenario.files import names as scenario_names
from swaptrio.scenario.play import Watched, expected_of, load_checked, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, Kind, RandomWalk, current, name_of
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.spelling import listed
from swaptrio.variants import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.mm.kernel import Kernel
    from swaptrio.scenario.world import World
    from swaptrio.sched import Execution, Strategy, Task
    from swaptrio.study.ask.lab import Lab

#: Executions of chance of each scenario in each version.
_SEEDS: Final = 2

#: The versions that charge before they insert.
_BEFORE: Final = ("old", "pre")

_FOLIO: Final = LockClass.FOLIO.value
_MMAP: Final = LockClass.MMAP.value
_IO: Final = "I/O"
_CHARGE: Final = "an answer of the charger"

#: What a wait that is for no lock is for, by the begin of its name.
_WAITS: Final = {"charge of ": _CHARGE, "read of ": _IO, "write of ": _IO, "writeback": _IO}


class Held(StrEnum):
    """What a task that has a folio locked does; the most telling comes first.

    ``CHARGE``: it charges that folio, which is in the swap cache. ``CACHED``: others can find
    the folio. ``PRIVATE``: nobody can.
    """

    CHARGE = "charge"
    CACHED = "cached"
    PRIVATE = "private"


class Edge(NamedTuple):
    """Somebody who holds *held* waits for *taken*, or only *tries* to take it."""

    held: str
    taken: str
    tries: bool = False


#: By edge, in which ways a folio was locked then; none where *held* is no folio's lock.
Edges = dict[Edge, dict[Held, None]]


@attrs.define(eq=False)
class Graph:
    """What was seen in one *version*: its *edges*, and which scenarios came to a *deadlock*."""

    version: str
    edges: Edges = attrs.Factory(dict)
    deadlocks: dict[str, None] = attrs.Factory(dict)


async def _answer(lab: Lab) -> Answer:
    graphs = [await graph(lab, version) for version in VERSIONS]
    return Answer(
        (_under_folio(graphs), _over_folio(graphs)),
        claims(graphs),
        Decided.SAMPLED,
        f"{len(scenario_names())} scenarios in {len(VERSIONS)} versions, each through its"
        f" windows and by {_SEEDS} seeds of chance; locks by class",
    )


async def graph(lab: Lab, version: str, scenarios: Sequence[str] = ()) -> Graph:
    """What is seen of *scenarios*, or of all of them, in a version."""
    variant = lab.variant(version)
    found = Graph(version)
    for name in scenarios or scenario_names():
        lab.tell(f"{version}, {name}")
        setup = _Charging(load_checked(find(name)), variant)
        for strategy in _strategies(setup):
            watch = _Watch(found=found, setup=setup)
            played = await lab.play(setup, strategy, watch)
            if played.verdict.ending is Ending.DEADLOCK:
                found.deadlocks[name] = None
    return found


def _strategies(setup: Setup) -> Iterator[Strategy]:
    for window in setup.scenario.window:
        if expected_of(window, setup.variant).verdict != "n/a":
            yield script_of(window, setup.variant)
    yield from map(RandomWalk, range(_SEEDS))


@attrs.frozen
class _Charging(Setup):
    """A scenario whose *charged* says which folio each task charges at the moment."""

    charged: dict[str, Folio] = attrs.field(factory=dict, eq=False)

    def build(self, execution: Execution) -> World:
        """Make the world, and watch its charges."""
        world = super().build(execution)
        self.charged.clear()
        charge = world.kernel.functions["charge_memcg"]

        async def charging(kernel: Kernel, folio: Folio, *more: Any) -> Any:
            me = current().me().name
            self.charged[me] = folio
            answer = await charge(kernel, folio, *more)
            del self.charged[me]
            return answer

        world.kernel.functions["charge_memcg"] = charging
        return world


@attrs.define(eq=False, kw_only=True)
class _Watch(Watched):
    """Notes in *found* what each task of *setup* holds when it waits or tries."""

    found: Graph
    setup: _Charging

    def step(self, execution: Execution, task: Task) -> None:
        """Note the edges of a step."""
        taken = self._wanted(task)
        if not taken:
            return
        for lock in task.held:
            if lock is not task.target:
                edge = Edge(self._class(lock), taken, task.kind is Kind.TRYLOCK)
                self._note(edge, self._way(task, lock) if edge.held == _FOLIO else None)
        if agent := _agent(task):
            self._note(Edge(agent, taken, task.kind is Kind.TRYLOCK), None)

    def _wanted(self, task: Task) -> str:
        """What *task* waits for or tries to take; empty for neither."""
        if task.kind in (Kind.LOCK, Kind.TRYLOCK):
            return self._class(task.target)
        if task.kind is not Kind.WAIT:
            return ""
        name = name_of(task.target)
        return next((node for begin, node in _WAITS.items() if name.startswith(begin)), name)

    def _class(self, lock: object) -> str:
        assert self.world is not None
        return self.world.oracles.order.class_of(lock).value

    def _way(self, task: Task, lock: object) -> Held:
        assert self.world is not None
        folios = self.world.kernel.folios.values()
        folio = next((each for each in folios if each.lock is lock), None)
        if folio is None or not folio.swapcache:
            return Held.PRIVATE
        return Held.CHARGE if self.setup.charged.get(task.name) is folio else Held.CACHED

    def _note(self, edge: Edge, way: Held | None) -> None:
        ways = self.found.edges.setdefault(edge, {})
        if way is not None:
            ways[way] = None


def _agent(task: Task) -> str:
    """What others wait for while a daemon is at work; empty for any other task."""
    if task.name == "charger":
        return _CHARGE
    return _IO if task.daemon and task.name.endswith("-disk") else ""


def cycle_of(edges: Sequence[Edge]) -> list[str]:
    """The first cycle of those who wait, in order; empty for none.

    Two locks of a class that may nest are no cycle.
    """
    nesting = {each.value for each in NESTING}
    after: dict[str, list[str]] = {}
    for held, taken, tries in edges:
        if not tries and not (held == taken and held in nesting):
            after.setdefault(held, []).append(taken)

    def way(path: list[str]) -> list[str]:
        for node in after.get(path[-1], ()):
            if node in path:
                return path[path.index(node) :]
            if found := way([*path, node]):
                return found
        return []

    return next((found for node in after if (found := way([node]))), [])


def claims(graphs: Sequence[Graph]) -> tuple[Claim, Claim]:
    """The two sentences about what was seen."""
    return _of_cycles(graphs), _of_charges(graphs)


def _of_cycles(graphs: Sequence[Graph]) -> Claim:
    cycle = cycle_of(_all_edges(graphs))
    outside = list(_waiting_for_folios(graphs))
    deadlocks = list(dict.fromkeys(name for each in graphs for name in each.deadlocks))
    circle = f"there is a cycle: {' -> '.join([*cycle, *cycle[:1]])}" if cycle else "no cycle"
    return Claim(
        not cycle and not deadlocks and outside == [_MMAP],
        "No deadlock was seen, and no cycle in the waits of all versions together: a folio's"
        f" lock is waited for under the {_MMAP} alone, which no charge takes, and under another"
        " folio's lock it is only tried.",
        f"In the waits {circle}; a folio's lock is waited for under {listed(outside)}; there"
        f" are deadlocks in {listed(deadlocks) or 'no scenario'}.",
    )


def _waiting_for_folios(graphs: Sequence[Graph]) -> dict[str, None]:
    """What is held where a folio's lock is waited for."""
    edges = _all_edges(graphs)
    return {edge.held: None for edge in edges if edge.taken == _FOLIO and not edge.tries}


def _of_charges(graphs: Sequence[Graph]) -> Claim:
    charging = {each.version: _while_charging(each) for each in graphs}
    before = [each for each in graphs if each.version in _BEFORE]
    after = [each.version for each in graphs if each.version not in _BEFORE]
    wanted = dict.fromkeys(edge for version in after for edge in charging[version])
    known = {edge for each in before for edge in each.edges if _can_be_found(each, edge)}
    new = [_named(edge) for edge in wanted if edge not in known]
    inserting = [version for version, edges in charging.items() if edges]
    return Claim(
        inserting == after and bool(new),
        f"It makes chains longer: in {listed(after)} who waits for a folio may wait for what"
        f" its charge waits for ({listed([_named(edge) for edge in wanted])}); of these"
        f" {listed(new)} never came under the lock of a cached folio before.",
        "A folio that others can find is charged in"
        f" {listed(inserting) or 'no version'}; what is new under its lock:"
        f" {listed(new) or 'nothing'}.",
    )


def _while_charging(graph: Graph) -> list[Edge]:
    """What is wanted while somebody charges a folio that is in the cache."""
    return sorted(edge for edge, ways in graph.edges.items() if Held.CHARGE in ways)


def _can_be_found(graph: Graph, edge: Edge) -> bool:
    """Whether it was wanted under the lock of a folio that others could find."""
    return any(way in graph.edges[edge] for way in (Held.CHARGE, Held.CACHED))


def _named(edge: Edge) -> str:
    return f"{edge.taken} (tried)" if edge.tries else edge.taken


def _all_edges(graphs: Sequence[Graph]) -> list[Edge]:
    """The edges of all versions, each once, sorted."""
    return sorted({edge: None for each in graphs for edge in each.edges})


def _under_folio(graphs: Sequence[Graph]) -> Table:
    """What is wanted under the lock of a folio, and in which way that was locked."""
    edges = sorted(
        {edge: None for each in graphs for edge in each.edges if edge.held == _FOLIO}
    )
    rows = tuple((_named(edge), *(_way_of(each, edge) for each in graphs)) for edge in edges)
    columns = ("under a folio's lock", *(each.version for each in graphs))
    ways = "its folio is private, cached, or cached and being charged"
    return Table(f"what is waited for under a folio's lock; {ways}", columns, rows)


def _way_of(graph: Graph, edge: Edge) -> str:
    ways = graph.edges.get(edge, {})
    return str(next((way for way in Held if way in ways), "-"))


def _over_folio(graphs: Sequence[Graph]) -> Table:
    """What is held where a folio's lock is waited for, or tried."""
    edges = sorted(
        {edge: None for each in graphs for edge in each.edges if edge.taken == _FOLIO}
    )
    rows = tuple(
        (
            edge.held,
            "tries" if edge.tries else "waits",
            *("yes" if edge in each.edges else "-" for each in graphs),
        )
        for edge in edges
    )
    columns = ("who holds", "then", *(each.version for each in graphs))
    return Table("who waits for a folio's lock, or tries to take it", columns, rows)


STUDY: Final = Study(
    9,
    "Does charging under the folio's lock create new blocking chains?",
    "our own, on v3 04/12",
    _answer,
)
