# SPDX-License-Identifier: MIT OR Apache-2.0
"""Selecting events."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from swaptrio.errors import TraceError
from swaptrio.trace import Trace, select


def numbers(trace: Trace, **wanted: Any) -> list[int]:
    """The numbers of the selected events."""
    return [event.seq for event in select(trace, **wanted)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"tasks": ["zap"]}, [3, 4, 5]),
        ({"tasks": ["zap", "fault"]}, [1, 2, 3, 4, 5, 6]),
        ({"labels": ["swap_entry_free."]}, [4, 5]),
        ({"labels": [".lock", "start"]}, [1, 3, 4, 6]),
        ({"touching": ["cluster"]}, [4, 6]),
        ({"touching": ["swap0:17"]}, [2, 5]),
        ({"slots": ["swap0:17"]}, [2, 5]),
        ({"locks": ["swap0 cluster 0"]}, [4, 5, 6]),
        ({"locks": ["cluster"], "tasks": ["zap"]}, [4, 5]),
        ({"since": 0}, [1, 2, 3, 4, 5, 6]),
        ({"until": 0}, [1, 2, 3, 4, 5, 6]),
        ({"first": 3}, [3, 4, 5, 6]),
        ({"last": 2}, [1, 2]),
        ({"first": 2, "last": 4}, [2, 3, 4]),
        ({"tasks": ["fault"], "labels": [".lock"], "first": 2}, [6]),
        ({"tasks": ["fault"], "labels": ["swap_entry_free"]}, []),
    ],
)
def test_what_fits_is_selected(race: Trace, wanted: dict[str, Any], found: list[int]) -> None:
    """An event is selected if it fits everything that is asked for."""
    assert numbers(race, **wanted) == found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"tasks": ["falut"]},
            "task: the trace has no such task (got 'falut'); did you mean 'fault'?",
        ),
        (
            {"tasks": ["faul"]},
            "task: the trace has no such task (got 'faul'); did you mean 'fault'?",
        ),
        (
            {"labels": ["start", "swap_cach_add"]},
            "label: the trace has no such label (got 'swap_cach_add'); "
            "did you mean 'swap_cache_add'?",
        ),
        (
            {"touching": ["swap0:71"]},
            "object or key: the trace has no such object or key (got 'swap0:71'); "
            "did you mean 'swap0:17'?",
        ),
        (
            {"slots": ["swap0:1"]},
            "slot: the trace has no such slot (got 'swap0:1'); did you mean 'swap0:17'?",
        ),
        (
            {"locks": ["swap0 clustre"]},
            "lock: the trace has no such lock (got 'swap0 clustre'); "
            "did you mean 'swap0 cluster 0'?",
        ),
        ({"since": 1}, "since: no step was then; the trace lasts from 0 to 0 ns (got 1)"),
        ({"until": -1}, "until: no step was then; the trace lasts from 0 to 0 ns (got -1)"),
        (
            {"since": 5, "until": 4},
            "until: the time ends before it begins, at 5 ns (got 4)",
        ),
        ({"tasks": ["xyz"]}, "task: the trace has no such task (got 'xyz')"),
        ({"first": 0}, "first: there is no such step; the trace has steps 1 to 6 (got 0)"),
        ({"first": 7}, "first: there is no such step; the trace has steps 1 to 6 (got 7)"),
        ({"last": 7}, "last: there is no such step; the trace has steps 1 to 6 (got 7)"),
        ({"first": 4, "last": 2}, "last: the last step is before the first, 4 (got 2)"),
    ],
)
def test_what_fits_nothing_is_an_error(
    race: Trace, wanted: dict[str, Any], message: str
) -> None:
    """A word that the whole trace does not know, or a step that it has not, is named."""
    with pytest.raises(TraceError) as caught:
        select(race, **wanted)

    assert str(caught.value) == message


def test_times_are_within(race: Trace) -> None:
    """Both ends of a range of times belong to it."""
    events = tuple(attrs.evolve(event, time=event.seq * 10) for event in race.events)
    timed = Trace(race.header, events)

    assert numbers(timed, since=20, until=40) == [2, 3, 4]
    assert numbers(timed, since=21, until=39) == [3]
    assert numbers(timed, since=31, until=39) == []


def test_a_lock_that_somebody_waits_for(deadlock: Trace) -> None:
    """Steps under a lock fit, and those that take it; the first of a task have none."""
    assert numbers(deadlock, locks=["folio"]) == [2]
    assert numbers(deadlock, locks=["folio", "cluster"]) == [2, 4]


def test_a_slot_is_no_part_of_another(folio: Trace) -> None:
    """``swap0:9`` has its fields, and is not ``swap0:90``."""
    changed = [event for event in folio.events if "swap0:9.owner" in event.changes]

    assert changed[0].seq in numbers(folio, slots=["swap0:9"])
    with pytest.raises(TraceError, match="no such slot"):
        select(folio, slots=["swap0:"])


def test_an_empty_trace_has_nothing_to_select(race: Trace) -> None:
    """Selecting everything from a trace without events is no error."""
    assert numbers(Trace(race.header, ())) == []
