# SPDX-License-Identifier: MIT OR Apache-2.0
"""The recorder: which step a change belongs to, and what a trace knows."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import pytest

from swaptrio import __version__
from swaptrio.sched import (
    Decision,
    Ending,
    Execution,
    FirstChoice,
    Kind,
    RandomWalk,
    Recorded,
    Schedule,
    choose,
    point,
    run,
    sleep,
)
from swaptrio.trace import Recorder, Report, Trace, TracedTask, Value

Record = Callable[..., Trace]


class Folio:
    """Something whose default text holds an address."""

    name = "folio 0x1000"


def test_a_change_belongs_to_the_step_that_made_it(race: Trace) -> None:
    """A change is told by the event of its step, and by no other."""
    changes = {event.seq: event.changes for event in race.events if event.changes}

    assert changes == {5: {"swap0:17": ("s1", None)}}


def test_a_step_holds_what_its_task_holds_after_it(race: Trace) -> None:
    """A lock stands in ``held`` from the step that takes it to the one that gives it back."""
    held = [(event.seq, event.held) for event in race.events if event.held]

    assert held == [(4, ("swap0 cluster 0",)), (6, ("swap0 cluster 0",))]


def test_the_world_is_the_state_before_the_first_step(race: Trace) -> None:
    """The header holds what the program had built before anybody ran."""
    assert race.header.world == {"swap0:17": "s1"}


def test_the_header_says_what_ran(record: Record) -> None:
    """What the caller tells about the run stands in the header, next to verdict and tasks."""

    async def task() -> None:
        await point("task.step")

    def build(execution: Execution, state: dict[str, Value]) -> None:
        execution.spawn("one", task)
        execution.spawn("two", task, daemon=True)

    about: dict[str, Any] = {
        "scenario": "toy",
        "scenario_digest": "abc",
        "variant": "v4",
        "window": ("run one until task.step",),
        "seed": 7,
        "reports": (Report("I-COUNT", "off by one"),),
    }
    header = record(build, RandomWalk(seed=7), **about).header

    assert {name: getattr(header, name) for name in about} == about
    assert header.tool == __version__
    assert header.tasks == (TracedTask("one"), TracedTask("two", daemon=True))
    assert (header.verdict.ending, header.steps) == (Ending.PASSED, 4)
    assert header.schedule == str(header.verdict.schedule)


def test_a_choice_is_an_event_and_divides_the_step(record: Record) -> None:
    """What happened before a draw belongs to the step, what comes after it to the draw."""

    def build(execution: Execution, state: dict[str, Value]) -> None:
        async def task() -> None:
            state["before"] = 1
            state["result"] = choose("charge.result", ["ok", "ENOMEM"])

        execution.spawn("task", task)

    start, draw = record(build).events

    assert (start.seq, start.kind, start.option) == (1, Kind.START, None)
    assert start.changes == {"before": (None, 1)}
    assert (draw.seq, draw.kind, draw.label) == (2, Kind.CHOOSE, "charge.result")
    assert draw.option == "ok"
    assert draw.changes == {"result": (None, "ok")}


def test_an_option_never_shows_an_address(record: Record) -> None:
    """An option is told as scripts name it, or by its name if its text holds an address."""

    def build(execution: Execution, state: dict[str, Value]) -> None:
        async def task() -> None:
            choose("task.folio", [Folio()])
            choose("task.text", ["it is at 0x10"])
            choose("task.nothing", [None])

        execution.spawn("task", task)

    options = [event.option for event in record(build).events]

    assert options == [None, "folio 0x1000", "it is at 0x10", "None"]


def test_changes_stand_in_the_order_of_the_snapshot(record: Record) -> None:
    """New and changed keys come in the snapshot's order, then what is gone in its old order."""

    def build(execution: Execution, state: dict[str, Value]) -> None:
        state.update(z=1, y=1, x=1)

        async def task() -> None:
            del state["y"], state["z"]
            state.update(c=1, x=2, a=1)

        execution.spawn("task", task)

    (event,) = record(build).events

    assert list(event.changes) == ["x", "c", "a", "z", "y"]
    assert event.changes["y"] == (1, None)


def test_values_are_plain(record: Record) -> None:
    """A flag or a member of an enumeration is recorded as the number that it is."""

    class Count(IntEnum):
        TWO = 2

    def build(execution: Execution, state: dict[str, Value]) -> None:
        state.update(locked=True, count=Count.TWO)

    world = record(build).header.world

    assert world == {}, "no step, no snapshot"

    def build_with_a_step(execution: Execution, state: dict[str, Value]) -> None:
        async def task() -> None:
            await point("task.step")

        build(execution, state)
        execution.spawn("task", task)

    world = record(build_with_a_step).header.world

    assert [type(value) for value in world.values()] == [int, int]
    assert world == {"locked": 1, "count": 2}


def test_an_event_tells_the_virtual_time(record: Record) -> None:
    """The time of an event is that at which its step begins, in virtual nanoseconds."""

    def build(execution: Execution, state: dict[str, Value]) -> None:
        async def task() -> None:
            await sleep("task.nap", 1500)

        execution.spawn("task", task)

    assert [event.time for event in record(build).events] == [0, 1500]


def test_a_decision_that_could_not_be_carried_out_has_no_event(record: Record) -> None:
    """An execution that diverged counts a step more than it has events."""

    def build(execution: Execution, state: dict[str, Value]) -> None:
        async def task() -> None:
            await point("task.step")

        execution.spawn("task", task)

    trace = record(build, Recorded(Schedule((Decision(2, 5),))))

    assert trace.header.verdict.ending is Ending.DIVERGED
    assert (trace.header.steps, len(trace.events)) == (2, 1)


def test_steps_have_no_gap(serving: Trace) -> None:
    """Draws and steps share one row of numbers, from 1."""
    assert [event.seq for event in serving.events] == list(range(1, len(serving.events) + 1))


def test_a_trace_is_not_given_before_the_end() -> None:
    """Asking for the trace of an execution that has not ended is an error."""
    with pytest.raises(RuntimeError, match="has not ended"):
        Recorder(dict).trace()


def test_a_recorder_records_one_execution() -> None:
    """A recorder that is used again says so, and does not mix two executions."""

    def program(execution: Execution) -> None:
        async def task() -> None:
            await point("task.step")

        execution.spawn("task", task)

    recorder = Recorder(dict)
    run(program, FirstChoice(), observer=recorder)
    before = recorder.trace()

    with pytest.raises(RuntimeError, match="one execution"):
        run(program, FirstChoice(), observer=recorder)

    assert recorder.trace() == before


def test_recording_does_not_disturb() -> None:
    """The same program and seed end in the same verdict with and without a recorder."""

    def program(execution: Execution) -> None:
        async def task(label: str) -> None:
            for _ in range(5):
                await point(label)

        execution.spawn("a", task, "a.step")
        execution.spawn("b", task, "b.step")

    recorder = Recorder(dict)
    watched = run(program, RandomWalk(seed=5), observer=recorder)
    alone = run(program, RandomWalk(seed=5))

    assert watched.verdict == alone.verdict == recorder.trace().header.verdict
