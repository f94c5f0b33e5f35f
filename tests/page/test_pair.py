# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two traces in common rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.page.pair import pair

if TYPE_CHECKING:
    from swaptrio.page.pair import Row
    from tests.page.conftest import Traces


def unrolled(runs: list[list[int]]) -> list[Row]:
    """The rows that the program makes of *runs*."""
    rows = []
    for here, there, length in runs:
        rows += [(here and here + n, there and there + n) for n in range(length)]
    return rows


def test_same_trace_has_no_difference(traces: Traces) -> None:
    """A trace beside itself is one run of equal rows."""
    found = pair(traces.told(), traces.told())

    assert found.encoded() == {"runs": [[1, 1, 15]], "differ": []}


def test_a_step_more_gets_a_row_of_its_own(traces: Traces) -> None:
    """What only one of them did stands alone, and what follows is in line again."""
    found = pair(traces.told(second_check=False), traces.told())

    assert found.rows[11:] == ((12, 12), (0, 13), (13, 14), (0, 15))
    assert found.differ == (12, 14)


def test_runs_hold_all_rows(traces: Traces) -> None:
    """The runs stand for exactly the rows."""
    for one, other in ((traces.told(), traces.stuck()), (traces.stuck(), traces.told())):
        found = pair(one, other)
        assert unrolled(found.encoded()["runs"]) == list(found.rows)


def test_same_label_other_deed(traces: Traces) -> None:
    """The same step that did something else is one row, and differs."""
    trace = traces.told()
    other = attrs.evolve(trace.events[3], changes={"swap0:16": ("s1:101", "b")})
    events = (*trace.events[:3], other, *trace.events[4:])

    assert pair(trace, attrs.evolve(trace, events=events)).differ == (3,)
