# SPDX-License-Identifier: MIT OR Apache-2.0
"""The study of a version: who notices what, and what is in order."""

from __future__ import annotations

import attrs
import pytest

from swaptrio.sched import Ending, Schedule, Verdict, open_scheduler
from swaptrio.study.necessity import Reason, Row, Studied, hunt, notice, reasons
from swaptrio.study.necessity import table as module
from swaptrio.study.necessity.table import study
from swaptrio.variants import load
from swaptrio.variants.parts import Part, parts_of

V3 = load("v3")
PARTS = {part.name: part for part in parts_of(V3)}
LOCK = PARTS["_recheck_and_insert.lock1"]
ORDER = PARTS["_install.order2"]


async def studied(*parts: Part) -> Studied:
    """What comes of taking parts out of v3."""
    async with open_scheduler("stepped") as scheduler:
        return await study(scheduler, V3, parts)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scenarios, and little chance."""
    monkeypatch.setattr(module, "names", lambda: ["two-faults-one-slot", SMALL])
    monkeypatch.setattr(hunt, "CHANCE", (("random", range(3)),))


SMALL = "alloc-charge-swap-rollback"


async def test_a_lock_that_is_missed() -> None:
    """The second check and the insertion are one section, or others come in between."""
    found = await studied(LOCK)

    [row] = found.noticed
    assert row.notice is not None
    assert row.notice.check == "I-INSERT-UNCHARGED"
    assert found.in_order


async def test_what_is_known_is_looked_at_first() -> None:
    """A notice that still holds stays; one that does not gives way to another."""
    [row] = (await studied(LOCK)).rows
    assert row.notice is not None
    other = attrs.evolve(row.notice, check="I-EXT", message="")

    async with open_scheduler("stepped") as scheduler:
        still = await study(scheduler, V3, (LOCK,), known={LOCK.name: row.notice})
        anew = await study(scheduler, V3, (LOCK,), known={LOCK.name: other})

    assert (still.rows[0].notice, still.rows[0].executions) == (row.notice, 0)
    assert (anew.rows[0].notice, anew.rows[0].executions) == (row.notice, row.executions)


async def test_a_reason_for_what_is_noticed(few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why nobody notices must not be said where somebody does."""
    monkeypatch.setattr(module, "REASONS", {LOCK.name: Reason("hole", "Nobody asks.")})

    found = await studied(LOCK)

    assert [row.wrong for row in found.wrong] == [
        "there is a reason why nobody notices, and it is noticed"
    ]
    assert not found.in_order


async def test_what_nobody_notices(few: None) -> None:
    """It is in order for a reason, and what that has explored is gone through to the end."""
    found = await studied(ORDER)

    [row] = found.unnoticed
    assert row.reason is reasons.REASONS[ORDER.name]
    assert [result.program for result in row.explored] == [SMALL]
    assert all(result.complete for result in row.explored)
    assert found.in_order


async def test_nobody_says_why(few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody notices, and nobody has a reason for, is not in order."""
    monkeypatch.setattr(module, "REASONS", {})

    found = await studied(ORDER)

    assert [row.wrong for row in found.wrong] == ["nobody notices, and nobody says why"]
    assert not found.in_order


async def test_more_than_may_be() -> None:
    """Not even for reasons do more than three go unnoticed."""
    rows = [Row(part, None, Reason("hole", "")) for part in [*PARTS.values()][:4]]

    assert Studied(V3, tuple(rows[:3])).in_order
    assert not Studied(V3, tuple(rows)).in_order


async def test_it_can_be_stopped() -> None:
    """What is known until then is the result, and that is not all."""
    async with open_scheduler("stepped") as scheduler:
        found = await study(scheduler, V3, (ORDER,), stop=lambda: True)

    assert (found.rows, found.interrupted, found.in_order) == ((), True, False)


def test_code_that_does_not_hang_together() -> None:
    """What ends in errors of the code only is neither noticed nor unnoticed."""
    row = Row(LOCK, None, None, executions=3, broken=2)
    found = Studied(V3, (row,))

    assert (found.noticed, found.unnoticed, found.malformed) == ((), (), (row,))


@pytest.mark.parametrize(
    ("ending", "check", "rule"),
    [
        (Ending.VIOLATION, "I-ONE", "I-ONE"),
        (Ending.VIOLATION, "assertion", ""),
        (Ending.DEADLOCK, "", "deadlock"),
        (Ending.LIVELOCK, "step-budget", "step-budget"),
        (Ending.ERROR, "", ""),
        (Ending.UNREACHED, "", ""),
        (Ending.DIVERGED, "", ""),
        (Ending.PASSED, "", ""),
    ],
)
def test_what_an_ending_says(ending: Ending, check: str, rule: str) -> None:
    """Broken rules, deadlocks and endless loops speak of the kernel; nothing else does."""
    assert notice.rule_of(Verdict(ending, 1, Schedule(), check)) == rule
