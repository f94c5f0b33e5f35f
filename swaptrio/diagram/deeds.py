# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a step of a trace did, in the few words that a drawing has room for."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from swaptrio.trace.words import Step, ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from swaptrio.trace.events import Change

#: Labels at which slots are checked: what follows says whether they were as wanted.
CHECKS: Final = ("swap_cache_alloc.check",)

#: Labels at which a folio is inserted, or not where a second check finds the slots changed.
INSERTS: Final = ("swap_cache_alloc.recheck", "swap_cache_add_folio.lock")

#: Functions that allocate, which is what follows a check that found nothing wrong.
_ALLOCATE: Final = ("vma_alloc_folio.alloc", "folio_alloc_mpol.alloc")

_PLACE: Final = re.compile(r"(?P<space>[^\s:]+):(?P<number>\d+)")
_NEW: Final = re.compile(r"new folio \S+")
_FREED: Final = re.compile(r"folio \S+ freed")


def matters(step: Step) -> bool:
    """Whether a step has to do with slots, page tables, or the life of a folio."""
    return step.event.label in (*CHECKS, *INSERTS) or bool(_effects(step))


def deed_words(step: Step, following: str) -> str:
    """What *step* did; *following* is the label of its task's next step, empty for none."""
    effects = _effects(step)
    label = step.event.label
    if label in CHECKS and following:
        effects = ["ok" if following in _ALLOCATE else "conflict"]
    elif label in INSERTS and following and not effects:
        effects = ["conflict"]
    return ascii_only(", ".join(effects))


def _effects(step: Step) -> list[str]:
    return [*_folios(step.effects), *_places(step.event.changes)]


def _folios(effects: Sequence[str]) -> Iterator[str]:
    for effect in effects:
        if found := _NEW.match(effect) or _FREED.fullmatch(effect):
            yield found[0]


def _places(changes: Mapping[str, Change]) -> Iterator[str]:
    """The changes of slots and pages; neighbours that changed alike are told together."""
    found = []
    for key, (old, new) in changes.items():
        if place := _PLACE.fullmatch(key):
            change = f"{_short(old)} -> {_short(new)}"
            found.append((place["space"], change, int(place["number"])))
    found.sort(key=lambda entry: (entry[0], entry[2]))
    for (space, change, _), run in groupby(
        enumerate(found), lambda entry: (*entry[1][:2], entry[1][2] - entry[0])
    ):
        numbers = [entry[2] for _, entry in run]
        span = f"..{numbers[-1]}" if len(numbers) > 1 else ""
        yield f"{space}:{numbers[0]}{span} {change}"


def _short(value: object) -> str:
    """A word without what stands behind its colon, and a page table's entry without details."""
    text = "-" if value in (None, "none") else str(value)
    if text.startswith("folio"):
        return "folio"
    return text.partition(":")[0] if re.match(r"[sfb]\d*z?(:|$)", text) else text
