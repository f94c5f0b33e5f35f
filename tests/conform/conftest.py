# SPDX-License-Identifier: MIT OR Apache-2.0
"""The vectors of our own making, and a variant held against them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.conform import Vector, read
from swaptrio.conform.compare import Difference, differences
from swaptrio.sched import open_scheduler
from swaptrio.variants import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DATA = Path(__file__).parent / "data"

Found = dict[str, tuple[Difference, ...]]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the files."""
    return DATA


@pytest.fixture(scope="session")
def vectors() -> dict[str, list[Vector]]:
    """The vectors of both files, by file."""
    return {name: list(read(DATA / f"{name}.jsonl")) for name in ("v3", "merged")}


@pytest.fixture
def differing(vectors: dict[str, list[Vector]]) -> Callable[[str, str], Awaitable[Found]]:
    """What differs for a variant from the vectors of a file, by the id of the vector."""

    async def found(name: str, variant: str) -> Found:
        async with open_scheduler() as scheduler:
            return {
                vector.id: different
                for vector in vectors[name]
                if not vector.undefined
                and (different := await differences(scheduler, vector, load(variant)))
            }

    return found


@pytest.fixture
def record() -> dict[str, Any]:
    """A line of a file that is a good vector, to be spoilt."""
    return {
        "id": "mine",
        "grp": "own",
        "in": {
            "base": 16,
            "target": 17,
            "orders": 1,
            "vmf": True,
            "mpol": False,
            "fault_page": 1041,
            "table": True,
            "win": ["-"] * 16,
            "rest": "-",
            "alloc": [[True, [["shadow", 17, 5]]]],
            "charge": [[False, [["cache", 18, 0, "T"]]]],
        },
        "out": {
            "ret": {"errno": "ENOENT"},
            "win": ["-"] * 16,
            "rest": [],
            "table": True,
            "alloc": [],
            "charge": [],
            "fallback": {},
            "fallback_charge": {},
            "refault": None,
            "memcg1": [],
            "locks": 1,
            "folio": None,
            "lru": 0,
            "freed": [],
            "slots_freed": [],
            "nr_file": 0,
            "nr_swapcache": 0,
            "warn": 0,
            "trace": "L U",
        },
    }
