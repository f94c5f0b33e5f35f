# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two traces held against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from swaptrio.sched import Execution, Kind, Run, Script, choose, point
from swaptrio.trace import Event, Pair, Trace, Value, diff, draw_diff

Record = Callable[..., Trace]
State = dict[str, Value]

# The race against the same two tasks one after the other: they part where the window lets the
# zap run first (3). Step 5 of the calm one is the zap's, which the aligned tasks still share.
PARTED = """\
A: free-under-fault, violation of I-TABLE after 6 steps
B: free-under-fault, passed after 6 steps

first divergence: step 3, another task runs

A                                      B
1 fault: start                         1 fault: start
2 fault: do_swap_page.check: read      2 fault: do_swap_page.check: read
  swap0:17                               swap0:17
3 zap: start                           3 fault: swap_cache_add.lock: lock
                                         swap0 cluster 0, swap0:17 s1 -> f1,
                                         unlock swap0 cluster 0
4 zap: swap_entry_free.lock: lock      4 zap: start
  swap0 cluster 0
5 zap: swap_entry_free.write:          5 zap: swap_entry_free.lock: lock
  swap0:17 s1 -> -, unlock swap0         swap0 cluster 0
  cluster 0
6 fault: swap_cache_add.lock: lock     6 zap: swap_entry_free.write:
  swap0 cluster 0                        swap0:17 f1 -> -, unlock swap0
                                         cluster 0
(violation of I-TABLE)                 (passed)

what the tasks did (- only in A, + only in B, ~ drawn otherwise)
the same steps in both: fault, zap
"""

# Another choice leads to another path of the same task, and to another world.
CHOSEN = """\
A: trace, passed after 5 steps
B: trace, passed after 4 steps

first divergence: step 2, another option is drawn

A                                      B
1 fault: start                         1 fault: start
2 fault: charge.grant: chose ok        2 fault: charge.grant: chose ENOMEM
3 fault: fault.add: swap0:17 - -> f1,  3 fault: fault.discard: m1.fails 0 ->
  new folio 0x10 (refs 1, memcg m1)      1
4 fault: fault.map: folio 0x10.refs 1  4 fault: fault.end
  -> 2
5 fault: fault.end                     (passed)
(passed)

what the tasks did (- only in A, + only in B, ~ drawn otherwise)
fault: 3 in both, 2 only in A, 1 only in B
  ~ 2, 2 charge.grant: chose ok, in B ENOMEM
  - 3 fault.add
  - 4 fault.map
  + 3 fault.discard

the world at the end, where it differs
              A                 B
  swap0:17    f1                -
  folio 0x10  refs 2, memcg m1  -
  m1.fails    0                 1
"""


def fault(execution: Execution, state: State) -> None:
    """A fault that adds a folio, or fails to be charged."""

    async def task() -> None:
        if choose("charge.grant", ["ok", "ENOMEM"]) == "ok":
            await point("fault.add")
            state.update({"swap0:17": "f1", "folio 0x10.refs": 1, "folio 0x10.memcg": "m1"})
            await point("fault.map")
            state["folio 0x10.refs"] = 2
        else:
            await point("fault.discard")
            state["m1.fails"] = 1
        await point("fault.end")

    execution.spawn("fault", task)


@pytest.fixture
def failing(record: Record) -> Trace:
    """The fault whose charge fails."""
    return record(fault, Script((Run("fault"),), {"charge.grant": ("ENOMEM",)}))


def _changed(event: Event, change: dict[str, Any]) -> Event:
    return attrs.evolve(event, **change)


def test_two_interleavings(race: Trace, calm: Trace) -> None:
    """Where only the order differs, the tasks did the same; where they part is shown."""
    header = attrs.evolve(race.header, variant="")

    assert draw_diff(diff(Trace(header, race.events), calm)) == PARTED


def test_two_choices(record: Record, failing: Trace) -> None:
    """A choice, the steps that follow from it, and the worlds that they lead to."""
    assert draw_diff(diff(record(fault), failing)) == CHOSEN


def test_no_difference(race: Trace, calm: Trace) -> None:
    """A trace is the same as itself, whatever it is called."""
    header = attrs.evolve(race.header, scenario="another", tool="9")
    found = diff(race, Trace(header, race.events))

    assert found.same
    assert draw_diff(found).endswith("no difference in any step\n")
    assert not diff(race, calm).same


