# SPDX-License-Identifier: MIT OR Apache-2.0
"""Holding a variant against vectors: what is compared, counted and kept."""

from __future__ import annotations

import attrs
import pytest

from swaptrio.conform import Report, Vector, conform
from swaptrio.conform.compare import KEPT, differences
from swaptrio.conform.vectors import FIELDS
from swaptrio.sched import open_scheduler
from swaptrio.variants import load

#: For each field something else than the vector `charge-fails` says.
WRONG: dict[str, object] = {
    "ret": {"order": 0, "start": 16},
    "win": ["-"] * 16,
    "rest": [[100, 1, "-"]],
    "table": False,
    "alloc": [[2, "vma", 1040, True], [0, "vma", 1040, True]],
    "charge": [[2, 16, True, False, 1], [0, 17, True, True, 2]],
    "fallback": {"2": 2},
    "fallback_charge": {},
    "refault": 103,
    "memcg1": [[17, 2]],
    "locks": 4,
    "folio": {"ref": 3, "locked": True, "swapbacked": True, "swapcache": True},
    "lru": 0,
    "freed": [2, 0],
    "slots_freed": [[17, 1]],
    "nr_file": 2,
    "nr_swapcache": 0,
    "warn": 1,
    "trace": "L U",
}


def _spoilt(vectors: dict[str, list[Vector]], **out: object) -> Vector:
    vector = next(vector for vector in vectors["merged"] if vector.id == "charge-fails")
    return attrs.evolve(vector, out={**vector.out, **out})


async def _fields(vector: Vector) -> list[str]:
    async with open_scheduler() as scheduler:
        return [found.field for found in await differences(scheduler, vector, load("v5"))]


@pytest.mark.parametrize("field", FIELDS)
async def test_wrong_value_is_found(vectors: dict[str, list[Vector]], field: str) -> None:
    """A wrong value is found in every field, and in that field only."""
    assert await _fields(_spoilt(vectors, **{field: WRONG[field]})) == [field]


async def test_order_of_fields(vectors: dict[str, list[Vector]]) -> None:
    """All fields that differ are told, in the order of the format."""
    shuffled = dict(reversed(WRONG.items()))

    assert await _fields(_spoilt(vectors, **shuffled)) == list(FIELDS)


@pytest.mark.parametrize(
    ("field", "value"),
    [("lru", True), ("table", 1), ("alloc", [[2, "vma", 1040, 1], [0, "vma", 1041, True]])],
)
async def test_true_is_not_one(
    vectors: dict[str, list[Vector]], field: str, value: object
) -> None:
    """A number in place of a truth value is a difference, and the other way round."""
    assert await _fields(_spoilt(vectors, **{field: value})) == [field]


@pytest.mark.parametrize(
    ("charge", "fields"),
    [
        ([[2, 16, True, False], [0, 17, True, True]], []),
        ([[2, 16, True, False], [0, 17, True, True, 1]], ["charge"]),
        ([[2], [0]], ["charge"]),
        ([[2, 16, True, False]], ["charge"]),
        ([[2, 16, True, False], [0, 17, True, True], [0, 17, True, True]], ["charge"]),
        ([], ["charge"]),
        (["m", "m"], ["charge"]),
    ],
)
async def test_owner_may_be_left_out(
    vectors: dict[str, list[Vector]], charge: object, fields: list[str]
) -> None:
    """Vectors of v3 do not say the owner that is charged; nothing else may be missing."""
    assert await _fields(_spoilt(vectors, charge=charge)) == fields


async def test_report(vectors: dict[str, list[Vector]]) -> None:
    """A report counts vectors, matches, mismatches, and those without a defined result."""
    seen: list[tuple[int, int]] = []

    def progress(report: Report) -> None:
        seen.append((report.vectors, report.matched))

    async with open_scheduler() as scheduler:
        report = await conform(scheduler, vectors["v3"], load("v3"), progress)

    assert (report.variant, report.mismatched, report.skipped) == ("v3", 0, 1)
    assert report.vectors == report.matched + 1 == len(vectors["v3"])
    assert seen[0] == (1, 1)
    assert len(seen) == report.vectors


async def test_undefined_result_is_skipped(vectors: dict[str, list[Vector]]) -> None:
    """A vector whose recorded code read past the table is not played at all."""
    undefined = [vector for vector in vectors["v3"] if vector.undefined]

    async with open_scheduler() as scheduler:
        report = await conform(scheduler, undefined, load("no-second-check"))

    assert (report.skipped, report.mismatched) == (1, 0)


async def test_first_mismatches_are_kept(vectors: dict[str, list[Vector]]) -> None:
    """All mismatches are counted, and the first ones are kept with their place and fields."""
    async with open_scheduler() as scheduler:
        report = await conform(scheduler, vectors["v3"], load("stats-before-charge"))

    assert report.mismatched > KEPT == len(report.first_mismatches)
    first = report.first_mismatches[0]
    assert (first.id, first.source) == ("order-0", "v3.jsonl:1")
    assert [difference.field for difference in first.differences] == ["trace"]
    assert first.differences[0].expected == "L U A0v+ L I0 U C0+ M R F N Q"
    assert first.differences[0].found == "L U A0v+ L I0 F N U C0+ M R Q"
