# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether what may fail does fail: the model's only source of bad luck."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

import attrs

from swaptrio.sched import choose

#: What a scenario may let fail: the label at which it is drawn, by the word for it.
FAILURES: Final = {
    "alloc": "alloc_pages.grant",
    "charge": "charge_memcg.grant",
    "read": "submit_bio.status",
    "write": "submit_bio.write_status",
    "zswap": "zswap_store.grant",
    "decompress": "zswap_decompress.status",
    "deferred_split": "folio_memcg_alloc_deferred.grant",
    "table": "swap_cluster_alloc_table.grant",
    "signal": "try_to_unuse.signal",
    "extend": "swap_extend_table_alloc.grant",
}

#: The options of each of these draws.
OUTCOMES: Final = ("ok", "fail")


class Injection(Protocol):
    """Decides, each time something could fail, whether it does."""

    async def fails(self, what: str) -> bool:
        """Whether *what* (a key of `FAILURES`) fails this time."""


@attrs.frozen
class Drawn:
    """Everything in *may_fail* is a decision of the strategy; the rest never fails."""

    may_fail: Collection[str] = ()

    async def fails(self, what: str) -> bool:
        """Draw at the label of *what*, or say no."""
        return what in self.may_fail and choose(FAILURES[what], OUTCOMES) == "fail"
