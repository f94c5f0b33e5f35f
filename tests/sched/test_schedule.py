# SPDX-License-Identifier: MIT OR Apache-2.0
"""Schedules are tokens that a shell, a mail and a person can carry."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.sched import BadSchedule, Decision, Schedule


def schedules() -> st.SearchStrategy[Schedule]:
    """Any schedule that an execution could have."""
    names = st.tuples(st.text(min_size=1), st.text(min_size=1)) | st.just(("", ""))
    part = st.tuples(st.integers(1, 10**6), st.integers(1, 999), names)
    parts = st.lists(part, unique_by=lambda part: part[0]).map(sorted)
    return parts.map(
        lambda found: Schedule(tuple(Decision(step, n, *name) for step, n, name in found))
    )


@given(schedules())
@settings(deadline=None)
def test_round_trip(schedule: Schedule) -> None:
    """A schedule of any names comes back from its text as it was."""
    assert Schedule.parse(str(schedule)) == schedule


@given(schedules())
@settings(deadline=None)
def test_one_shell_word(schedule: Schedule) -> None:
    """A schedule needs no quotes in a shell."""
    assert shlex.quote(str(schedule)) == str(schedule)


def test_text_of_a_schedule() -> None:
    """A decision shows its step, its number, and what it led to when that is known."""
    schedule = Schedule((Decision(12, 1, "zap", "zap_pte_range.lock"), Decision(31, 2)))
    assert str(schedule) == "12:1@zap/zap_pte_range.lock,31:2"


def test_awkward_names_are_written_as_in_a_url() -> None:
    """What the format or a shell would misread is escaped, and nothing else."""
    schedule = Schedule((Decision(1, 1, "bio 7", "a/b,c@d"),))
    assert str(schedule) == "1:1@bio%207/a%2Fb%2Cc%40d"


@pytest.mark.parametrize("text", ["", "-"])
def test_empty(text: str) -> None:
    """The empty schedule prints as a dash and is read from nothing, too."""
    assert Schedule.parse(text) == Schedule()
    assert str(Schedule()) == "-"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "schedule part 1: '3' is not STEP:INDEX"),
        ("3:1,x:2", "schedule part 2: 'x:2' is not STEP:INDEX"),
        ("3:1,", "schedule part 2: '' is not STEP:INDEX"),
        ("3:1@a", "schedule part 1: '3:1@a' is not STEP:INDEX"),
        ("3:1@a/", "schedule part 1: '3:1@a/' is not STEP:INDEX"),
        ("3:1@a/b c", "schedule part 1: '3:1@a/b c' is not STEP:INDEX"),
        ("3:-1", "schedule part 1: '3:-1' is not STEP:INDEX"),
        ("\u0663:1", "schedule part 1: '\u0663:1' is not STEP:INDEX"),
        ("0:1", "schedule part 1: '0:1' has a zero"),
        ("4:1,5:0", "schedule part 2: '5:0' has a zero"),
        ("4:1,4:1", "schedule part 2: step 4 does not follow step 4"),
        ("9:1,2:1", "schedule part 2: step 2 does not follow step 9"),
        ("1:1@%ff/a", "schedule part 1: '1:1@%ff/a' has a name that is no text"),
    ],
)
def test_errors_name_the_part(text: str, message: str) -> None:
    """A text that is no schedule is refused with the place and the part."""
    with pytest.raises(BadSchedule, match=re.escape(message)):
        Schedule.parse(text)


def test_without() -> None:
    """A schedule less one decision keeps the others in order."""
    schedule = Schedule.parse("1:1,2:1,3:1")
    assert str(schedule.without(1)) == "1:1,3:1"
    assert len(schedule) == 3
