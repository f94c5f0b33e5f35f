# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a campaign goes, while it does: a bar for who watches, else a line a minute.

With ``--json`` the same goes to standard output as events, once a second at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from swaptrio.cli.console import LiveLine

if TYPE_CHECKING:
    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Failure, Known, State, Store

#: Seconds between two lines where nobody watches, and between two events.
LINES: Final = 60.0
EVENTS: Final = 1.0

#: Characters of the bar.
BAR: Final = 20


class Progress:
    """Tells how the campaign in *store* goes."""

    def __init__(self, console: Console, store: Store) -> None:
        self._console = console
        self._line = LiveLine(console)
        self._next_line = LINES
        self._next_event = EVENTS
        plan = store.plan
        console.event(
            {
                "event": "begin",
                "store": str(store.path),
                "cases": [list(case.name) for case in store.cases],
                "strategy": plan.strategy,
                "first": plan.first,
                "seeds": plan.seeds,
                "time": plan.time,
            }
        )

    def beat(self, state: State) -> None:
        """Several times a second."""
        self._line.show(line_of(state))
        if not self._console.live and state.seconds >= self._next_line:
            self._next_line = state.seconds + LINES
            self._console.tell(line_of(state))
        if state.seconds >= self._next_event:
            self._next_event = state.seconds + EVENTS
            self._console.event({"event": "progress", **record_of(state)})

    def found(self, case: Known, failure: Failure) -> None:
        """A failure of a kind that was not seen before."""
        self._console.event(
            {
                "event": "failure",
                "fingerprint": failure.kind.fingerprint(*case.name),
                "scenario": case.scenario,
                "variant": case.variant,
                "ending": failure.kind.ending,
                "check": failure.kind.rule,
                "labels": list(failure.kind.labels),
                "seed": failure.first,
                "schedule": failure.schedule,
                "message": failure.message,
            }
        )

    def lost(self, items: int) -> None:
        """A worker is gone."""
        self.clear()
        self._console.tell(f"a worker was lost; {items} items are run again, under guard")
        self._console.event({"event": "lost", "items": items})

    def clear(self) -> None:
        """Take the bar away."""
        self._line.clear()


def line_of(state: State) -> str:
    """*state* in a line."""
    rate = state.fresh / state.seconds if state.seconds else 0.0
    parts = [f"{state.executions} executions, {rate:.0f}/s"]
    left = seconds_left(state)
    if left is not None:
        parts.append(f"{clock(left)} left")
    parts.append(f"{state.distinct} distinct in {state.failed} failures")
    return f"{bar(share(state))} {', '.join(parts)}"


def record_of(state: State) -> dict[str, Any]:
    """*state* for programs."""
    return {
        "items_total": state.total,
        "items_done": state.done,
        "executions": state.executions,
        "failures": state.failed,
        "distinct": state.distinct,
        "seconds": round(state.seconds, 3),
        "seconds_left": seconds_left(state),
    }


def share(state: State) -> float:
    """How much of it is done, from 0 to 1."""
    if state.time is not None:
        return min(1.0, (state.before + state.seconds) / state.time)
    return state.done / state.total if state.total else 1.0


def seconds_left(state: State) -> float | None:
    """How long it takes from now on at the rate of this session; None where nobody knows."""
    if state.time is not None:
        return round(max(0.0, state.time - state.before - state.seconds), 1)
    if state.total is None or not state.here:
        return None
    return round((state.total - state.done) * state.seconds / state.here, 1)


def bar(share: float) -> str:
    """A bar of which *share* is full."""
    full = int(share * BAR)
    return f"[{'#' * full}{'.' * (BAR - full)}] {int(100 * share):3}%"


def clock(seconds: float) -> str:
    """As people write times."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
