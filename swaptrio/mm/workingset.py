# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shadows: when a folio was evicted, and what that says when it comes back (mm/workingset.c).

A shadow packs the owner's private id and the age of the LRU at the eviction. The kernel's bit
layout is not verified; the simplest legal one is modelled, and nothing but this file looks
inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.swap_table import xa_mk_value, xa_to_value

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio

_ID_BITS: Final = 16


@attrs.define(eq=False)
class Workingset:
    """*age* counts evictions; *refaults* the folios that came back, *distance* of the last."""

    age: int = 0
    refaults: int = 0
    distance: int = 0


@kernel_function
def workingset_eviction(kernel: Kernel, folio: Folio) -> int:
    """The shadow of a folio that is being evicted. The cluster lock is held."""
    kernel.workingset.age += folio.nr
    owner = 0 if folio.memcg is None else folio.memcg.id
    return xa_mk_value(kernel.workingset.age << _ID_BITS | owner)


@kernel_function
def workingset_refault(kernel: Kernel, folio: Folio, shadow: int) -> None:
    """Take note that a folio with this shadow is back. The empty one comes as 1, value 0."""
    evicted = xa_to_value(shadow) >> _ID_BITS
    kernel.workingset.refaults += 1
    kernel.workingset.distance = kernel.workingset.age - evicted
