# SPDX-License-Identifier: MIT OR Apache-2.0
"""Selecting events."""

from __future__ import annotations

from typing import Any

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


def test_an_empty_trace_has_nothing_to_select(race: Trace) -> None:
    """Selecting everything from a trace without events is no error."""
    assert numbers(Trace(race.header, ())) == []
