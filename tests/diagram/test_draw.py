# SPDX-License-Identifier: MIT OR Apache-2.0
"""The drawing of a trace: golden ones, small enough to be checked by eye, and its rules."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from swaptrio.diagram import draw_diagram
from swaptrio.scenario.files import names
from swaptrio.scenario.play import Played
from swaptrio.sched import Ending, RandomWalk, Schedule, Verdict
from swaptrio.trace import Header, Trace, TracedTask

Record = Callable[..., tuple[Played, Trace]]

# Both have checked and allocated when the first inserts. The mutant does not look again, so the
# second overwrites it: the last line is the step that broke the rule.
NO_SECOND_CHECK = """\
 CPU0                               CPU1
 (first)                            (second)

 do_swap_page()
   swap_cache_alloc()
     check: ok
     vma_alloc_folio(): new folio 0x1000

                                    do_swap_page()
                                      swap_cache_alloc()
                                        check: ok
                                        vma_alloc_folio(): new folio 0x1001
                                        recheck: swap0:17 s1 -> f1
                                      charger.send

     recheck: swap0:17 f1 -> f1

 *** violation of I-ONE ***
"""

# The charge fails while the second waits for the folio; a draw that was not the first option
# has its line.
LOOKUP_SEES_UNCHARGED = """\
 CPU0                      CPU1
 (first)                   (second)

 do_swap_page()
   swap_cache_alloc()
     check: ok
     vma_alloc_folio(): new folio 0x1000
     recheck: swap0:17 s1 -> f1
     charge_memcg(): waits
"""


def test_a_race_as_a_changelog_draws_it(record: Record) -> None:
    """Names of functions, calls indented, what matters of each turn, and the result."""
    _, trace = record("two-faults-one-slot", "no-second-check")
    assert draw_diagram(trace) == NO_SECOND_CHECK


def test_a_wait_and_a_failure_are_drawn(record: Record) -> None:
    """A task that others have to wake waits in the drawing; a failed charge says so."""
    _, trace = record("lookup-sees-uncharged-then-gone", "v3")
    drawing = draw_diagram(trace)
    assert drawing.startswith(LOOKUP_SEES_UNCHARGED)
    assert "     charge_memcg.grant: fails\n" in drawing


def test_three_tasks_have_three_columns(record: Record) -> None:
    """As many columns as tasks take part; text runs on beneath the next column."""
    _, trace = record("slot-recycled-between-checks", "v3")
    first, second, *_ = draw_diagram(trace).splitlines()
    assert first.split() == ["CPU0", "CPU1", "CPU2"]
    assert second.split() == ["(readahead)", "(zap)", "(swapout)"]


def test_who_takes_no_part_is_not_drawn(record: Record) -> None:
    """Four tasks run in this scenario; two of them meet nobody in the window."""
    _, trace = record("target-freed-during-alloc", "v3")
    assert "readahead-low" not in draw_diagram(trace)
    assert "zap-low" not in draw_diagram(trace)


@pytest.mark.parametrize("width", [60, 76, 100])
@pytest.mark.parametrize("name", names())
def test_no_line_reaches_the_width(record: Record, name: str, width: int) -> None:
    """Lines stay below the width, are ASCII, and end in nothing blank."""
    for seed in range(2):
        _, trace = record(name, "v3", None, RandomWalk(seed))
        for line in draw_diagram(trace, width).splitlines():
            assert len(line) < width
            assert line.isascii()
            assert line == line.rstrip()


@pytest.mark.parametrize("width", [59, 401])
def test_a_width_out_of_range_is_refused(record: Record, width: int) -> None:
    """No drawing is narrower than 60 columns or wider than 400."""
    _, trace = record("two-faults-one-slot", "v3")
    with pytest.raises(ValueError, match=f"60 to 400 columns wide, not {width}"):
        draw_diagram(trace, width)


def test_a_trace_without_steps_is_its_result() -> None:
    """Where nothing ran there is nothing to draw but the end."""
    verdict = Verdict(Ending.PASSED, 0, Schedule())
    trace = Trace(Header(tool="0", verdict=verdict), ())
    assert draw_diagram(trace).split() == ["***", "passed", "***"]


def test_daemons_have_no_column(record: Record) -> None:
    """Even where a trace calls everybody a daemon there is a drawing."""
    _, trace = record("two-faults-one-slot", "v3")
    assert "charger\n" not in draw_diagram(trace)
    daemons = tuple(TracedTask(task.name, daemon=True) for task in trace.header.tasks)
    nobody = attrs.evolve(trace, header=attrs.evolve(trace.header, tasks=daemons))
    assert draw_diagram(nobody).split() == ["***", "passed", "***"]
