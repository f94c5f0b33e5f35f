# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which steps a window asked for, and how they are told from the others."""

from __future__ import annotations

import attrs

from swaptrio.sched import Ending, Kind, Schedule, Verdict
from swaptrio.trace import Event, Header, Trace, draw_lanes, select
from swaptrio.trace.window import spans, window_end


def traced(window: tuple[str, ...], *steps: str) -> Trace:
    """A trace of *window* and *steps*: a task and a label, and a ``!`` where it chooses."""
    events = [
        Event(
            seq,
            0,
            text.split()[0],
            Kind.CHOOSE if text.endswith("!") else Kind.STEP,
            "",
            text.split()[1].removesuffix("!"),
        )
        for seq, text in enumerate(steps, 1)
    ]
    verdict = Verdict(Ending.PASSED, len(events), Schedule())
    return Trace(Header(tool="0", verdict=verdict, window=window), tuple(events))


def found(window: tuple[str, ...], *steps: str) -> list[tuple[int, int]]:
    """The first and last steps of the entries of *window*."""
    return [(span.first, span.last) for span in spans(traced(window, *steps))]


def test_an_entry_ends_before_its_label() -> None:
    """An entry ends when its task stands at the label, which it has not yet performed."""
    window = ("run a until f.two", "run b until g.two")

    assert found(window, "a f.one", "b g.one", "a f.two", "b g.two") == [(1, 1), (2, 2)]


def test_an_entry_counts_arrivals() -> None:
    """An entry with a count ends at that arrival; a data choice is none."""
    steps = ("a f.go", "a f.again", "a f.again!", "a f.again", "a f.end")

    assert found(("run a until f.again, time 2",), *steps) == [(1, 3)]


def test_an_entry_without_a_label_lasts_to_the_end_of_its_task() -> None:
    """The last step of the task is the last of the entry."""
    steps = ("a f.one", "b g.one", "a f.two", "b g.two")

    assert found(("run a until its end", "run b until its end"), *steps) == [(1, 3), (4, 4)]


def test_what_is_no_entry_has_no_steps() -> None:
    """A choice of the script, an unknown text, or a task without steps has no span."""
    window = ("draw ok at f.one", "whatever", "run nobody until f.one", "run a until its end")

    assert found(window, "a f.one") == [(1, 0), (1, 0), (1, 0), (1, 1)]


def test_the_window_ends_with_its_last_entry() -> None:
    """A trace without a window has none that ends."""
    window = ("run a until f.two", "run b until g.two", "draw ok at f.one")

    assert window_end(traced(window, "a f.one", "b g.one", "a f.two", "b g.two")) == 2
    assert window_end(traced((), "a f.one")) == 0


def test_bars_stand_beside_the_window_only(race: Trace) -> None:
    """Every line of a step of the window has a bar, no other has, and a line explains it."""
    lines = draw_lanes(race).splitlines()
    barred = [line for line in lines if line[5:6] == "|"]

    assert [line[3] for line in barred if line[3] != " "] == ["1", "2", "3", "4", "5"]
    assert len(barred) == 8
    assert sum("marks the window" in line for line in lines) == 1


def test_without_the_window_there_is_no_word_of_it(race: Trace, calm: Trace) -> None:
    """Where no step of a window is drawn, nothing is explained."""
    later = draw_lanes(race, events=select(race, first=6))

    assert "|" not in later
    assert "|" not in draw_lanes(calm)
    assert "|" not in draw_lanes(race, events=())


def test_a_window_with_hostile_words_is_text(race: Trace) -> None:
    """Control characters in a window are escaped."""
    header = attrs.evolve(race.header, window=(*race.header.window, "run \x1b[2J until x"))

    assert "\x1b" not in draw_lanes(attrs.evolve(race, header=header))
