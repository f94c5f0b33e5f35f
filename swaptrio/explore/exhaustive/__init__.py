# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exhaustive exploration: all interleavings of a program, and a statement about them.

``explore_program(program)`` is all one needs. A program is what `swaptrio.sched.run` takes; how
to write one in ten lines is told in `swaptrio.sched.shared`.

How it works: `walk` runs one execution and notes in each `event` what a step has accessed;
`place` finds the races; `search` turns them into `wish`es and decides where to go next, with
the `sleep` sets that keep it from going twice. `primes` knows what a step has done wherever it
was executed with the same causal past.
"""

from swaptrio.explore.exhaustive.exploration import Exploration
from swaptrio.explore.exhaustive.explore import (
    Limits,
    Settings,
    drive,
    explore,
    explore_program,
    result_of,
)
from swaptrio.explore.exhaustive.result import Found, Outcome, Result

__all__ = [
    "Exploration",
    "Found",
    "Limits",
    "Outcome",
    "Result",
    "Settings",
    "drive",
    "explore",
    "explore_program",
    "result_of",
]
