# SPDX-License-Identifier: MIT OR Apache-2.0
"""The steps that decided, pointed at and told."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from swaptrio.sched import (
    Decision,
    Ending,
    Execution,
    Recorded,
    Schedule,
    Violation,
    choose,
    point,
)
from swaptrio.trace import Trace, Value, draw_lanes
from swaptrio.trace.deciding import deciding, deed

Record = Callable[..., Trace]


def decided_at(trace: Trace, *steps: int) -> Trace:
    """*trace* with a schedule of deviations at *steps*."""
    schedule = Schedule(tuple(Decision(step, 1) for step in steps))
    verdict = attrs.evolve(trace.header.verdict, schedule=schedule)
    return attrs.evolve(trace, header=attrs.evolve(trace.header, verdict=verdict))


def test_few_deviations_decide(race: Trace, deadlock: Trace) -> None:
    """The steps to which the deviations led are those that decided."""
    assert deciding(race) == (3,)
    assert deciding(decided_at(race, 1, 2, 3)) == (1, 2, 3)
    assert len(deciding(deadlock)) == 1


def test_many_deviations_decide_nothing(race: Trace) -> None:
    """Four of them are no story any more."""
    assert deciding(decided_at(race, 1, 2, 3, 4)) == ()


@pytest.mark.parametrize("ending", [Ending.PASSED, Ending.DIVERGED, Ending.UNREACHED])
def test_what_did_not_break_was_not_decided(race: Trace, ending: Ending) -> None:
    """Only a trace that broke points at its decisions."""
    verdict = attrs.evolve(race.header.verdict, ending=ending)
    trace = attrs.evolve(race, header=attrs.evolve(race.header, verdict=verdict))

    assert deciding(trace) == ()
    assert "decided by" not in draw_lanes(trace)


def test_a_decision_without_an_event_is_left_out(race: Trace) -> None:
    """A decision that was not carried out, or whose event is missing, is not pointed at."""
    assert deciding(decided_at(race, 3, 7)) == (3,)


def test_a_switch_says_who_was_overtaken(race: Trace) -> None:
    """A task that was run instead of another came before the next step of that."""
    expected = "step 3, zap at start: before step 6, fault at swap_cache_add.lock"

    assert deed(race, 3) == expected
    assert expected in draw_lanes(race)


def test_a_switch_that_overtook_nobody_is_named_only(race: Trace) -> None:
    """Where the task before never ran again, or ran itself, there is nobody to name."""
    assert deed(race, 6) == "step 6, fault at swap_cache_add.lock"
    assert deed(race, 2) == "step 2, fault at do_swap_page.check"
    assert deed(race, 1) == "step 1, fault at start"


def test_a_choice_says_what_was_drawn(record: Record) -> None:
    """A data choice decided by its option."""

    def build(execution: Execution, state: dict[str, Value]) -> None:
        async def fault() -> None:
            await point("fault.go")
            state["charge"] = choose("charge.result", ["ok", "ENOMEM"])
            if state["charge"] != "ok":
                raise Violation("I-X", "it fails")

        execution.spawn("fault", fault)

    trace = record(build, Recorded(Schedule.parse("3:1")))

    assert deciding(trace) == (3,)
    assert deed(trace, 3) == "step 3, fault at charge.result: chose ENOMEM"


def test_the_steps_are_marked_in_the_lanes(race: Trace) -> None:
    """Each deciding step has an arrow, and keeps it when it would be folded."""
    assert "   3*|" in draw_lanes(race)
    [line] = [line for line in draw_lanes(race).splitlines() if line.startswith("   3*|")]
    assert line.endswith("<--")
