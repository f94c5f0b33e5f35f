# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is written is what is read."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.sched import Decision, Ending, Kind, Schedule, Verdict, Waiting
from swaptrio.trace import (
    Event,
    Header,
    Report,
    Trace,
    TracedTask,
    diff,
    draw_diff,
    draw_lanes,
    draw_state,
    parse_trace,
    render_trace,
    state_at,
)
from swaptrio.trace.formats import FORMATS

# Lone surrogates too: a name may come from a file name that is not UTF-8.
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(["\ud800", "\x1b[31m", "\x7f"])
NAMES = st.text(string.ascii_lowercase + "._-", min_size=1, max_size=8)
VALUES = TEXTS | st.integers()
SOME_TEXTS = st.lists(TEXTS, max_size=3).map(tuple)
CHANGES = st.tuples(st.none() | VALUES, st.none() | VALUES).filter(any)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any schedule of a few decisions."""
    steps = sorted(draw(st.sets(st.integers(1, 10**9 - 1), max_size=3)))
    index = st.integers(1, 10**6 - 1)
    return Schedule(tuple(Decision(s, draw(index), draw(NAMES), draw(NAMES)) for s in steps))


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Any trace that a program with any names could leave."""
    names = draw(st.lists(TEXTS, min_size=1, max_size=6, unique=True))
    events = draw(st.integers(0, 8))
    verdict = Verdict(
        ending=draw(st.sampled_from(Ending)),
        steps=draw(st.integers(0, 10**9)),
        schedule=draw(schedules()),
        check=draw(TEXTS),
        message=draw(TEXTS),
        waiting=tuple(
            Waiting(name, draw(TEXTS), draw(TEXTS), draw(SOME_TEXTS)) for name in names[:2]
        ),
        cycle=tuple(names[:2]) if draw(st.booleans()) else (),
    )
    header = Header(
        tool=draw(TEXTS),
        verdict=verdict,
        scenario=draw(TEXTS),
        scenario_digest=draw(TEXTS),
        variant=draw(TEXTS),
        window=draw(SOME_TEXTS),
        seed=draw(st.none() | st.integers()),
        reports=tuple(Report(draw(TEXTS), draw(TEXTS)) for _ in range(draw(st.integers(0, 2)))),
        tasks=tuple(TracedTask(name, draw(st.booleans())) for name in names),
        world=draw(st.dictionaries(TEXTS, VALUES, max_size=4)),
    )
    return Trace(
        header,
        tuple(
            Event(
                seq=seq,
                time=draw(st.integers(0, 10**12)),
                task=draw(st.sampled_from(names)),
                kind=draw(st.sampled_from(Kind)),
                object=draw(TEXTS),
                label=draw(TEXTS),
                option=draw(st.none() | TEXTS),
                changes=draw(st.dictionaries(TEXTS, CHANGES, max_size=2)),
                held=draw(SOME_TEXTS),
            )
            for seq in range(1, events + 1)
        ),
    )


@settings(deadline=None)  # a busy machine is no failure
@given(traces())
def test_reading_is_the_inverse_of_writing(trace: Trace) -> None:
    """Any trace comes back equal, and is written as the same bytes again."""
    data = render_trace(trace)

    back = parse_trace(data)

    assert back == trace
    assert render_trace(back) == data


@settings(deadline=None)  # as above
@given(traces(), st.sampled_from([60, 76, 100]), st.booleans())
def test_any_trace_can_be_drawn(trace: Trace, width: int, daemons: bool) -> None:
    """Whatever the names are, the picture stays in its width and is printable ASCII."""
    command = "swaptrio replay 'a name' --schedule " + trace.header.schedule
    picture = draw_lanes(trace, width=width, daemons=daemons, command=command)
    picture += draw_state(trace, len(trace.events), width)

    for line in picture.splitlines():
        assert len(line) <= width
        assert line.isascii()
        assert line.isprintable()


@settings(deadline=None, max_examples=50)  # as above
@given(traces(), traces())
def test_any_two_traces_can_be_compared(a: Trace, b: Trace) -> None:
    """Whatever the names are, the text is printable ASCII; nothing differs from itself."""
    for line in draw_diff(diff(a, b)).splitlines():
        assert len(line) <= 76
        assert line.isascii()
        assert line.isprintable()
    assert diff(a, a).same


@settings(deadline=None)  # as above
@given(traces(), st.sampled_from(sorted(FORMATS)))
def test_any_trace_has_every_format(trace: Trace, name: str) -> None:
    """Whatever the names are, and however odd the events, the bytes are printable ASCII."""
    data = FORMATS[name].function(trace)

    assert all(line.isprintable() for line in data.decode("ascii").split("\n"))


def test_the_state_after_any_step(race: Trace) -> None:
    """The state after a step is the world with all changes up to it; step 0 is the world."""
    states = [state_at(race, seq) for seq in range(len(race.events) + 1)]

    assert states == 5 * [{"swap0:17": "s1"}] + 2 * [{}]
    assert race.header.world == {"swap0:17": "s1"}
