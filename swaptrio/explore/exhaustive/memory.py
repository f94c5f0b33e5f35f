# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a search for states knows, as plain data, and back.

It is all kept: the choices on the way, the states that were met with what lies ahead of them,
and what tasks have done so far. That last one is only good for guesses; but a guess decides
which states are looked at, and so how many are counted. States are numbers that mean nothing in
another process: beside them stand the digests of their parts (see `sched.parts`).

What lies ahead of a state is a few sets of accesses, large numbers most of which occur again
and again. So these stand in a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from swaptrio.explore.exhaustive.future import Ahead, Futures, Habits
from swaptrio.explore.exhaustive.rest import Ways, task_of, ways_of
from swaptrio.explore.exhaustive.round import Rounds
from swaptrio.explore.exhaustive.rows import frozen, node_of
from swaptrio.explore.exhaustive.stubborn import Memory, Place
from swaptrio.explore.exhaustive.sweep import Place as Stop
from swaptrio.explore.exhaustive.sweep import Way
from swaptrio.sched import Kind
from swaptrio.sched.states import Moment, States

if TYPE_CHECKING:
    from swaptrio.explore.exhaustive.event import Event
    from swaptrio.explore.exhaustive.rows import Table
    from swaptrio.explore.exhaustive.stubborn import Stubborn
    from swaptrio.explore.exhaustive.sweep import Sweep
    from swaptrio.explore.exhaustive.walk import Walk


def stubborn_rows(stubborn: Stubborn, table: Table) -> dict[str, Any]:
    """All of *stubborn*, between two executions, as JSON can hold it."""
    memory, sets = stubborn.memory, Sets()
    return {
        **_common(stubborn, table),
        "known": [[state, sets.ahead(ahead)] for state, ahead in memory.known.items()],
        "low": list(memory.low.items()),
        "turning": sorted(memory.turning),
        "places": [_place_row(place, sets) for place in memory.places],
        "steps": [[*at, done] for at, done in memory.habits.steps.items()],
        "habits": [[*at, sets.place(seen)] for at, seen in memory.habits.futures.items()],
        "accesses": memory.futures.known(),
        "aheads": sets.aheads,
        "sets": sets.rows,
    }


def lay_stubborn(rows: dict[str, Any], events: list[Event], stubborn: Stubborn) -> None:
    """Set *stubborn*, which has not begun, to go on from what `stubborn_rows` has told.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: it has not told that.
    """
    sets = [int(row, 16) for row in rows["sets"]]
    aheads = [_ahead_of(row, sets) for row in rows["aheads"]]
    habits = Habits(
        {(task, label): done for task, label, done in rows["steps"]},
        {(one, label, other): sets[seen] for one, label, other, seen in rows["habits"]},
    )
    memory = Memory(
        _states_of(rows, bounded=False),
        {frozen(state): aheads[number] for state, number in rows["known"]},
        set(frozen(rows["ends"])),
        _rounds_of(rows),
        Futures.after([frozen(row) for row in rows["accesses"]]),
        habits,
        {frozen(state): int(depth) for state, depth in rows["low"]},
        set(frozen(rows["turning"])),
        [_place_of(row, aheads) for row in rows["places"]],
    )
    _lay_trace(rows, events, stubborn.walk, len(memory.places))
    stubborn.remember(memory)


def sweep_rows(sweep: Sweep, table: Table) -> dict[str, Any]:
    """All of *sweep*, a search for states, between two executions, as JSON can hold it."""
    ways = Ways()
    return {
        **_common(sweep, table),
        "known": [[state, sorted(slept)] for state, slept in sweep.known.items()],
        "places": [_stop_row(stop, ways) for stop in sweep.stack],
        "waiting": [ways.task(task) for task in sweep.waiting],
        "deferred": [ways.task(task) for task in sweep.deferred()],
        "plan": sweep.plan,
        "used": sweep.used,
        "dropped": sweep.dropped,
        "ways": ways.rows,
    }


def lay_sweep(rows: dict[str, Any], events: list[Event], sweep: Sweep) -> None:
    """Set *sweep*, which has not begun, to go on from what `sweep_rows` has told.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: it has not told that.
    """
    ways = ways_of(rows["ways"])
    sweep.states = _states_of(rows, bounded=sweep.bound is not None)
    sweep.known = {frozen(state): frozenset(frozen(slept)) for state, slept in rows["known"]}
    sweep.ends, sweep.rounds = set(frozen(rows["ends"])), _rounds_of(rows)
    sweep.wait_for(
        [task_of(row, ways) for row in rows["waiting"]],
        [(ways[number], int(used)) for number, used in rows["deferred"]],
    )
    sweep.plan[:] = frozen(rows["plan"])
    sweep.stack[:] = [_stop_of(row, ways) for row in rows["places"]]
    sweep.used, sweep.dropped = int(rows["used"]), bool(rows["dropped"])
    _lay_trace(rows, events, sweep.walk, len(sweep.stack))


