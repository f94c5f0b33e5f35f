# SPDX-License-Identifier: MIT OR Apache-2.0
"""Orders of large folios, and what limits them (mm/huge_memory.c, include/linux/huge_mm.h).

Source: tree M; without THP, the author's reply to v4 04/12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.mm.kernel import Kernel, kernel_function

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import MmStruct


@kernel_function
def highest_order(kernel: Kernel, orders: int) -> int:
    """The index of the top bit of *orders*; -1 where it is 0; always 0 without THP."""
    return orders.bit_length() - 1 if kernel.config.thp else 0


@kernel_function
def next_order(kernel: Kernel, orders: int, prev: int) -> tuple[int, int]:
    """*orders* without the bit *prev*, and its highest order.

    Without THP the order is 0 and *orders* stays as it is. An empty set has the order -1 and,
    asked for what comes after -1, stays empty. The kernel clears the bit in place; here the
    caller gets both back.
    """
    if not kernel.config.thp:
        return orders, 0
    if prev >= 0:
        orders &= ~(1 << prev)
    return orders, highest_order(kernel, orders)


def one_shifted_as_int(order: int) -> int:
    """``1 << order`` of an int, widened to an unsigned long: the size of a folio in v3.

    For orders 0 to 30 that is 2**order. C defines no other; x86-64 looks at the lower five bits
    of the count, so that -1 shifts by 31, into the sign: 0xFFFFFFFF80000000. v4 shifts an
    unsigned long. Source: v3 04/12; the compiler's result is inference (catalogue A10).
    """
    count = order % 32
    return (1 << 64) - (1 << 31) if count == 31 else 1 << count


@kernel_function
def vma_thp_gfp_mask(kernel: Kernel, mm: MmStruct | None) -> str:
    """The allocation flags for large folios of a VMA. Flags have no effect in the model."""
    return "GFP_TRANSHUGE_LIGHT"


@kernel_function
def thp_limit_gfp_mask(kernel: Kernel, huge_gfp: str, limit_gfp: str) -> str:
    """*huge_gfp*, limited to what *limit_gfp* allows."""
    return f"{huge_gfp}&{limit_gfp}"
