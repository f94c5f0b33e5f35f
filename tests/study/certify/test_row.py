# SPDX-License-Identifier: MIT OR Apache-2.0
"""What may be said of a scenario follows from the evidence, and is never more."""

from __future__ import annotations

import pytest

from swaptrio.explore.matrix import WindowResult
from swaptrio.scenario.format import Expect
from swaptrio.sched import Ending, Schedule, Verdict
from swaptrio.study.certify import (
    Bounds,
    Evidence,
    Failing,
    Outcome,
    Row,
    Search,
    Standing,
    Walk,
)

BOUNDS = Bounds(2, (512,), (0,), ())
PASSES = Expect(verdict="passed")
NONE = Expect(verdict="n/a", reason="it has no second check")

OWNER = Failing(Ending.VIOLATION, "I-OWNER", "m1 pays", "-", window="main")
KIND = Failing(Ending.VIOLATION, "I-KIND", "bad slot", "1:1", strategy="random", seed=3)
STUCK = Failing(Ending.DEADLOCK, "", "a waits for b", "1:1")

WHOLE = Search(complete=True, classes=12)
CUT = Search(complete=False, classes=400, reason="its 400 executions are over")


def window(
    ending: Ending = Ending.PASSED, *missed: str, expect: Expect = PASSES
) -> WindowResult:
    """What came of a window."""
    return WindowResult("main", expect, Verdict(ending, 9, Schedule(), message="m"), missed)


def seen(search: Search, *failing: Failing, walks: tuple[Walk, ...] = ()) -> Evidence:
    """Evidence with a window that passed."""
    return Evidence(BOUNDS, (window(),), search, walks, failing)


ABSENT = Evidence(BOUNDS, (WindowResult("main", NONE), WindowResult("other", NONE)))
HELD = seen(CUT, walks=(Walk("auto", 250), Walk("random", 10**6)))


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (seen(WHOLE), Outcome.PROVED),
        (HELD, Outcome.INCONCLUSIVE),
        (seen(WHOLE, OWNER), Outcome.VIOLATED),
        (seen(CUT, KIND), Outcome.VIOLATED),
        (ABSENT, Outcome.ABSENT),
    ],
)
def test_outcome(evidence: Evidence, outcome: Outcome) -> None:
    """Proved takes a search to the end, and a million schedules do not replace it."""
    assert evidence.outcome is outcome


@pytest.mark.parametrize(
    ("failing", "where"),
    [(OWNER, "window main"), (KIND, "seed 3 of random"), (STUCK, "the exhaustive search")],
)
def test_where(failing: Failing, where: str) -> None:
    """A failure says how it was found."""
    assert failing.where == where


def test_why_it_means_nothing() -> None:
    """The reasons of all its windows, each once."""
    assert ABSENT.absent == "it has no second check"
    assert Evidence(BOUNDS, (WindowResult("main", NONE), window())).absent == ""


@pytest.mark.parametrize(
    ("here", "there", "standing"),
    [
        (seen(CUT, OWNER), seen(WHOLE), Standing.NEWLY_OPEN),
        (seen(CUT, OWNER), HELD, Standing.NEWLY_OPEN),
        (seen(CUT, OWNER), ABSENT, Standing.NEWLY_OPEN),
        (seen(CUT, OWNER, KIND), seen(CUT, OWNER), Standing.NEWLY_OPEN),
        (seen(CUT, STUCK), seen(CUT, OWNER), Standing.NEWLY_OPEN),
        (seen(CUT, OWNER), seen(CUT, KIND, OWNER), Standing.OPEN),
        (seen(WHOLE), seen(CUT, OWNER), Standing.NEWLY_CLOSED),
        (HELD, seen(CUT, OWNER), Standing.NOT_SEEN),
        (seen(WHOLE), HELD, Standing.CLOSED),
        (HELD, seen(WHOLE), Standing.INCONCLUSIVE),
        (HELD, ABSENT, Standing.INCONCLUSIVE),
        (ABSENT, seen(CUT, OWNER), Standing.ABSENT),
    ],
)
def test_standing(here: Evidence, there: Evidence, standing: Standing) -> None:
    """A failure is new if the other version has none of its ending and check."""
    assert Row("race", "race", "A00", "0" * 12, here, there).standing is standing


def test_only_what_is_new_is_new() -> None:
    """What both do is left out; texts and schedules may differ."""
    other = Failing(OWNER.ending, OWNER.check, "m2 pays", "3:1", strategy="auto")
    row = Row("race", "race", "A00", "0" * 12, seen(CUT, OWNER, STUCK), seen(CUT, other))
    assert row.new == (STUCK,)


@pytest.mark.parametrize(
    ("result", "amiss"),
    [
        (window(), ()),
        (window(Ending.UNREACHED, "verdict: ..."), ("window main was not entered: m",)),
        (window(Ending.PASSED, "counter m1.swap: ..."), ("window main: counter m1.swap: ...",)),
        (window(Ending.VIOLATION, "verdict: ..."), ()),
        (
            window(
                Ending.PASSED,
                "verdict: ...",
                expect=Expect(verdict="violation", check="I-KIND"),
            ),
            (),
        ),
        (WindowResult("main", NONE), ()),
    ],
)
def test_amiss(result: WindowResult, amiss: tuple[str, ...]) -> None:
    """A window that was not entered has shown nothing. A failure is told elsewhere, and one
    that was expected and did not come is good news.
    """
    assert Evidence(BOUNDS, (result,)).amiss == amiss
