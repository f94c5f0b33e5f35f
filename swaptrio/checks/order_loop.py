# SPDX-License-Identifier: MIT OR Apache-2.0
"""What must hold of the allocation into the swap cache: its answers, its rounds, its counters.

The wrappers are like those of `swaptrio.checks.calls`, for the functions in which the versions
of the patch differ: the range check, one attempt, and the loop over the orders.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from swaptrio.checks.memory import Attempts, Memory
from swaptrio.checks.slots import word_at
from swaptrio.mm.errno import Errno
from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry, swp_cluster_offset, swp_offset
from swaptrio.mm.swap_table import count_of, swp_tb_is_folio, zero_of
from swaptrio.sched import Livelock, Violation, running_task

if TYPE_CHECKING:
    from swaptrio.checks.watch import Oracles
    from swaptrio.mm.kernel import Kernel

#: The largest order that fits into a cluster.
HIGHEST_ORDER: Final = 9

Function = Callable[..., Any]
Wrapper = Callable[..., Any | Awaitable[Any]]


def _checking(
    oracles: Oracles,
    function: Function,
    kernel: Kernel,
    ci: SwapClusterInfo,
    targ_entry: SwpEntry,
    nr: int,
    **named: Any,
) -> Any:
    """I-ERRNO, for the range check of v3 and later, which is asked for a target."""
    result = function(kernel, ci, targ_entry, nr, **named)
    error = result[0]
    attempts = oracles.memory.allocating.get(running_task().name)
    if attempts is not None:
        attempts.refusal = error
    if isinstance(error, Errno) and ci.lock.owned() and not _is_so(ci, targ_entry, nr, error):
        word = word_at(ci, swp_cluster_offset(targ_entry))
        message = f"{error} for slot {swp_offset(targ_entry)} with word {word:#x}, nr {nr}"
        raise Violation("I-ERRNO", message)
    return result


def _is_so(ci: SwapClusterInfo, entry: SwpEntry, nr: int, error: Errno) -> bool:
    """Whether the words say what *error* says. Owners and zero flags may differ, too."""
    off = swp_cluster_offset(entry)
    word = word_at(ci, off)
    if error is Errno.EEXIST:
        return swp_tb_is_folio(word)
    if error is Errno.ENOENT:
        return not swp_tb_is_folio(word) and count_of(word) == 0
    if error is not Errno.EBUSY or swp_tb_is_folio(word) or count_of(word) == 0:
        return False
    return any(
        swp_tb_is_folio(other := word_at(ci, slot))
        or count_of(other) == 0
        or zero_of(other) != zero_of(word)
        or ci.memcg_table.get(slot, 0) != ci.memcg_table.get(off, 0)
        for slot in range(off & -nr, (off & -nr) + nr)
    )


async def _attempting(
    oracles: Oracles,
    function: Function,
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    order: int,
    *more: Any,
    **named: Any,
) -> Any:
    """I-ERRNO for the order that is passed down and the answer; I-PROGRESS by counting.

    A loop that has tried more often than it may, and some order for the third time, goes round.
    What else is wrong with it is held against it when it has ended: more attempts than orders,
    or one below order 0.
    """
    me, memory = running_task().name, oracles.memory
    if order > HIGHEST_ORDER or (order < 0 and me not in memory.allocating):
        raise Violation("I-ERRNO", f"{me} tries to allocate order {order}")
    attempts = memory.allocating[me]
    if attempts.left <= 0 and attempts.tried[order] > 1:
        message = f"{me} tries more often than it has orders, at order {order} again"
        raise Livelock("I-PROGRESS", message)
    attempts.tried[order] += 1
    attempts.left -= 1
    attempts.refusal = None
    failures = memory.failures.get(me, 0)
    try:
        answer = await function(kernel, targ_entry, gfp, order, *more, **named)
    except ValueError as exc:  # versions that say 1 << order have no answer below 0
        if order >= 0:
            raise
        raise Violation("I-ERRNO", f"{me} tries to allocate order {order}") from exc
    attempts.answer = answer
    if isinstance(answer, Errno):
        failed = memory.failures.get(me, 0) > failures
        if not _is_due(answer, attempts.refusal, order, failed=failed):
            raise Violation("I-ERRNO", f"{me} gets {answer} at order {order} without a cause")
        if order > 0 and answer in (Errno.EBUSY, Errno.ENOMEM):
            memory.fallbacks[order] += 1
    return answer


def _is_due(answer: Errno, refusal: Errno | None, order: int, *, failed: bool) -> bool:
    """Whether an attempt may answer so, where the range check has said *refusal*.

    Where it has refused that is the answer, and nothing was allocated that could fail.
    """
    if answer is Errno.ENOMEM:
        return failed and refusal is None
    if answer is Errno.EBUSY:
        return order != 0
    return answer in (Errno.EEXIST, Errno.ENOENT) and answer is refusal


async def allocating(
    oracles: Oracles,
    function: Function,
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    orders: int,
    *more: Any,
    **named: Any,
) -> Any:
    """I-PROGRESS, for a loop over lookup and allocation."""
    result = await function(kernel, targ_entry, gfp, orders, *more, **named)
    if result is Errno.EEXIST:
        _conflict(oracles, targ_entry)
    return result


async def _allocating_by_order(
    oracles: Oracles,
    function: Function,
    kernel: Kernel,
    targ_entry: SwpEntry,
    gfp: str,
    orders: int,
    *more: Any,
    **named: Any,
) -> Any:
    """As `allocating`, and I-ERRNO for a version that allocates order by order.

    The answer is that of the last attempt, or EINVAL for orders that cannot be.
    """
    me = running_task().name
    attempts = oracles.memory.allocating[me] = Attempts(orders.bit_count() + 1)
    result = await function(kernel, targ_entry, gfp, orders, *more, **named)
    del oracles.memory.allocating[me]
    if result is Errno.EEXIST:
        _conflict(oracles, targ_entry)
    _is_within_bounds(me, attempts)
    if not isinstance(result, Errno):
        return result
    if result is Errno.EINVAL:
        due = orders == 0 or orders.bit_length() > HIGHEST_ORDER + 1
    else:
        due = result is attempts.answer
    if not due:
        raise Violation("I-ERRNO", f"{me} gets {result} for orders {orders:#x} without a cause")
    return result


def _is_within_bounds(me: str, attempts: Attempts) -> None:
    """Hold against a loop that has ended what it has tried."""
    lowest = min(attempts.tried, default=0)
    if lowest < 0:
        raise Violation("I-ERRNO", f"{me} has tried to allocate order {lowest}")
    if attempts.left < 0:
        tried = attempts.tried.total()
        message = f"{me} has tried {tried} times, more often than it has orders"
        raise Violation("I-PROGRESS", message)


def _conflict(oracles: Oracles, entry: SwpEntry) -> None:
    """I-PROGRESS: who meets EEXIST again for a slot has seen it change in between."""
    memory, me = oracles.memory, running_task().name
    conflict = (entry, memory.changes.get(entry, 0))
    if memory.conflicts.get(me) == conflict:
        message = f"{me} meets EEXIST again at slot {swp_offset(entry)}, which has not changed"
        raise Livelock("I-PROGRESS", message)
    memory.conflicts[me] = conflict


def writing_back(
    oracles: Oracles, function: Function, kernel: Kernel, *args: Any, **named: Any
) -> Any:
    """Whoever does not look a folio up before each allocation begins anew here."""
    oracles.memory.conflicts.pop(running_task().name, None)
    return function(kernel, *args, **named)


#: What is watched in versions that allocate order by order, as v3 and later do.
ORDER_LOOP: Final[dict[str, Wrapper]] = {
    "_swap_cache_add_check": _checking,
    "_swap_cache_alloc": _attempting,
    "swap_cache_alloc_folio": _allocating_by_order,
}


def check_fallbacks(kernel: Kernel, memory: Memory) -> None:
    """Check what is counted of large folios that could not be had, at the end.

    Versions that do not allocate order by order count in a way of their own.

    Raises:
        Violation: (Q-MTHP) it is not what happened.
    """
    if "_swap_cache_alloc" not in kernel.functions:
        return
    mthp = kernel.vmstat.mthp
    for order in sorted({order for _, order in mthp} | memory.fallbacks.keys()):
        counted, due = mthp["SWPIN_FALLBACK", order], memory.fallbacks[order]
        if counted != due:
            message = f"{counted} fallbacks of order {order} are counted, there were {due}"
            raise Violation("Q-MTHP", message)
        charges = mthp["SWPIN_FALLBACK_CHARGE", order]
        if charges > due:
            message = (
                f"{charges} fallbacks of order {order} are said to be for charges, of {due}"
            )
            raise Violation("Q-MTHP", message)
