# SPDX-License-Identifier: MIT OR Apache-2.0
"""Strategies: who goes on, and which option is drawn. One file each."""

from swaptrio.sched.strategies.delay_bounding import DelayBounding
from swaptrio.sched.strategies.first_choice import FirstChoice
from swaptrio.sched.strategies.interest import Predicate, Words
from swaptrio.sched.strategies.pct import Pct
from swaptrio.sched.strategies.pos import Pos
from swaptrio.sched.strategies.profile import Profile
from swaptrio.sched.strategies.protocol import SeededStrategy, Strategy
from swaptrio.sched.strategies.random_walk import RandomWalk
from swaptrio.sched.strategies.recorded import Recorded
from swaptrio.sched.strategies.script import Run, Script
from swaptrio.sched.strategies.surw import Surw
from swaptrio.sched.strategies.urw import Urw

__all__ = [
    "DelayBounding",
    "FirstChoice",
    "Pct",
    "Pos",
    "Predicate",
    "Profile",
    "RandomWalk",
    "Recorded",
    "Run",
    "Script",
    "SeededStrategy",
    "Strategy",
    "Surw",
    "Urw",
    "Words",
]
