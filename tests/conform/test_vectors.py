# SPDX-License-Identifier: MIT OR Apache-2.0
"""The versions against vectors; what each line says is explained in data/README.md."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from swaptrio.conform.compare import Difference
from swaptrio.variants.mutants.insertion import INSERTION

if TYPE_CHECKING:
    from pathlib import Path

    from swaptrio.conform import Vector

Differing = Callable[[str, str], Awaitable[dict[str, tuple[Difference, ...]]]]


@pytest.mark.parametrize(("name", "variant"), [("v3", "v3"), ("merged", "v5")])
async def test_version_matches(differing: Differing, name: str, variant: str) -> None:
    """A version does what its vectors say, in every field (spec 3)."""
    assert await differing(name, variant) == {}


#: A vector of v3 that shows each mutant, and the first field that does.
SHOWN_BY = {
    "no-second-check": ("target-cached-in-alloc", "ret"),
    "check-without-lock": ("neighbour-cached-in-alloc", "locks"),
    "chris-literal": ("order-0-comes-last", "ret"),
    "rollback-keeps-slot": ("one-count-drops", "win"),
    "free-all": ("one-count-drops", "ret"),
    "free-none": ("one-count-drops", "win"),
    "free-before-unlock": ("one-count-drops", "warn"),
    "no-range-check": ("neighbour-cached", "ret"),
    "stats-before-charge": ("order-0", "trace"),
}

#: Nothing shows these: what they break is done by the callers of the recorded function.
NOT_SHOWN = {"no-rematch"}


@pytest.mark.parametrize("mutant", SHOWN_BY)
async def test_mutant_differs(differing: Differing, mutant: str) -> None:
    """A mutant of v3 differs from a vector that is about its mistake."""
    found = await differing("v3", mutant)

    vector, field = SHOWN_BY[mutant]
    assert found[vector][0].field == field


@pytest.mark.parametrize(
    ("mutant", "shown"),
    [
        ("chris-literal", {"order-0-comes-last"}),
        ("free-all", {"one-count-drops", "two-counts-drop", "whole-cluster-rolled-back"}),
        ("no-rematch", set()),
    ],
)
async def test_mutant_differs_nowhere_else(
    differing: Differing, mutant: str, shown: set[str]
) -> None:
    """Where its mistake does not matter a mutant matches."""
    assert set(await differing("v3", mutant)) == shown


def test_every_mutant_is_placed() -> None:
    """Every mutant of the recorded function in v3 is shown by a vector, or known not to be."""
    mutants = {mutant.name for mutant in INSERTION if mutant.base == "v3"}

    assert set(SHOWN_BY) | NOT_SHOWN == mutants


@pytest.mark.parametrize(
    ("name", "variant", "shown"),
    [
        ("v3", "v5", {"order-0", "order-0-comes-last", "order-10", "bad-neighbour"}),
        ("v3", "v4", {"order-0", "order-0-comes-last", "order-10"}),
        ("merged", "v3", {"no-order", "no-order-0", "zero-flags-differ", "owners-differ"}),
        ("merged", "v4", {"order-10", "zero-flags-differ", "owners-differ", "deferred-fails"}),
    ],
)
async def test_other_version_differs(
    differing: Differing, name: str, variant: str, shown: set[str]
) -> None:
    """A version differs from the vectors of another where the patch has changed (spec 5.3)."""
    assert shown <= set(await differing(name, variant))


async def test_pre_differs(differing: Differing) -> None:
    """The code before the patch charges before it inserts, and matches no vector."""
    assert "order-0" in await differing("v3", "pre")


async def test_endless_loop_is_told(differing: Differing) -> None:
    """A variant that does not end is a difference, not a hang (catalogue A10)."""
    found = await differing("v3", "chris-literal")

    assert found["order-0-comes-last"][0].found.startswith("livelock")


async def test_crash_is_told(differing: Differing) -> None:
    """A variant that would crash the kernel is a difference."""
    found = await differing("v3", "no-second-check")

    assert found["table-dropped-in-alloc"][0].found == (
        "violation: BUG: NULL table dereferenced: cluster 0, slot 17"
    )


def test_every_vector_is_explained(vectors: dict[str, list[Vector]], data: Path) -> None:
    """The README has a reason for each vector, and no other."""
    parts = (data / "README.md").read_text().split("\n## ")[1:]
    both, v3, merged = (set(re.findall(r"^\| `([a-z0-9-]+)`", part, re.M)) for part in parts)

    assert {vector.id for vector in vectors["v3"]} == both | v3
    assert {vector.id for vector in vectors["merged"]} == both | merged
