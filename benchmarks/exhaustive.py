# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m benchmarks.exhaustive``: what it takes to explore programs to the end, as JSON.

Each program is explored by classes and by states, and, where that ends in time, with every step
taken for dependent on every other one, which is depth-first search without reduction.
"""

from __future__ import annotations

import json
from typing import Any, Final

import click

from benchmarks.counted import lastzero
from benchmarks.faults import faults
from swaptrio.explore import Limits, Settings, explore_program

#: Ways to explore.
WAYS: Final = {
    "classes": Settings(),
    "states": Settings(cache=True),
    "states, nothing reported": Settings(cache=True, reports=False),
    "no reduction": Settings(reports=False),
}

PROGRAMS: Final = {
    "lastzero(10)": lastzero(10),
    "two faults": faults(2),
    "three faults": faults(3),
    "four faults": faults(4),
}


def measure(program: str, way: str, seconds: float) -> dict[str, Any]:
    """Explore one program in one way, for at most *seconds*."""
    result = explore_program(PROGRAMS[program], WAYS[way], Limits(seconds), name=program)
    return {
        "program": program,
        "way": way,
        "complete": result.complete,
        "executions": result.executions,
        "traces": result.traces,
        "states": result.states,
        "seconds": round(result.seconds, 3),
    }


@click.command()
@click.option(
    "--time", "seconds", type=click.FloatRange(min=0), default=20.0, show_default=True
)
@click.option("--program", "programs", type=click.Choice(list(PROGRAMS)), multiple=True)
def main(seconds: float, programs: tuple[str, ...]) -> None:
    """Explore each program in each way, for some seconds at most."""
    for program in programs or PROGRAMS:
        for way in WAYS:
            click.echo(json.dumps(measure(program, way, seconds)))


if __name__ == "__main__":
    main()
