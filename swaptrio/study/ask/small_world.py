# SPDX-License-Identifier: MIT OR Apache-2.0
"""A kernel for studies that call functions of the model themselves, without any oracle.

What goes wrong in it goes on, and can be watched by the study.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.memcontrol import MemCgroup
from swaptrio.mm.mm_types import MmStruct, SwapPte, VmFault
from swaptrio.mm.page_alloc import folio_put_refs, folio_unlock, new_folio
from swaptrio.mm.setup import map_swapped, new_device, new_kernel, new_process, swap_out
from swaptrio.mm.swap_h import (
    SwapClusterInfo,
    SwapInfoStruct,
    SwpEntry,
    swap_cluster,
    swp_cluster_offset,
    swp_entry,
    swp_offset,
)
from swaptrio.mm.swap_state import (
    _swap_cache_do_add_folio,
    _swap_cache_do_del_folio,
    swap_cache_alloc_folio,
)
from swaptrio.mm.swap_table import swap_table_get, swp_tb_is_folio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.mm.injection import Injection
    from swaptrio.mm.mm_types import Folio
    from swaptrio.variants import Variant


@attrs.define(eq=False)
class SmallWorld:
    """A *kernel* with one device, *si*, and one process, *mm*, in one group."""

    kernel: Kernel
    si: SwapInfoStruct
    mm: MmStruct

    @property
    def counters(self) -> tuple[tuple[str, int], ...]:
        """Those of large orders, without any 0."""
        mthp = self.kernel.vmstat.mthp
        counted = {f"{item.lower()}.{order}": count for (item, order), count in mthp.items()}
        return tuple(sorted(counted.items()))

    @property
    def words(self) -> tuple[int, ...]:
        """All words of all tables."""
        return tuple(word for ci in self.si.clusters for word in ci.table or ())

    def cluster(self, entry: SwpEntry) -> SwapClusterInfo:
        """The cluster of an entry."""
        return swap_cluster(self.si, swp_offset(entry))

    def fault(self, page: int) -> VmFault:
        """A fault at a page that is swapped out."""
        pte = self.mm.ptes[page]
        assert isinstance(pte, SwapPte)
        return VmFault(self.mm, page, pte)

    async def cache(self, slot: int) -> Folio | None:
        """Put a folio in a slot that has none, where it stays until it is removed."""
        entry = swp_entry(0, slot)
        ci, folio = self.cluster(entry), None
        async with ci.lock.hold("study.cache"):
            if not swp_tb_is_folio(swap_table_get(ci, swp_cluster_offset(entry))):
                folio = new_folio(self.kernel, 0)
                folio.lock.take_free()
                folio.swapbacked = True
                _swap_cache_do_add_folio(self.kernel, ci, folio, entry)
        if folio is not None:
            await folio_unlock(self.kernel, folio, "study.cache_unlock")
        return folio

    async def remove(self, folio: Folio) -> None:
        """Take such a folio out again, and free it."""
        folio.lock.take_free()
        entry, ci = folio.swap, self.cluster(folio.swap)
        async with ci.lock.hold("study.remove"):
            _swap_cache_do_del_folio(self.kernel, ci, folio, entry, 0)
        await folio_unlock(self.kernel, folio, "study.remove_unlock")
        folio_put_refs(self.kernel, folio, folio.nr + 1)

    async def allocate(self, vmf: VmFault, orders: int) -> str:
        """Call ``swap_cache_alloc_folio`` for a fault; what came of it."""
        got = await swap_cache_alloc_folio(
            self.kernel, vmf.orig_pte.entry, "GFP", orders, vmf, None, 0
        )
        if isinstance(got, Errno):
            return str(got)
        await folio_unlock(self.kernel, got, "study.unlock")
        return folio_named(got)


def folio_named(folio: Folio) -> str:
    """A folio that somebody got, as text."""
    return f"folio of order {folio.order}"


def small_world(
    variant: Variant,
    slots: Iterable[int],
    *,
    clusters: int = 1,
    config: Config = Config(),  # noqa: B008  # frozen
    injection: Injection | None = None,
    limit: int = 1 << 20,
) -> SmallWorld:
    """A world in which *slots* are swapped out, each mapped by the page of its number."""
    memcg = MemCgroup("m1", 1, limit)
    kernel = new_kernel(config, variant.functions, injection or Drawn(), [memcg])
    si = new_device(kernel, "swap0", clusters=clusters)
    mm = new_process(kernel, "P", memcg)
    for slot in slots:
        token = swap_out(kernel, si, slot, memcg=memcg)
        map_swapped(mm, slot, si, slot, token)
    return SmallWorld(kernel, si, mm)
