# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a certificate is bounded by: the world of a scenario, and how much is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario

#: Executions of one exhaustive search where nobody says how many.
EXECUTIONS: Final = 400

#: Schedules of each strategy of chance where nobody says how many.
SEEDS: Final = 250

#: Who draws them, one after the other.
STRATEGIES: Final = ("auto", "random")


@attrs.frozen
class Budget:
    """How much is looked at of one scenario in one version.

    Args:
        executions: those after which an exhaustive search ends, from 1; None for all.
        seconds: wall time after which it ends; None for any. What was found then depends on
            the machine, which is so of nothing else here.
        seeds: schedules of each of *strategies*, from 0, where the search was not complete.
        strategies: strategies of chance, as `swaptrio.sched.strategies.parse` takes them.
    """

    executions: int | None = EXECUTIONS
    seconds: float | None = None
    seeds: int = SEEDS
    strategies: tuple[str, ...] = STRATEGIES


@attrs.frozen
class Bounds:
    """How large the world of a scenario is; nothing is said of a larger one.

    Args:
        tasks: how many tasks there are.
        slots: the slots of each device.
        orders: the orders that folios and entries may have, 0 among them.
        failures: the kinds of call that may fail, each time they are made.
    """

    tasks: int
    slots: tuple[int, ...]
    orders: tuple[int, ...]
    failures: tuple[str, ...]

    @classmethod
    def of(cls, scenario: Scenario) -> Bounds:
        """Those of *scenario*."""
        enabled = [order for process in scenario.process for order in process.orders]
        enabled += [order for file in scenario.file for order in file.orders]
        present = [each.order for each in scenario.slots]
        present += [each.order for each in scenario.page]
        return cls(
            len(scenario.task),
            tuple(device.slots for device in scenario.device),
            tuple(sorted(dict.fromkeys((0, *enabled, *present)))),
            scenario.kernel.failures,
        )
