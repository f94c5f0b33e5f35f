# SPDX-License-Identifier: MIT OR Apache-2.0
"""Entries of the race catalogue, drawn by hand: where each is possible, and what it breaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swaptrio.diagram import Replayed
from swaptrio.sched import Ending
from swaptrio.sched.testing import Transcript

Replay = Callable[..., Replayed]

DRAWINGS = Path(__file__).parent / "drawings"

#: Where each drawing belongs.
SCENARIOS = {
    "a01-two-faults-one-slot": "two-faults-one-slot",
    "a02-target-freed-during-alloc": "target-freed-during-alloc",
    "a03-slot-recycled-between-checks": "slot-recycled-between-checks",
    "a04a-neighbour-before-first-check": "large-vs-small-neighbour",
    "a04b-neighbour-between-checks": "large-vs-small-neighbour",
    "a04c-large-first": "large-vs-small-neighbour",
    "a05-prepatch-conflict-becomes-oom": "prepatch-conflict-becomes-oom",
    "a06-neighbour-freed-between-checks": "neighbour-freed-between-checks",
    "a07-count-drops-while-inserting": "count-drops-while-inserting",
    "a08-partial-count-drop-then-charge-fail": "partial-count-drop-then-charge-fail",
    "a09-charge-fail-clobbers-neighbour-shadows": "charge-fail-clobbers-neighbour-shadows",
    "a10-chris-literal-order-minus-one": "chris-literal-order-minus-one",
    "a11-v4-while-orders-without-thp": "v4-while-orders-without-thp",
    "a18-lookup-sees-uncharged-then-gone": "lookup-sees-uncharged-then-gone",
}

#: Drawing, variant, and what comes of it.
OUTCOMES = [
    ("a01", "v3", "possible: passed"),
    ("a01", "pre", "possible: passed"),
    (
        "a01",
        "no-second-check",
        "possible: violation of I-ONE, which came at line 12 already; the drawing says passed",
    ),
    ("a02", "v3", "possible: passed"),
    ("a02", "pre", "possible: passed"),
    ("a02", "no-second-check", "possible: violation of BUG"),
    ("a02", "check-without-lock", "possible: violation of BUG"),
    ("a03", "v3", "possible: passed"),
    ("a03", "pre", "possible: violation of I-OWNER"),
    ("a04a", "v3", "possible: passed"),
    (
        "a04a",
        "pre",
        "not possible at line 8: large ended and never came to swap_entry_swapped.read or "
        "non_swapcache_batch.read; it went by folio_maybe_swapped.read, "
        "swap_cache_del_folio.lock, do_swap_page.unlock, put_swap_device.put, "
        "mmap_read_unlock.release, handle_mm_fault.access",
    ),
    (
        "a04a",
        "chris-literal",
        "possible: livelock (I-PROGRESS), which came at line 9 already",
    ),
    ("a04b", "v3", "possible: passed"),
    ("a04b", "pre", "possible: violation of I-ERRNO"),
    ("a04b", "no-second-check", "possible: violation of I-ONE"),
    ("a04c", "v3", "possible: passed"),
    ("a04c", "pre", "possible: passed"),
    (
        "a05",
        "v3",
        "not possible at line 7: v3 has no such step as 'non_swapcache_batch()'",
    ),
    ("a05", "pre", "possible: violation of I-ERRNO, which came at line 15 already"),
    ("a06", "v3", "possible: passed"),
    ("a06", "pre", "possible: violation of I-ERRNO"),
    ("a06", "no-second-check", "possible: violation of I-CLCOUNT"),
    ("a06", "check-without-lock", "possible: violation of I-CLCOUNT"),
    ("a07", "v3", "possible: passed"),
    (
        "a07",
        "pre",
        "not possible at line 5: pre has no such step as '_swap_cache_alloc()'",
    ),
    ("a07", "rollback-keeps-slot", "possible: violation of I-KIND"),
    ("a08", "v3", "possible: passed"),
    ("a08", "rollback-keeps-slot", "possible: violation of I-KIND"),
    ("a08", "free-all", "possible: violation of I-COUNT"),
    ("a09", "v3", "possible: passed"),
    ("a09", "v5", "possible: passed"),
    ("a10", "v3", "possible: passed"),
    ("a10", "chris-literal", "possible: livelock (I-PROGRESS)"),
    (
        "a11",
        "v3",
        "not possible at line 7: fault ended and never came to vma_alloc_folio.alloc or "
        "folio_alloc_mpol.alloc; it went by do_swap_page.oom_check, put_swap_device.put, "
        "mmap_read_unlock.release",
    ),
    ("a11", "v4", "possible: livelock (I-PROGRESS)"),
    (
        "a11",
        "v5",
        "not possible at line 7: fault ended and never came to vma_alloc_folio.alloc or "
        "folio_alloc_mpol.alloc; it went by do_swap_page.oom_check, put_swap_device.put, "
        "mmap_read_unlock.release",
    ),
    ("a18", "v3", "possible: passed"),
    ("a18", "no-rematch", "possible: violation of I-ERRNO, which came at line 15 already"),
]


def drawing(entry: str) -> tuple[str, str]:
    """The text of a drawing, and its scenario."""
    (path,) = DRAWINGS.glob(f"{entry}-*.txt")
    return path.read_text(encoding="utf-8"), SCENARIOS[path.stem]


@pytest.mark.parametrize(
    ("entry", "variant", "outcome"), OUTCOMES, ids=[f"{one[0]}-{one[1]}" for one in OUTCOMES]
)
def test_what_comes_of_a_drawing(
    replay: Replay, entry: str, variant: str, outcome: str
) -> None:
    """A drawn race is possible in a variant, with its result, or not, and a line says why."""
    text, scenario = drawing(entry)
    replayed = replay(text, scenario, variant)
    assert str(replayed) == outcome
    assert replayed.possible is (replayed.verdict.ending is not Ending.UNREACHED)


def test_every_drawing_is_tested() -> None:
    """No drawing lies about that nothing replays."""
    assert sorted(path.stem for path in DRAWINGS.glob("*.txt")) == sorted(SCENARIOS)
    tested = {entry for entry, _, _ in OUTCOMES}
    assert {name.partition("-")[0] for name in SCENARIOS} == tested


def test_a_soft_finding_of_a_drawing_is_there_to_read(replay: Replay) -> None:
    """What was played is there whole: A09 reports the shadows that it clobbers."""
    replayed = replay(*drawing("a09"), "v3")
    found = [finding.check for finding in replayed.played.world.oracles.findings]
    assert "I-SHADOW" in found


def test_an_observer_sees_the_replay(replay: Replay) -> None:
    """The steps of a replay go to the observer, as those of any execution."""
    transcript = Transcript()
    replayed = replay(*drawing("a02"), "v3", transcript)
    assert transcript.lines[-1] == f"= {replayed.verdict}"


def test_a_step_that_is_blocked_tells_by_whom(replay: Replay) -> None:
    """Nobody takes a lock that another task holds; the message names the holder."""
    text = """
        CPU0                        CPU1
        (first)                     (second)
        insert
        charge waits
                                    folio_lock_or_retry.wait
    """
    assert str(replay(text, "two-faults-one-slot", "v3")) == (
        "not possible at line 6: second is blocked at folio_lock_or_retry.wait (wait "
        "folio 0x1000), which first holds, on the way to folio_lock_or_retry.wait"
    )


def test_a_draw_that_never_came_is_told(replay: Replay) -> None:
    """A failure that is drawn and not met makes the drawing impossible, at no line."""
    text = "CPU0\n(fault)\ninsert\ncharge_memcg.grant fails\ncharge_memcg.grant fails\n"
    replayed = replay(text, "count-drops-while-inserting", "v3")
    assert str(replayed) == (
        "not possible: charge_memcg.grant was drawn 1 times; wanted: fail, fail"
    )


def test_the_claim_is_held_against_the_result(replay: Replay) -> None:
    """What stands between the stars is compared, in any case of letters, and only if there."""
    text = "CPU0\n(first)\ninsert\n"
    assert replay(text, "two-faults-one-slot", "v3").as_claimed
    assert replay(text + "*** PASSED ***", "two-faults-one-slot", "v3").as_claimed
    assert not replay(text + "*** BUG ***", "two-faults-one-slot", "v3").as_claimed
