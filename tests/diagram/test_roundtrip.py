# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trace is drawn, the drawing is read and replayed, and the same comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.diagram import Replayed, draw_diagram
from swaptrio.scenario.files import find, names
from swaptrio.scenario.load import load as load_scenario
from swaptrio.scenario.play import Played, expected_of
from swaptrio.sched import Ending, RandomWalk, Verdict
from swaptrio.trace import Trace
from swaptrio.variants import VERSIONS, load

if TYPE_CHECKING:
    from swaptrio.scenario.format import Window

Record = Callable[..., tuple[Played, Trace]]
Replay = Callable[..., Replayed]


def windows() -> list[tuple[str, Window]]:
    """All windows of the scenarios that come with swaptrio."""
    scenarios = [load_scenario(find(name)) for name in names()]
    return [(one.name, window) for one in scenarios for window in one.window]


def variants_of(window: Window) -> list[str]:
    """v3, and the mutant that a window catches, but for whom it cannot be entered."""
    return [
        variant
        for variant in ("v3", mutant_of(window))
        if expected_of(window, load(variant)).verdict != "n/a"
    ]


def mutant_of(window: Window) -> str:
    """The mutant that a window catches; one that most windows catch where it names none."""
    caught = (name for name in window.expect if name not in VERSIONS)
    return next(caught, "stats-before-charge")


CASES = [
    pytest.param(name, window, variant, id=f"{name}-{window.name}-{variant}")
    for name, window in windows()
    for variant in variants_of(window)
]


def told(verdict: Verdict) -> tuple[Ending, str]:
    """What must be the same: the ending, and the check that was broken."""
    return verdict.ending, verdict.check


@pytest.mark.parametrize(("name", "window", "variant"), CASES)
def test_a_drawn_window_has_the_same_verdict(
    record: Record, replay: Replay, name: str, window: Window, variant: str
) -> None:
    """Each window, drawn and replayed, ends as it did; so does the window that comes of it."""
    played, trace = record(name, variant, window)
    replayed = replay(draw_diagram(trace), name, variant)
    assert told(replayed.verdict) == told(played.verdict)
    assert replayed.as_claimed
    again = attrs.evolve(window, steps=replayed.steps, choices=replayed.choices, instead={})
    assert told(record(name, variant, again)[0].verdict) == told(played.verdict)


@pytest.mark.parametrize("variant", ["v3", "pre", "no-second-check"])
@pytest.mark.parametrize("name", names())
def test_a_drawing_of_chance_has_the_same_verdict(
    record: Record, replay: Replay, name: str, variant: str
) -> None:
    """Where chance led and no window did, the drawing leads to the same end."""
    for seed in range(3):
        played, trace = record(name, variant, None, RandomWalk(seed))
        replayed = replay(draw_diagram(trace), name, variant)
        assert told(replayed.verdict) == told(played.verdict), seed
