# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which steps carried out which entry of a window."""

from __future__ import annotations

from swaptrio.page.window import spans
from swaptrio.sched import Ending, Kind, Schedule, Verdict
from swaptrio.trace import Event, Header, Trace, TracedTask


def found(window: tuple[str, ...], *steps: str) -> list[tuple[int, int]]:
    """The first and the last step of each entry; a step is told as ``task label``."""
    events = []
    for seq, step in enumerate(steps, 1):
        task, label = step.split()
        kind = Kind.CHOOSE if label.endswith("!") else Kind.STEP
        events.append(Event(seq, 0, task, kind, "", label.rstrip("!")))
    verdict = Verdict(Ending.PASSED, len(events), Schedule(()))
    tasks = tuple(TracedTask(name) for name in dict.fromkeys(e.task for e in events))
    header = Header(tool="1", verdict=verdict, tasks=tasks, window=window)
    return [(span.first, span.last) for span in spans(Trace(header, tuple(events)))]


def test_entry_ends_before_its_label() -> None:
    """An entry ends when its task stands at the label, which it has not yet performed."""
    window = ("run a until f.two", "run b until g.two")
    steps = ("a f.one", "b g.one", "a f.two", "b g.two")

    assert found(window, *steps) == [(1, 1), (2, 2)]


def test_entry_counts_arrivals() -> None:
    """An entry with a count ends at that arrival."""
    steps = ("a f.go", "a f.again", "a f.again", "a f.end")

    assert found(("run a until f.again, time 2",), *steps) == [(1, 2)]


def test_task_must_come_to_the_label() -> None:
    """Standing at the label when the entry begins does not count."""
    window = ("run a until f.two", "run a until f.two")
    steps = ("a f.one", "a f.two", "a f.three", "a f.two")

    assert found(window, *steps) == [(1, 1), (2, 3)]


def test_nobody_stands_at_a_choice() -> None:
    """A data choice with the name of the label is not an arrival."""
    steps = ("a f.one", "a f.two!", "a f.three", "a f.two")

    assert found(("run a until f.two",), *steps) == [(1, 3)]


def test_entry_to_the_end() -> None:
    """An entry without a label lasts to the last step of its task."""
    steps = ("a f.one", "b g.one", "a f.two", "b g.two")

    assert found(("run a until its end", "run b until its end"), *steps) == [(1, 3), (4, 4)]


def test_what_is_no_entry_has_no_steps() -> None:
    """A choice of the script, an unknown text, or a task without steps has no span."""
    window = ("draw ok at f.one", "whatever", "run nobody until f.one", "run a until its end")

    assert found(window, "a f.one") == [(1, 0), (1, 0), (1, 0), (1, 1)]
