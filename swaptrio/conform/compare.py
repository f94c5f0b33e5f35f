# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hold a variant against vectors, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.conform.play import Player, program
from swaptrio.conform.vectors import FIELDS, Vector
from swaptrio.sched import Ending, Execution, FirstChoice, Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swaptrio.variants import Variant

#: Mismatches that a report keeps in full.
KEPT: Final = 10


@attrs.frozen
class Difference:
    """One field in which a variant and a vector differ."""

    field: str
    expected: Any
    found: Any


@attrs.frozen
class Mismatch:
    """One vector that a variant does not match."""

    id: str
    source: str
    differences: tuple[Difference, ...]


@attrs.define(eq=False)
class Report:
    """The result of a run over vectors. *skipped* are those without a defined result."""

    variant: str
    vectors: int = 0
    matched: int = 0
    mismatched: int = 0
    skipped: int = 0
    first_mismatches: list[Mismatch] = attrs.Factory(list)


async def conform(
    scheduler: Scheduler,
    vectors: Iterable[Vector],
    variant: Variant,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Play each of *vectors* with *variant*; *progress* is told after each."""
    report = Report(variant.name)
    for vector in vectors:
        report.vectors += 1
        if vector.undefined:
            report.skipped += 1
        else:
            _count(report, vector, await differences(scheduler, vector, variant))
        progress(report)
    return report


def _count(report: Report, vector: Vector, found: tuple[Difference, ...]) -> None:
    if not found:
        report.matched += 1
        return
    report.mismatched += 1
    if len(report.first_mismatches) < KEPT:
        report.first_mismatches.append(Mismatch(vector.id, vector.source, found))


async def differences(
    scheduler: Scheduler, vector: Vector, variant: Variant
) -> tuple[Difference, ...]:
    """The fields in which *variant* differs from one vector, in the order of the format."""
    players: list[Player] = []
    prepare = program(vector, variant)

    def fill(execution: Execution) -> None:
        players.append(prepare(execution))

    execution = await scheduler.run(fill, FirstChoice())
    verdict = execution.verdict
    assert verdict is not None
    if verdict.ending is not Ending.PASSED:
        return (Difference("ret", vector.out["ret"], str(verdict)),)
    found = players[0].out()
    pairs = ((field, vector.out[field], found[field]) for field in FIELDS)
    return tuple(
        Difference(field, expected, value)
        for field, expected, value in pairs
        if not _same(field, expected, value)
    )


def _same(field: str, expected: Any, found: Any) -> bool:
    if field == "charge" and all(
        isinstance(item, list) and len(item) == 4 for item in expected
    ):
        found = [item[:4] for item in found]  # vectors of v3 do not have the owner's id
    return bool(expected == found) and _types(expected) == _types(found)


def _types(value: Any) -> Any:
    """The shape of a value, in which true is not 1."""
    if isinstance(value, list):
        return [_types(part) for part in value]
    if isinstance(value, dict):
        return {key: _types(part) for key, part in value.items()}
    return type(value).__name__
