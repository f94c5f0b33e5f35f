# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.agreement``: do the two ways to explore find the same? As JSON.

Each scenario that ships is explored by classes and by states in each variant that fails it.
Where both come to their end in time, they have to have met the same violations, and the same
states at an end: what tasks have returned, all counters, and what each slot holds. The ways
share the reports of accesses and little else, so a report that is missing, or that says too
little, shows here sooner than anywhere.
"""

from __future__ import annotations

import json
import sys
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import click

from benchmarks.bugs.swap import SwapCase, failing
from swaptrio.explore import Limits, Settings, explore_program
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.scenario.picture import short_word
from swaptrio.sched import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from swaptrio.explore import Result
    from swaptrio.scenario.world import Setup, World
    from swaptrio.sched import Execution, Program

#: The ways that are held against each other.
WAYS: Final = {"classes": Settings(), "states": Settings(cache=True, stubborn=True)}


def final(world: World) -> Hashable:
    """What a scenario has come to: the results, every counter, and what the slots hold."""
    results, counters = sorted(world.results.items()), sorted(world.counters().items())
    return tuple(results), tuple(counters), tuple(_slots(world))


def _slots(world: World) -> Iterator[tuple[str, str]]:
    for si in world.kernel.devices:
        for ci in si.clusters:
            for off, word in enumerate(ci.table or ()):
                if word != SWP_TB_NULL:
                    yield f"{si.name}:{ci.number * SWAPFILE_CLUSTER + off}", short_word(word)


def ends(setup: Setup) -> Program:
    """A scenario, and what it has come to where nobody could go on any more.

    Where it is ended before, how far the others are depends on steps that make no difference.
    """
    stage = Stage(setup, final=final)

    def program(execution: Execution) -> Callable[[], object]:
        told = stage(execution)

        def end() -> object:
            verdict = execution.verdict
            assert verdict is not None
            assert told is not None
            whole = verdict.passed or verdict.ending is Ending.DEADLOCK
            return told() if whole else verdict.ending

        return end

    return program


def explored(setup: Setup, way: str, seconds: float) -> tuple[Result, float]:
    """What one way finds in at most *seconds* of the processor, and how many it took."""
    begun = process_time()
    limits = Limits(stop=lambda: process_time() - begun >= seconds)
    result = explore_program(ends(setup), WAYS[way], limits)
    return result, process_time() - begun


def agree(results: list[Result]) -> bool | None:
    """Whether all have found the same; None where not all have come to their end."""
    if not all(result.complete for result in results):
        return None
    found = [(result.finals, _signatures(result)) for result in results]
    return found.count(found[0]) == len(found)


def _signatures(result: Result) -> set[tuple[Ending, str]]:
    return {found.signature for found in result.violations}


def compared(case: SwapCase, seconds: float) -> dict[str, Any]:
    """One scenario in one variant, in both ways, each for at most *seconds*."""
    row: dict[str, Any] = {"scenario": case.scenario, "variant": case.variant}
    results = []
    for way in WAYS:
        result, taken = explored(case.setup, way, seconds)
        results.append(result)
        row[way] = {
            "complete": result.complete,
            "count": result.states if result.traces is None else result.traces,
            "finals": len(result.finals),
            "violations": sorted(
                [ending.value, check] for ending, check in _signatures(result)
            ),
            "seconds": round(taken, 2),
        }
    return {**row, "agree": agree(results)}


@click.command()
@click.option(
    "--time", "seconds", type=click.FloatRange(min=0), default=10.0, show_default=True
)
@click.option("--scenario", "scenarios", multiple=True, help="Compare this one only.")
def main(seconds: float, scenarios: tuple[str, ...]) -> None:
    """Compare the ways on each failing scenario, for some seconds of the processor each.

    Prints one document a line. Exits with 1 if two ways that have ended do not agree.
    """
    differ = False
    for case in failing():
        if not scenarios or case.scenario in scenarios:
            row = compared(case, seconds)
            differ = differ or row["agree"] is False
            click.echo(json.dumps(row))
    sys.exit(int(differ))


if __name__ == "__main__":
    main()