def test_another_world_to_begin_with(calm: Trace) -> None:
    """Two set-ups are told apart even where every step is the same."""
    header = attrs.evolve(calm.header, world={"swap0:17": "s1", "swap0:18": "s2"})
    found = diff(calm, Trace(header, calm.events))

    assert not found.same
    assert found.first is None
    assert found.start == found.end == {"swap0:18": (None, "s2")}
    assert "the world before the first step, where it differs\n" in draw_diff(found)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"task": "zap"}, "task"),
        ({"label": "x"}, "step"),
        ({"kind": Kind.WRITE}, "step"),
        ({"object": "x"}, "step"),
        ({"option": "x"}, "choice"),
        ({"changes": {"x": (None, 1)}}, "effect"),
        ({"held": ("x",)}, "effect"),
    ],
)
def test_what_parts_two_executions(calm: Trace, change: dict[str, Any], what: str) -> None:
    """The first step that differs in anything is the divergence; it says what differs."""
    event = _changed(calm.events[1], change)
    events = (calm.events[0], event, *calm.events[2:])

    first = diff(calm, Trace(calm.header, events)).first

    assert first is not None
    assert (first.what, first.seq, first.a, first.b) == (what, 2, calm.events[1], event)


def test_a_trace_that_ends_earlier(calm: Trace) -> None:
    """Where one trace is the beginning of the other, they part at its end."""
    first = diff(Trace(calm.header, calm.events[:4]), calm).first

    assert first is not None
    assert (first.what, first.seq, first.a) == ("end", 5, None)


def test_long_traces_are_not_aligned(
    record: Record, failing: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they part and how they end is told of any length, and that the rest is not."""
    monkeypatch.setattr("swaptrio.trace.compare.MOST", 3)
    found = diff(record(fault), failing)

    assert (found.aligned, found.pairs) == (False, {})
    assert found.first is not None
    text = " ".join(draw_diff(found).split())
    assert "first divergence: step" in text
    assert "(what each task did is told of traces with at most 50000 steps)" in text


def test_tasks_are_aligned_by_label(record: Record, failing: Trace) -> None:
    """A step more does not put what follows out of line; a task of one trace has its own."""
    events = tuple(attrs.evolve(event, task="other") for event in failing.events)
    found = diff(record(fault), failing)

    pairs = found.pairs["fault"]
    assert [(pair.a and pair.a.seq, pair.b and pair.b.seq) for pair in pairs] == [
        (1, 1),
        (2, 2),
        (3, None),
        (4, None),
        (None, 3),
        (5, 4),
    ]
    assert [pair.drawn_apart for pair in pairs] == [False, True, False, False, False, False]
    alone = diff(Trace(failing.header, events), failing).pairs["fault"]
    assert alone == tuple(Pair(None, event) for event in failing.events)


def test_a_difference_turned_round(race: Trace, calm: Trace) -> None:
    """Exchanging the traces exchanges the sides, and nothing else."""
    there, back = diff(race, calm), diff(calm, race)

    assert there.first is not None
    assert back.first is not None
    assert (there.first.a, there.first.b) == (back.first.b, back.first.a)
    assert there.end == {key: (b, a) for key, (a, b) in back.end.items()}


def test_ten_thousand_steps_that_all_differ(calm: Trace) -> None:
    """A difference is found in bounded time, and told in a bounded number of lines."""
    event = calm.events[1]
    traces = [
        Trace(
            calm.header,
            tuple(
                attrs.evolve(event, seq=seq, label=f"f.{seq * step % 9973}", changes={})
                for seq in range(1, 10_001)
            ),
        )
        for step in (7, 11)
    ]

    assert len(draw_diff(diff(*traces)).splitlines()) < 100


@pytest.mark.parametrize("width", [60, 76, 200])
def test_no_line_is_too_long(race: Trace, failing: Trace, width: int) -> None:
    """Every line fits in the width, also where the traces have nothing in common."""
    assert max(map(len, draw_diff(diff(race, failing), width=width).splitlines())) <= width


def test_a_width_that_makes_no_sense_is_refused(calm: Trace) -> None:
    """A difference is at least 60 columns wide."""
    with pytest.raises(ValueError, match="at least 60 columns wide, not 59"):
        draw_diff(diff(calm, calm), width=59)


def test_colours_change_nothing_else(race: Trace, calm: Trace) -> None:
    """Without its colours a coloured text is the plain one."""
    painted = draw_diff(diff(race, calm), color=True)

    plain = painted
    for code in ("1", "2", "1;31", "0"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == draw_diff(diff(race, calm))
    assert painted != plain


def test_a_cut_file_is_no_end(race: Trace) -> None:
    """Where a file was cut, that is said, and not that the execution ended there."""
    short = attrs.evolve(race, events=race.events[:4], missing=2)
    found = diff(short, race)
    text = " ".join(draw_diff(found).split())

    assert found.first is not None
    assert (found.first.what, found.first.seq, found.same) == ("cut", 5, False)
    assert "cut off, 2 missing" in text
    assert "first divergence: step 5, one file was cut off here" in text
    assert "(cut off)" in text
    assert "at the end of what is there" in text
    assert diff(race, short).first == attrs.evolve(found.first, a=found.first.b, b=None)
