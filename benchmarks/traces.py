# SPDX-License-Identifier: MIT OR Apache-2.0
"""d and e: what a trace costs, to record and to write.

* ``recorded`` against ``plain``: the same executions of a scenario, with the recorder on and
  off, oracles on in both, on Trio tasks as ``swaptrio replay`` runs them.
* Writing has nothing to be held against; it is seconds of the processor for `EVENTS` events,
  recorded ones one after the other with new numbers, down to a whole file on the disk.
"""

from __future__ import annotations

import functools
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from benchmarks.executions import SCENARIO, VARIANT, setup
from benchmarks.promises import Promise
from benchmarks.rounds import in_turn, seconds
from swaptrio.scenario.play import Watched, play
from swaptrio.sched import RandomWalk, open_scheduler
from swaptrio.trace import Recorder, Trace, write_trace

if TYPE_CHECKING:
    from swaptrio.scenario.world import Setup

EVENTS: Final = 100_000

RECORDING: Final = Promise("recording a trace, times the same executions without", "<=", 3)
WRITING: Final = Promise("seconds to write 100,000 events", "<=", 2)


@attrs.frozen
class Sizes:
    """How many executions are recorded in one round, and how many events are written."""

    executions: int = 100
    events: int = EVENTS


def measure_recording(rounds: int, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """What recording costs; its part of the document."""
    model = setup()

    def run(recorded: bool, number: int) -> float:
        first = number * sizes.executions
        seeds = range(first, first + sizes.executions)
        return seconds(lambda: trio.run(play_all, model, seeds, recorded)) / sizes.executions

    found = in_turn(
        rounds,
        {"plain": functools.partial(run, False), "recorded": functools.partial(run, True)},
    )
    return {
        "scenario": SCENARIO,
        "variant": VARIANT,
        "executions_per_round": sizes.executions,
        "milliseconds_per_execution": {
            name: figures.times(1e3).summary() for name, figures in found.items()
        },
        "ratio": found["recorded"].over(found["plain"]).summary(),
    }


def measure_writing(rounds: int, sizes: Sizes = Sizes()) -> dict[str, Any]:
    """What writing costs; its part of the document."""
    trace = long_trace(sizes.events)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.jsonl"

        def write(_number: int) -> float:
            return seconds(lambda: write_trace(trace, path))

        found = in_turn(rounds, {"write": write})
        size = path.stat().st_size
    return {"events": sizes.events, "bytes": size, "seconds": found["write"].summary()}


async def play_all(model: Setup, seeds: range, recorded: bool) -> list[Trace]:
    """Play *model* under a random walk by each of *seeds*; the traces, if *recorded*."""
    traces = []
    async with open_scheduler() as scheduler:
        for seed in seeds:
            watched = Watched()
            watched.inner = recorder = Recorder(watched.snapshot) if recorded else None
            await play(scheduler, model, RandomWalk(seed), watched)
            if recorder is not None:
                traces.append(recorder.trace(scenario=SCENARIO))
    return traces


def long_trace(events: int) -> Trace:
    """A trace of so many *events*, those of one execution over and over."""
    [trace] = trio.run(play_all, setup(), range(1), True)
    again = islice(cycle(trace.events), events)
    numbered = (attrs.evolve(event, seq=seq) for seq, event in enumerate(again, 1))
    return attrs.evolve(trace, events=tuple(numbered))
