# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measuring in turn: A B A B ..., so that whatever else the machine does meets both alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from time import process_time

import attrs

#: Does its work for a round, and returns the figure that was measured.
Measure = Callable[[int], float]


@attrs.frozen
class Figures:
    """What one thing measured in each round, in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def times(self, factor: float) -> Figures:
        """All of them in another unit."""
        return Figures(tuple(value * factor for value in self.values))

    def over(self, other: Figures) -> Figures:
        """The ratio to *other*, round by round."""
        pairs = zip(self.values, other.values, strict=True)
        return Figures(tuple(mine / theirs for mine, theirs in pairs))

    def summary(self) -> dict[str, float]:
        """As JSON has it."""
        return {
            "median": _shortened(self.median),
            "min": _shortened(min(self.values)),
            "max": _shortened(max(self.values)),
        }


def in_turn(rounds: int, measures: Mapping[str, Measure]) -> dict[str, Figures]:
    """Call each of *measures* once a round, after one round that does not count.

    They are told the number of the round, 0 for the one that does not count. Each starts
    without the others' garbage.
    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            with swept():
                value = measure(number)
            if number:
                found[name].append(value)
    return {name: Figures(tuple(values)) for name, values in found.items()}


@contextmanager
def swept() -> Iterator[None]:
    """A block that begins without garbage, and in which the collector looks at what is new.

    What has been imported is several times as much as what any measure makes. The collector
    goes through all of it now and then, as it happens in one measure and not in another.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def seconds(work: Callable[[], object]) -> float:
    """How long the processor is at *work*.

    Nothing measured here ever sleeps or waits for others, so on a machine that does nothing
    else this is wall time; on a busy one it does not count what others took in between.
    """
    begun = process_time()
    work()
    return process_time() - begun


def _shortened(value: float) -> float:
    return float(f"{value:.4g}")
