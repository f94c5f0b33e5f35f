# SPDX-License-Identifier: MIT OR Apache-2.0
"""Schedules by names: their text, and what an execution is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaptrio.sched import BadSchedule, Execution, RandomWalk, choose, point, run
from swaptrio.sched.names import Draw, NamedSchedule, Naming, Place, Turn, is_named
from swaptrio.sched.strategies import Named

NAMES = st.text(min_size=1, max_size=8)
PLACES = st.builds(Place, NAMES, NAMES, st.integers(0, 999_999))
TURNS = st.builds(Turn, PLACES, NAMES)
DRAWS = st.builds(Draw, PLACES, NAMES)


def program(execution: Execution) -> None:
    """Three tasks with loops, branches on draws, and an end that others see."""

    async def task(name: str) -> None:
        for _ in range(2):
            await point("task.first")
            if choose("task.draw", ("ok", "fail")) == "fail":
                await point("task.failed")
        await point("task.last")

    for name in ("a", "b", "c d"):
        execution.spawn(name, task, name)


@given(st.lists(TURNS | DRAWS, max_size=6), st.none() | NAMES)
def test_text_reads_back(entries: list[Turn | Draw], begins: str | None) -> None:
    """Any schedule is one again when its text is read, whatever its names hold."""
    start = [] if begins is None else [Turn(None, begins)]
    schedule = NamedSchedule((*start, *entries))

    assert NamedSchedule.parse(str(schedule)) == schedule


def test_places_form_a_chain() -> None:
    """Turns that follow on each other are one chain; a place at its end has to be reached."""
    text = "fault#1@swap_cache_alloc.checked -> zap#1@swap_put_entries.locked"
    schedule = NamedSchedule.parse(text)

    assert schedule.entries == (
        Turn(Place("fault", "swap_cache_alloc.checked", 1), "zap"),
        Turn(Place("zap", "swap_put_entries.locked", 1), "zap"),
    )
    assert str(NamedSchedule.parse("a@b -> c, a@d = fail, c#2@e->a")) == (
        "a@b -> c, a@d = fail, c#2@e -> a"
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a@b", "part 1: 'a@b' is not TASK#N@LABEL -> TASK"),
        ("a -> b", "part 1: 'a -> b' has no place TASK#N@LABEL in 'a'"),
        ("a@b -> c, d", "part 2: 'd' is not"),
        ("a@b -> c, start -> d", "part 2: 'start -> d' has no place"),
        ("a#0@b -> c", "no place TASK#N@LABEL in 'a#0@b'"),
        ("a@b ->", "has no task in ''"),
        ("a@b =", "is not TASK#N@LABEL"),
        ("a@b -> c,", "part 2: ''"),
        ("a@%FF -> c", "has a name that is no text"),
    ],
)
def test_what_is_no_schedule(text: str, part: str) -> None:
    """A text that is none is refused with the part that is wrong."""
    with pytest.raises(BadSchedule) as caught:
        NamedSchedule.parse(text)
    assert part in str(caught.value)


@pytest.mark.parametrize("token", ["-", "", "12:1", "12:1@a/b,13:2@c%20d/e", "logs/a=b.jsonl"])
def test_tokens_are_not_by_names(token: str) -> None:
    """A token or a path is not taken for a schedule by names."""
    assert not is_named(token)


@given(st.integers(0, 2**32))
def test_names_lead_to_the_same_execution(seed: int) -> None:
    """What an execution is called, read back from text, is that execution again."""
    naming = Naming()
    walked = run(program, RandomWalk(seed), observer=naming).verdict

    text = str(naming.schedule)
    assert run(program, Named(NamedSchedule.parse(text))).verdict == walked


def test_the_default_has_no_names() -> None:
    """An execution that never leaves the default has the empty schedule."""
    naming = Naming()
    run(program, Named(NamedSchedule()), observer=naming)

    assert str(naming.schedule) == "-"
