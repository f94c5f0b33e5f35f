# SPDX-License-Identifier: MIT OR Apache-2.0
"""Why it is that nobody notices, where nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How many parts of a version may go unnoticed, each with its reason.
MOST_UNNOTICED: Final = 3

#: Scenarios with a fault that maps its page, small enough to be gone through to the end.
_SMALL: Final = (
    "alloc-charge-swap-rollback",
    "chris-literal-order-minus-one",
    "count-continuation-race",
)


@attrs.frozen
class Reason:
    """Why nobody notices that a part has gone.

    A part is *redundant* where no execution shows a difference and the text says why there is
    none to be seen; it is a *hole* where it makes one that no check asks for. *explored* names
    the scenarios in which all interleavings are gone through without it.
    """

    kind: Literal["redundant", "hole"]
    text: str
    explored: tuple[str, ...] = ()


#: By the name of the part. They hold for each version that has it; one for a part that is
#: noticed is an error.
REASONS: Final[Mapping[str, Reason]] = {
    "_install.order2": Reason(
        "redundant",
        "The page-table lock and the folio's are held over both. Who looks at entries without "
        "a lock does not look at counts, and who looks at counts needs one of the locks before "
        "it acts on them.",
        _SMALL,
    ),
    "_install.order3": Reason(
        "redundant",
        "This is the order of 4b34f1d82c65 (catalogue B07). Without it another fault can find "
        "neither the entry nor the folio; it only does work for nothing, as the first check of "
        "the slots turns it back, and the entry has changed when it looks again.",
        _SMALL,
    ),
    "_folio_lock_or_retry.order1": Reason(
        "hole",
        "Whoever needs the mmap_lock to write waits for the folio's I/O too. That takes "
        "longer, and breaks nothing, since nobody who has a folio locked waits for an "
        "mmap_lock: how long somebody waits is asked by no check.",
    ),
}
