# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shadows: when a folio was evicted, and what that says when it comes back (mm/workingset.c).

Each group has an age, which goes up by the pages that leave it and by those that are activated,
and so has the whole. A shadow packs the age at the eviction, the private id of the group that
was reclaimed for, and whether the folio was in the working set then. A folio that comes back
before more was evicted than there is active would still be here if the active ones had left
instead: it is active at once.

The kernel's bit layout is not verified; the simplest legal one is modelled, and nothing but
this file looks inside. All pages of the model count as anonymous, and there are no buckets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.kernel import Kernel, kernel_function
from swaptrio.mm.memcontrol import (
    MemCgroup,
    mem_cgroup_get_nr_swap_pages,
    mem_cgroup_is_descendant,
    self_and_above,
)
from swaptrio.mm.swap_table import xa_mk_value, xa_to_value

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio

_ID_BITS: Final = 16

#: Stands for the whole, where a group's private id would. 0, as in the empty shadow, is nobody.
_ROOT: Final = (1 << _ID_BITS) - 1


@attrs.define(eq=False)
class Workingset:
    """*age* is that of the whole. *refaults* counts the folios that came back with a shadow.

    Of these, *activations* those that came back in time, and *restores* those that had been in
    the working set before. *distance* is that of the last one whose group was still there.
    """

    age: int = 0
    refaults: int = 0
    activations: int = 0
    restores: int = 0
    distance: int = 0


@kernel_function
def workingset_age_nonresident(kernel: Kernel, memcg: MemCgroup | None, nr: int) -> None:
    """Let a group age by *nr* pages, with all above it."""
    kernel.workingset.age += nr
    if memcg is not None:
        for each in self_and_above(memcg):
            each.nonresident_age += nr


@kernel_function
def workingset_eviction(
    kernel: Kernel, folio: Folio, target_memcg: MemCgroup | None = None
) -> int:
    """The shadow of a folio that is evicted as *target_memcg* is reclaimed for; none is all.

    The cluster lock is held.
    """
    age, owner = kernel.workingset.age, _ROOT
    if target_memcg is not None:
        age, owner = target_memcg.nonresident_age, target_memcg.id
    workingset_age_nonresident(kernel, target_memcg, folio.nr)
    return xa_mk_value((age << _ID_BITS | owner) << 1 | folio.workingset)


@kernel_function
def workingset_test_recent(kernel: Kernel, shadow: int) -> bool:
    """Whether no more was evicted since than what is active now, in the shadow's group.

    False where the group's id is gone. Where it has become another's, that one is asked.
    """
    packed = xa_to_value(shadow) >> 1
    owner, evicted = packed & _ROOT, packed >> _ID_BITS
    memcg = kernel.memcgs.by_id.get(owner)
    if memcg is None and owner != _ROOT:
        return False
    age = kernel.workingset.age if memcg is None else memcg.nonresident_age
    kernel.workingset.distance = age - evicted
    if not mem_cgroup_get_nr_swap_pages(kernel, memcg):
        return age <= evicted
    return _has_active(kernel, memcg, age - evicted)


def _has_active(kernel: Kernel, memcg: MemCgroup | None, enough: int) -> bool:
    """Whether a group has *enough* active pages; only as many are counted."""
    for folio in kernel.lru.values():
        if enough <= 0:
            break
        if folio.active and (memcg is None or mem_cgroup_is_descendant(folio.memcg, memcg)):
            enough -= folio.nr
    return enough <= 0


@kernel_function
def workingset_refault(kernel: Kernel, folio: Folio, shadow: int) -> None:
    """Take note that a folio with this shadow is back. The empty one comes as 1, value 0.

    The folio is locked and charged, and not on the LRU yet. One that came back in time is
    active from the start, and what is older ages by that.
    """
    kernel.workingset.refaults += 1
    if not workingset_test_recent(kernel, shadow):
        return
    folio.active = True
    workingset_age_nonresident(kernel, folio.memcg, folio.nr)
    kernel.workingset.activations += 1
    if xa_to_value(shadow) & 1:
        folio.workingset = True
        kernel.workingset.restores += 1
