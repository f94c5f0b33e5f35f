# SPDX-License-Identifier: MIT OR Apache-2.0
"""Normal form: the same partial order of steps, written with few switches, without a re-run.

Swapping neighbours that are independent changes nothing that anybody can see. All orders that
can be had by such swaps are the linear extensions of one partial order, so instead of swapping
a good one is built at once: a task goes on for as long as all that its next step depends on has
been. What the last step, in which the failure shows, does not depend on can be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.explore.trail import past_of, predecessors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.explore.trail import Step

#: Steps beyond which comparing all pairs of them takes too long.
LONGEST: Final = 1500


def normal_forms(steps: list[Step], *, at_end: bool) -> Iterator[list[str]]:
    """Orders of tasks that lead to the same failure with few switches; the likeliest first.

    Args:
        steps: the failing execution.
        at_end: whether it failed when all was over, so that every step takes part.
    """
    if not 0 < len(steps) <= LONGEST:
        return
    before = predecessors(steps)
    everything = set(range(len(steps)))
    slices = [everything] if at_end else [past_of(len(steps) - 1, before), everything]
    seen: list[list[str]] = []
    for kept in slices:
        for prefer in (_earliest, _fewest_left):
            order = _built(steps, before, kept, prefer)
            if order not in seen:
                seen.append(order)
                yield order


def _earliest(left: list[int]) -> int:
    return left[0]


def _fewest_left(left: list[int]) -> int:
    return len(left)


def _built(
    steps: list[Step],
    before: list[list[int]],
    kept: set[int],
    prefer: Callable[[list[int]], int],
) -> list[str]:
    """A linear extension over *kept*; whoever is least by *prefer* goes on at a switch."""
    left: dict[str, list[int]] = {}
    for place in sorted(kept):
        left.setdefault(steps[place].task, []).append(place)
    done: set[int] = set()
    order: list[str] = []
    task = ""
    while left:
        ready = [
            name
            for name, places in left.items()
            if all(each in done or each not in kept for each in before[places[0]])
        ]
        if task not in ready:
            task = min(ready, key=lambda name: prefer(left[name]))
        order.append(task)
        done.add(left[task].pop(0))
        if not left[task]:
            del left[task]
    return order
