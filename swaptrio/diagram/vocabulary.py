# SPDX-License-Identifier: MIT OR Apache-2.0
"""The words that a drawing may use: functions, labels, steps of functions, and deeds.

A deed is a word for what several versions do in different places, so that one drawing can be
held against all of them: ``insert`` is the second check of v3 and ``swap_cache_add_folio`` of
what came before. It stands for all its labels that a version has, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.mm.injection import FAILURES
from swaptrio.mm.kernel import FUNCTIONS
from swaptrio.variants import load, names
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from swaptrio.scenario.format import Scenario
    from swaptrio.variants import Variant

_ALLOC: Final = ("vma_alloc_folio.alloc", "folio_alloc_mpol.alloc")
_CHARGE: Final = ("charge_memcg.wait",)
_CHECK: Final = (
    "swap_cache_alloc.check",
    "swap_entry_swapped.read",
    "non_swapcache_batch.read",
)
_DISCARD: Final = (
    "swap_cache_alloc.discard",
    "swap_cache_alloc_folio.discard",
    "swapin_sync.discard",
    "swap_cache_prepare_and_add.failed",
)
_INSERT: Final = ("swap_cache_alloc.recheck", "swap_cache_add_folio.lock")
_READ: Final = (
    "swap_read_folio_bdev.wait",
    "swap_read_folio.zero",
    "swap_read_folio.zswap",
)

_TRYLOCK: Final = (
    "free_swap_cache.trylock",
    "shrink_folio_list.trylock",
    "try_to_reclaim_swap.trylock",
)

#: Deeds, and functions of the kernel in which the model stops nowhere, by name.
DEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "alloc": _ALLOC,
    "allocate": _ALLOC,
    "alloc_pages": _ALLOC,
    "charge": _CHARGE,
    "mem_cgroup_charge": _CHARGE,
    "mem_cgroup_swapin_charge_folio": _CHARGE,
    "check": _CHECK,
    "discard": _DISCARD,
    "folio_trylock": _TRYLOCK,
    "free": ("swap_put_entries_direct.lock",),
    "insert": _INSERT,
    "lookup": ("swap_cache_get_folio.lookup",),
    "map": ("do_swap_page.ptl",),
    "read": _READ,
    "recheck": _INSERT,
    "rollback": ("swap_cache_alloc.rollback",),
    "start": ("start",),
    "swap_cache_add_folio": _INSERT,
    "swap_cache_do_add_folio": _INSERT,
    "swap_cache_do_del_folio": ("swap_cache_alloc.rollback", "swap_cache_del_folio.lock"),
    "swap_cache_get_folio": ("swap_cache_get_folio.lookup",),
    "swap_put_entries_cluster": ("swap_put_entries_direct.lock",),
    "swap_read_folio": _READ,
    "zap": ("zap_pte_range.ptl",),
}

#: Steps that do what a function of the kernel does which every caller names in its own way.
STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "folio_lock": ("folio_lock",),
    "folio_unlock": ("unlock", "rollback_unlock", "mismatch", "nomap", "failed", "again"),
    "lock": ("lock", "ptl", "folio_lock"),
    "spin_lock": ("lock", "ptl"),
}

#: The label at which the block device draws which of its requests it completes.
COMPLETE: Final = "block_device.complete"

#: The labels at which something is drawn.
DRAWS: Final = (*FAILURES.values(), COMPLETE)


@attrs.frozen
class Vocabulary:
    """What can be named in one variant.

    *steps* maps each function, without leading underscores, to the labels in it. *draws* are
    the labels at which something is drawn, *elsewhere* those that only other variants have.
    """

    variant: str
    labels: frozenset[str]
    steps: Mapping[str, tuple[str, ...]]
    functions: frozenset[str]
    draws: frozenset[str]
    elsewhere: frozenset[str]

    def stands_for(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Those of *labels* that this variant has."""
        return tuple(label for label in labels if label in self.labels)

    def of_step(self, steps: Iterable[str], functions: Iterable[str]) -> tuple[str, ...]:
        """The labels of these *steps* in these *functions*."""
        wanted = tuple(steps)
        return tuple(
            label
            for function in functions
            for label in self.steps.get(function, ())
            if label.partition(".")[2] in wanted
        )

    def near(self, word: str) -> str:
        """The nearest label to *word*, or the nearest function; empty if none is like it."""
        functions = [name for name in self.functions if name not in self.steps]
        found = nearest(word, [*self.steps, *DEEDS, *STEPS, *functions])
        if "." in word or found is None:
            return nearest(word, sorted(self.labels)) or found or ""
        labels = self.steps.get(found, ())
        return labels[0] if len(labels) == 1 else found


def vocabulary(scenario: Scenario, variant: Variant) -> Vocabulary:
    """The words for *variant* in the world of *scenario*."""
    channels = ("charger.send", *(f"{device.name}.bios.send" for device in scenario.device))
    labels = variant.labels | {"start", *channels}
    steps: dict[str, tuple[str, ...]] = {}
    for label in sorted(labels):
        function = label.rpartition(".")[0] or label
        steps[function] = (*steps.get(function, ()), label)
    return Vocabulary(
        variant=variant.name,
        labels=frozenset(labels),
        steps=steps,
        functions=frozenset((*_functions(variant), *steps)),
        draws=frozenset(DRAWS),
        elsewhere=all_labels() - labels,
    )


def _functions(variant: Variant) -> Iterator[str]:
    """The functions of the model and of *variant*, whatever other versions have brought."""
    for name, function in FUNCTIONS.items():
        if not function.__module__.startswith("swaptrio.variants."):
            yield name.lstrip("_")
    for name in variant.functions:
        yield name.lstrip("_")


@cache
def all_labels() -> frozenset[str]:
    """The labels of all versions and mutants that swaptrio knows."""
    return frozenset().union(*(load(name).labels for name in names()))
