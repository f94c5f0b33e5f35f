# SPDX-License-Identifier: MIT OR Apache-2.0
"""Orders of large folios, and what limits them (mm/huge_memory.c, include/linux/huge_mm.h)."""

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

    Without THP the order is 0 and *orders* stays as it is. The kernel clears the bit in place;
    here the caller gets both back.
    """
    if not kernel.config.thp:
        return orders, 0
    orders &= ~(1 << prev) if prev >= 0 else -1
    return orders, highest_order(kernel, orders)


@kernel_function
def vma_thp_gfp_mask(kernel: Kernel, mm: MmStruct | None) -> str:
    """The allocation flags for large folios of a VMA. Flags have no effect in the model."""
    return "GFP_TRANSHUGE_LIGHT"


@kernel_function
def thp_limit_gfp_mask(kernel: Kernel, huge_gfp: str, limit_gfp: str) -> str:
    """*huge_gfp*, limited to what *limit_gfp* allows."""
    return f"{huge_gfp}&{limit_gfp}"
