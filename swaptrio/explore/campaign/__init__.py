# SPDX-License-Identifier: MIT OR Apache-2.0
"""Campaigns: many executions, by many processes or machines, with nothing lost.

A `Plan` cuts cases into items. A `Runner` hands these to an engine and puts what comes back
into a `Store`.
"""

from swaptrio.explore.campaign.engine import Borrowed, Engine, ProcessPool
from swaptrio.explore.campaign.item import Item, Matter, matter_of
from swaptrio.explore.campaign.lock import locked
from swaptrio.explore.campaign.plan import Case, Plan
from swaptrio.explore.campaign.result import CRASHED, Failure, FailureKind, Result, Window
from swaptrio.explore.campaign.runner import Listener, Runner, State
from swaptrio.explore.campaign.store import Done, Known, Session, Store
from swaptrio.explore.campaign.work import run_item

__all__ = [
    "CRASHED",
    "Borrowed",
    "Case",
    "Done",
    "Engine",
    "Failure",
    "FailureKind",
    "Item",
    "Known",
    "Listener",
    "Matter",
    "Plan",
    "ProcessPool",
    "Result",
    "Runner",
    "Session",
    "State",
    "Store",
    "Window",
    "locked",
    "matter_of",
    "run_item",
]
