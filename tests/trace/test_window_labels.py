# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who stands at the label of a window's entry, and who does not."""

from __future__ import annotations

from swaptrio.sched import Ending, Kind, Schedule, Verdict
from swaptrio.trace import Event, Header, Trace, TracedTask
from swaptrio.trace.window import spans


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


def test_task_must_come_to_the_label() -> None:
    """Standing at the label when the entry begins does not count."""
    window = ("run a until f.two", "run a until f.two")
    steps = ("a f.one", "a f.two", "a f.three", "a f.two")

    assert found(window, *steps) == [(1, 1), (2, 3)]


def test_nobody_stands_at_a_choice() -> None:
    """A data choice with the name of the label is not an arrival."""
    steps = ("a f.one", "a f.two!", "a f.three", "a f.two")

    assert found(("run a until f.two",), *steps) == [(1, 3)]
