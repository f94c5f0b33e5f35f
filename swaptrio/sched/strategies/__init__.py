# SPDX-License-Identifier: MIT OR Apache-2.0
"""Strategies: who goes on, and which option is drawn. One file each.

`parse` makes one from what a command line has, ``pct:3``; `STRATEGIES` has all names. Those of
chance have a ``seed``, to be set anew for each execution. Wrappers (`FairTail`, `Metrics`,
`NondeterminismCheck`, `Recording`) stand in front of another one and are one themselves.
"""

from swaptrio.sched.strategies.auto import Auto
from swaptrio.sched.strategies.delay_bounding import DelayBounding
from swaptrio.sched.strategies.fair_random import FairRandom
from swaptrio.sched.strategies.fair_tail import FairTail
from swaptrio.sched.strategies.feedback import Feedback
from swaptrio.sched.strategies.first_choice import FirstChoice
from swaptrio.sched.strategies.interest import Predicate, Words
from swaptrio.sched.strategies.metrics import Counts, Metrics
from swaptrio.sched.strategies.named import Named
from swaptrio.sched.strategies.nondeterminism_check import NondeterminismCheck
from swaptrio.sched.strategies.pct import Pct
from swaptrio.sched.strategies.pos import Pos
from swaptrio.sched.strategies.profile import Profile
from swaptrio.sched.strategies.protocol import SeededStrategy, Strategy
from swaptrio.sched.strategies.random_walk import RandomWalk
from swaptrio.sched.strategies.reads_from import ReadsFrom
from swaptrio.sched.strategies.recorded import Recorded
from swaptrio.sched.strategies.recording import Asked, Recording
from swaptrio.sched.strategies.registry import STRATEGIES, Entry, parse
from swaptrio.sched.strategies.script import Run, Script
from swaptrio.sched.strategies.surw import Surw
from swaptrio.sched.strategies.urw import Urw
from swaptrio.sched.strategies.window_directed import WindowDirected
from swaptrio.sched.strategies.windows import Window, Windows

__all__ = [
    "STRATEGIES",
    "Asked",
    "Auto",
    "Counts",
    "DelayBounding",
    "Entry",
    "FairRandom",
    "FairTail",
    "Feedback",
    "FirstChoice",
    "Metrics",
    "Named",
    "NondeterminismCheck",
    "Pct",
    "Pos",
    "Predicate",
    "Profile",
    "RandomWalk",
    "ReadsFrom",
    "Recorded",
    "Recording",
    "Run",
    "Script",
    "SeededStrategy",
    "Strategy",
    "Surw",
    "Urw",
    "Window",
    "WindowDirected",
    "Windows",
    "Words",
    "parse",
]
