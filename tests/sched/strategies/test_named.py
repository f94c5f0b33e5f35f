# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replay by names: it survives edits, and says how the program differs where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swaptrio.sched import Ending, Execution, Verdict, Violation, choose, point, run
from swaptrio.sched.names import NamedSchedule
from swaptrio.sched.strategies import Named

Build = Callable[[Execution], None]


def race(
    *, check: str = "reader.checked", more: int = 0, times: int = 1, broken: bool = True
) -> Build:
    """A reader that checks and uses, and a writer; *more* points stand before either."""

    def build(execution: Execution) -> None:
        gone: list[str] = []

        async def reader() -> None:
            for _ in range(more):
                await point("reader.more")
            for _ in range(times):
                await point(check)
            await point("reader.use")
            if gone and broken:
                raise Violation("T-GONE", "used after it was gone")

        async def writer() -> None:
            for _ in range(more):
                await point("writer.more")
            await point("writer.free")
            gone.append("gone")
            await point("writer.end")

        execution.spawn("reader", reader)
        execution.spawn("writer", writer)

    return build


def replayed(build: Build, text: str) -> Verdict:
    """The verdict of *build* under the schedule by names *text*."""
    verdict = run(build, Named(NamedSchedule.parse(text))).verdict
    assert verdict is not None
    return verdict


@pytest.mark.parametrize("more", [0, 1, 5])
def test_survives_points_that_are_added(more: int) -> None:
    """Points that come in elsewhere change nothing, as no step is counted."""
    verdict = replayed(race(more=more), "reader#1@reader.use -> writer#1@writer.end -> reader")

    assert (verdict.ending, verdict.check) == (Ending.VIOLATION, "T-GONE")


def test_last_place_has_to_be_reached() -> None:
    """A place at the end of a chain is where that task has to come, and no more."""
    verdict = replayed(race(broken=False), "reader@reader.use -> writer@writer.end")
    assert verdict.passed

    missed = replayed(race(broken=False), "reader@reader.use -> writer@writer.never")
    assert missed.ending is Ending.DIVERGED


def test_who_is_named_first_begins() -> None:
    """The first task of a schedule goes first, and so does one behind ``start``."""
    chain = replayed(race(), "writer@writer.end -> reader")
    start = replayed(race(), "start -> writer#1@writer.end -> reader")

    assert chain == start
    assert chain.check == "T-GONE"


@pytest.mark.parametrize(
    ("build", "text", "reason"),
    [
        (
            race(check="reader.check"),
            "reader#1@reader.checked -> writer",
            "reader never came to reader.checked; is it reader.check now?",
        ),
        (race(), "reader#1@something.else -> writer", "reader never came to something.else"),
        (race(), "reader#2@reader.use -> writer", "reader came to reader.use once"),
        (
            race(times=2, broken=False),
            "reader@reader.checked -> writer",
            "reader came to reader.checked twice; write #1 or #2",
        ),
        (race(), "raeder@reader.use -> writer", "no task raeder; is it reader now?"),
        (race(), "reader@reader.use -> wirter", "no task wirter; is it writer now?"),
        (race(), "reader@end -> writer@writer.end -> reader", "reader has ended"),
        (
            race(broken=False),
            "start -> writer#1@writer.end -> reader, writer#1@writer.free -> reader",
            "writer came to writer.free once, before its turn",
        ),
        (race(), "reader@reader.draw = fail", "reader never drew at reader.draw"),
        (
            race(broken=False),
            "writer@reader.use -> reader",
            "writer never came to reader.use, and reader did",
        ),
    ],
    ids=[
        "renamed",
        "unlike",
        "seldom",
        "twice",
        "task",
        "target",
        "ended",
        "order",
        "draw",
        "another",
    ],
)
def test_divergence_is_explained(build: Build, text: str, reason: str) -> None:
    """What does not fit is told with what the program does instead."""
    verdict = replayed(build, text)

    assert verdict.ending is Ending.DIVERGED
    assert reason in verdict.message


def test_draws_by_name() -> None:
    """The n-th draw at a label takes the option named; one that is not offered diverges."""

    def build(execution: Execution) -> None:
        async def task() -> None:
            for _ in range(3):
                await point("task.step")
                drawn.append(choose("task.draw", ("ok", "fail")))

        execution.spawn("task", task)

    drawn: list[str] = []
    assert replayed(build, "task#2@task.draw = fail").passed
    assert drawn == ["ok", "fail", "ok"]

    missing = replayed(build, "task#1@task.draw = later")
    assert missing.ending is Ending.DIVERGED
    assert "only ok, fail there" in missing.message


def test_a_failure_before_the_last_entry_keeps_its_verdict() -> None:
    """What fails earlier has not diverged, as with schedules by numbers."""
    text = "reader@reader.use -> writer@writer.end -> reader, writer@writer.end -> reader"

    assert replayed(race(), text).check == "T-GONE"
