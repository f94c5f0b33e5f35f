# SPDX-License-Identifier: MIT OR Apache-2.0
"""Strategies: who goes on, and which option is drawn. One file each."""

from swaptrio.sched.strategies.first_choice import FirstChoice
from swaptrio.sched.strategies.protocol import Strategy
from swaptrio.sched.strategies.random_walk import RandomWalk
from swaptrio.sched.strategies.recorded import Recorded
from swaptrio.sched.strategies.script import Run, Script

__all__ = [
    "FirstChoice",
    "RandomWalk",
    "Recorded",
    "Run",
    "Script",
    "Strategy",
]
