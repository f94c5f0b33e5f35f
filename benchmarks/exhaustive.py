# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.exhaustive``: what it takes to explore programs to the end, as JSON.

Each program is explored by classes and by states, and with every step taken for dependent on
every other one, which is depth-first search without reduction. What does not end in time says
so; that is the rule for search without reduction. Searches that are worth waiting for have more
time than the others.
"""

from __future__ import annotations

import json
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from benchmarks.counted import lastzero
from benchmarks.faults import faults
from swaptrio.explore import Limits, Settings, explore_program
from swaptrio.explore.exhaustive.stage import Stage
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched import Program

#: Ways to explore.
WAYS: Final = {
    "classes": Settings(),
    "states": Settings(cache=True, stubborn=True),
    "states, all": Settings(cache=True),
    "states, nothing reported": Settings(cache=True, reports=False),
    "no reduction": Settings(reports=False),
}


def scenario(name: str, faults: int = 0) -> Program:
    """A scenario in v3; with more *faults* than it has, the last of its tasks comes again."""
    variant = load("v3")
    loaded = load_checked(find(name), variant)
    last = loaded.task[-1]
    more = [
        attrs.evolve(last, name=f"{last.name}{number}")
        for number in range(len(loaded.task), faults)
    ]
    return Stage(Setup(attrs.evolve(loaded, task=(*loaded.task, *more)), variant))


PROGRAMS: Final[dict[str, Callable[[], Program]]] = {
    "lastzero(10)": lambda: lastzero(10),
    "two faults": lambda: faults(2),
    "three faults": lambda: faults(3),
    "four faults": lambda: faults(4),
    "large-vs-small-neighbour": lambda: scenario("large-vs-small-neighbour"),
    "offline-memcg-swapin": lambda: scenario("offline-memcg-swapin"),
    "count-continuation-race": lambda: scenario("count-continuation-race"),
    "two-faults-one-slot": lambda: scenario("two-faults-one-slot"),
    "two-faults-one-slot, 3 faults": lambda: scenario("two-faults-one-slot", 3),
    "two-faults-one-slot, 4 faults": lambda: scenario("two-faults-one-slot", 4),
}


#: What ends within two minutes, and not within the time of the others; in seconds.
LONGER: Final = {
    ("four faults", "states, all"): 120.0,
    ("large-vs-small-neighbour", "states"): 120.0,
    ("two-faults-one-slot", "states"): 60.0,
    ("two-faults-one-slot, 3 faults", "states"): 120.0,
}


def measure(program: str, way: str, seconds: float) -> dict[str, Any]:
    """Explore one program in one way, for at most *seconds* of the processor."""
    begun = process_time()
    limits = Limits(stop=lambda: process_time() - begun >= seconds)
    result = explore_program(PROGRAMS[program](), WAYS[way], limits, name=program)
    return {
        "program": program,
        "way": way,
        "complete": result.complete,
        "executions": result.executions,
        "traces": result.traces,
        "states": result.states,
        "seconds": round(process_time() - begun, 3),
    }


@click.command()
@click.option(
    "--time", "seconds", type=click.FloatRange(min=0), default=20.0, show_default=True
)
@click.option("--program", "programs", type=click.Choice(list(PROGRAMS)), multiple=True)
@click.option("--way", "ways", type=click.Choice(list(WAYS)), multiple=True)
def main(seconds: float, programs: tuple[str, ...], ways: tuple[str, ...]) -> None:
    """Explore each program in each way, for some seconds of the processor at most.

    Prints one document a line. A few that need it have more time.
    """
    for program in programs or PROGRAMS:
        for way in ways or WAYS:
            limit = max(seconds, LONGER.get((program, way), 0))
            click.echo(json.dumps(measure(program, way, limit)))


if __name__ == "__main__":
    main()
