# SPDX-License-Identifier: MIT OR Apache-2.0
"""Orders, entries, counters, shadows, and how functions are replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaptrio.mm.errno import Errno
from swaptrio.mm.huge_memory import highest_order, next_order, one_shifted_as_int
from swaptrio.mm.kernel import kernel_function, labels_in, plain, warn_on
from swaptrio.mm.swap_h import (
    round_down,
    swp_cluster_offset,
    swp_entry,
    swp_offset,
    swp_type,
)
from swaptrio.mm.vmstat import count_mthp_stat
from swaptrio.sched import point

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("orders", "order"), [(0, -1), (1, 0), (0b110, 2), (1 << 9, 9)])
def test_highest_order(world: Any, orders: int, order: int) -> None:
    """The highest order is the top bit, and -1 of none (spec 3.3)."""
    assert highest_order(world.kernel, orders) == order


@pytest.mark.parametrize(
    ("orders", "prev", "following"),
    [(0b111, 2, (0b011, 1)), (0b101, 2, (0b001, 0)), (0b100, 2, (0, -1)), (0, -1, (0, -1))],
)
def test_next_order(world: Any, orders: int, prev: int, following: tuple[int, int]) -> None:
    """The next order is the highest of what is left, and -1 stays -1 (spec 3.3, A10)."""
    assert next_order(world.kernel, orders, prev) == following


def test_orders_without_thp(make_world: Callable[..., Any]) -> None:
    """Without THP both are 0 and the set is not changed (spec 3.3, A11)."""
    kernel = make_world(thp=False).kernel

    assert highest_order(kernel, 0b110) == 0
    assert next_order(kernel, 0b111, 0) == (0b111, 0)


@pytest.mark.parametrize(
    ("order", "size"),
    [(0, 1), (9, 512), (30, 1 << 30), (31, 0xFFFFFFFF80000000), (-1, 0xFFFFFFFF80000000)],
)
def test_one_shifted_as_int(order: int, size: int) -> None:
    """Order -1 shifts an int by 31 into its sign, which an unsigned long extends (A10)."""
    assert one_shifted_as_int(order) == size


@given(st.integers(0, 63), st.integers(1, 2**40), st.integers(0, 9))
def test_entries(number: int, offset: int, order: int) -> None:
    """An entry gives back device and slot; rounding it rounds the slot (spec 1.2)."""
    entry = swp_entry(number, offset)
    rounded = round_down(entry, 1 << order)

    assert (swp_type(entry), swp_offset(entry)) == (number, offset)
    assert swp_cluster_offset(entry) == offset % 512
    assert (swp_type(rounded), swp_offset(rounded)) == (number, offset >> order << order)


@pytest.mark.parametrize(("order", "counted"), [(-1, 0), (0, 0), (1, 1), (9, 1), (10, 0)])
def test_counted_orders(world: Any, order: int, counted: int) -> None:
    """Events are counted for orders 1 to 9 and for no other (spec 12)."""
    count_mthp_stat(world.kernel, order, "SWPIN")

    assert world.kernel.vmstat.mthp.total() == counted


def test_errno_text() -> None:
    """An error number is called what the kernel calls it."""
    assert f"{Errno.ENOENT}" == "ENOENT"


def test_replacing_a_function(world: Any) -> None:
    """A call runs what the kernel has under the function's name, or the function itself."""

    @kernel_function
    def is_even(kernel: Any, number: int) -> bool:
        return number % 2 == 0

    assert is_even(world.kernel, 2)
    world.kernel.functions["is_even"] = lambda kernel, number: False
    assert not is_even(world.kernel, 2)
    assert plain(is_even)(world.kernel, 2)


def test_labels() -> None:
    """The labels of a function are read from its code, those of inner functions too."""

    async def outer() -> None:
        await point("outer.first")

        async def inner() -> None:
            await point("outer.second", target="Not a label.")

        await inner()

    assert sorted(labels_in(outer)) == ["outer.first", "outer.second"]


def test_warning_each_time(world: Any) -> None:
    """A warning is noted each time that its condition is true; the condition is passed on."""
    assert warn_on(world.kernel, True, "odd")
    assert warn_on(world.kernel, True, "odd")
    assert not warn_on(world.kernel, False, "even")
    assert world.kernel.warnings == ["odd", "odd"]