@attrs.define(eq=False)
class Sets:
    """Writes sets of accesses, and what lies ahead, as *rows* and *aheads*, each one once."""

    rows: list[str] = attrs.Factory(list)
    aheads: list[Any] = attrs.Factory(list)
    _places: dict[int, int] = attrs.Factory(dict)
    _known: dict[Ahead, int] = attrs.Factory(dict)

    def place(self, accesses: int) -> int:
        """Where a set of accesses stands."""
        known = self._places.get(accesses)
        if known is None:
            known = self._places[accesses] = len(self.rows)
            self.rows.append(f"{accesses:x}")
        return known

    def ahead(self, ahead: Ahead) -> int:
        """Where *ahead* stands."""
        known = self._known.get(ahead)
        if known is None:
            known = self._known[ahead] = len(self.aheads)
            others = {task: self.place(seen) for task, seen in ahead.others.items()}
            self.aheads.append([self.place(ahead.everything), others])
        return known


def _ahead_of(row: list[Any], sets: list[int]) -> Ahead:
    everything, others = row
    return Ahead(sets[everything], {task: sets[seen] for task, seen in others.items()})


def _common(search: Stubborn | Sweep, table: Table) -> dict[str, Any]:
    """What both ways to search for states know."""
    assert search.states is not None
    digests, unseen = search.states.known()
    return {
        "parts": [digest.hex() for digest in digests],
        "unseen": unseen,
        "ends": sorted(search.ends),
        "unfair": search.rounds.unfair,
        "told": sorted(search.rounds.told),
        "trace": [table.node(node) for node in search.walk.trace],
        "ordered": list(search.walk.ordered),
        "added": list(search.walk.added),
    }


def _states_of(rows: dict[str, Any], *, bounded: bool) -> States:
    digests = [bytes.fromhex(row) for row in rows["parts"]]
    return States.after((digests, int(rows["unseen"])), bounded=bounded)


def _rounds_of(rows: dict[str, Any]) -> Rounds:
    return Rounds(int(rows["unfair"]), told=set(frozen(rows["told"])))


def _lay_trace(rows: dict[str, Any], events: list[Event], walk: Walk, depth: int) -> None:
    walk.trace[:] = [node_of(row, events) for row in rows["trace"]]
    if len(walk.trace) != depth:
        msg = "it has not as many places as steps"
        raise ValueError(msg)
    walk.ordered.update(dict.fromkeys(frozen(rows["ordered"])))
    walk.added.update(dict.fromkeys(frozen(rows["added"])))


def _moment_row(moment: Moment) -> list[Any]:
    return [moment.running, moment.now, moment.sleepers, moment.enabled]


def _moment_of(row: list[Any]) -> Moment:
    running, now, sleepers, enabled = row
    return Moment(int(running), int(now), frozen(sleepers), frozen(enabled))


def _place_row(place: Place, sets: Sets) -> dict[str, Any]:
    return {
        "moment": _moment_row(place.moment),
        "pending": {
            task: [kind.value, key, label, enabled]
            for task, (kind, key, label, enabled) in place.pending.items()
        },
        "ahead": sets.ahead(place.ahead),
        "unnamed": place.unnamed,
        "state": place.state,
        "done": place.done,
        "lowest": place.lowest,
        "known": place.known,
    }


def _place_of(row: dict[str, Any], aheads: list[Ahead]) -> Place:
    return Place(
        _moment_of(row["moment"]),
        {
            task: (Kind(kind), key, label, bool(enabled))
            for task, (kind, key, label, enabled) in row["pending"].items()
        },
        aheads[row["ahead"]],
        int(row["unnamed"]),
        frozen(row["state"]),
        dict(row["done"]),
        int(row["lowest"]),
        bool(row["known"]),
    )


def _stop_row(stop: Stop, ways: Ways) -> dict[str, Any]:
    return {
        "way": ways.number(stop.way),
        "todo": stop.todo,
        "dear": stop.dear,
        "whole": stop.whole,
        "forced": stop.forced,
        "state": stop.state,
    }


def _stop_of(row: dict[str, Any], ways: list[Way | None]) -> Stop:
    return Stop(
        ways[row["way"]],
        list(frozen(row["todo"])),
        list(row["dear"]),
        {},
        bool(row["whole"]),
        int(row["forced"]),
        state=frozen(row["state"]),
    )
