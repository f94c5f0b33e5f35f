# SPDX-License-Identifier: MIT OR Apache-2.0
"""The benchmark of exploration measures what it says."""

from __future__ import annotations

from benchmarks.exhaustive import measure


def test_ways_agree() -> None:
    """Two faults are explored to the end by classes and by states; the rest needs its time."""
    by_class, by_state = (
        measure("two faults", "classes", 60),
        measure("two faults", "states", 60),
    )
    assert by_class["complete"]
    assert by_state["complete"]
    assert by_class["executions"] == by_class["traces"]
    assert by_state["states"] > by_class["traces"]


def test_time_is_kept() -> None:
    """A way that takes too long ends with its time, and is not called complete."""
    found = measure("four faults", "no reduction", 0.1)
    assert not found["complete"]
    assert (found["program"], found["way"]) == ("four faults", "no reduction")
