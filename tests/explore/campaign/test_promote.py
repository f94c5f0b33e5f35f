# SPDX-License-Identifier: MIT OR Apache-2.0
"""A failure becomes a scenario whose window leads to it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from swaptrio.errors import ScenarioError, StoreError
from swaptrio.explore.campaign import Case, Failure, FailureKind, Plan, matter_of, run_item
from swaptrio.explore.campaign.leading import window_of
from swaptrio.explore.campaign.promote import minimised, promote
from swaptrio.explore.campaign.rewrite import headed, rewritten
from swaptrio.explore.campaign.work import setup_of
from swaptrio.scenario.play import load_checked, missed, play, script_of
from swaptrio.scenario.windows import Expect, Window, WindowStep
from swaptrio.scenario.world import Setup
from swaptrio.sched import Recorded, Schedule, Scheduler

if TYPE_CHECKING:
    from pathlib import Path

CaseOf = Callable[[str], Case]

#: Scenarios and variants that fail often, with and without choices.
FAILING = [
    ("large-vs-small-neighbour", "pre"),
    ("large-vs-small-neighbour", "no-second-check"),
    ("two-faults-one-slot", "no-second-check"),
    ("target-freed-during-alloc", "no-second-check"),
    ("slot-recycled-between-checks", "no-second-check"),
]


async def first_failure(case: Case, seeds: int = 300) -> Failure:
    """The first kind of failure that some seeds show."""
    [item] = Plan("random", 0, seeds, None, seeds).items_of(case)
    result = await trio.to_thread.run_sync(run_item, item, case.matter)
    return result.failures[0]


@pytest.mark.parametrize(("scenario", "variant"), FAILING)
async def test_the_scenario_ends_as_the_failure_did(
    scheduler: Scheduler, tmp_path: Path, scenario: str, variant: str
) -> None:
    """What is written is a scenario, and its one window is as expected."""
    case = Case(scenario, variant, matter_of(scenario, variant))
    failure = await first_failure(case)
    setup = setup_of(case.matter)

    promoted = await promote(scheduler, setup, case.matter, failure, "found-race")
    path = tmp_path / "found-race.toml"
    path.write_text(promoted.text, encoding="utf-8")
    found = load_checked(path, setup.variant)

    [window] = found.window
    script = script_of(window, setup.variant)
    played = await play(scheduler, Setup(found, setup.variant), script)
    assert script.reached or not played.verdict.passed
    assert list(missed(played, window.expect[variant])) == []
    assert played.verdict.check == failure.kind.rule
    assert len(promoted.verdict.schedule) <= failure.length


async def test_what_takes_no_part_is_not_promoted(scheduler: Scheduler) -> None:
    """A failure of two tasks of three becomes a scenario of two, with the pages they need."""
    names = ("slot-recycled-between-checks", "no-second-check")
    case = Case(*names, matter_of(*names))
    setup = setup_of(case.matter)
    failure = await first_failure(case)

    promoted = await promote(scheduler, setup, case.matter, failure, "found-race")

    tables = tomllib.loads(promoted.text)
    assert len(setup.scenario.task) == 3
    assert [task["name"] for task in tables["task"]] == ["readahead", "zap"]
    assert "page" not in tables  # what the third would have swapped out


async def test_nobody_else_is_needed(scheduler: Scheduler, case_of: CaseOf) -> None:
    """Each entry and each choice of the window matters: without it nothing fails so."""
    case = case_of("pre")
    setup = setup_of(case.matter)
    failure = await first_failure(case)
    verdict = (await minimised(scheduler, setup, failure)).verdict
    window = await window_of(scheduler, setup, verdict, "found")
    assert window is not None
    assert 0 < len(window.steps) <= 4

    for position in range(len(window.steps)):
        steps = window.steps[:position] + window.steps[position + 1 :]
        less = attrs.evolve(window, steps=steps)
        played = await play(scheduler, setup, script_of(less, setup.variant))
        assert played.verdict.check != failure.kind.rule


async def test_what_does_not_lead_there_has_no_window(
    scheduler: Scheduler, case_of: CaseOf
) -> None:
    """A window is played before it is believed."""
    case = case_of("pre")
    setup = setup_of(case.matter)
    failure = await first_failure(case)
    verdict = (await minimised(scheduler, setup, failure)).verdict
    other = attrs.evolve(verdict, check="I-ONE")

    assert await window_of(scheduler, setup, other, "found") is None


async def test_a_schedule_that_leads_elsewhere(scheduler: Scheduler, case_of: CaseOf) -> None:
    """Is refused: somebody has changed the store."""
    case = case_of("pre")
    failure = attrs.evolve(await first_failure(case), schedule="-")

    with pytest.raises(StoreError, match="leads to passed instead"):
        await minimised(scheduler, setup_of(case.matter), failure)


async def test_an_ending_that_no_scenario_expects(
    scheduler: Scheduler, case_of: CaseOf
) -> None:
    """Is refused before anything is run."""
    case = case_of("v3")
    failure = Failure(FailureKind("crashed", "SIGSEGV"), 1, 0, 0, 0, "-", "")

    with pytest.raises(StoreError, match="cannot expect an ending of crashed"):
        await promote(scheduler, setup_of(case.matter), case.matter, failure, "x")


async def test_it_replays_what_it_was_made_of(scheduler: Scheduler, case_of: CaseOf) -> None:
    """Making a failure short keeps its ending and rule."""
    case = case_of("no-second-check")
    setup = setup_of(case.matter)
    failure = await first_failure(case)
    verdict = (await minimised(scheduler, setup, failure)).verdict
    again = await play(scheduler, setup, Recorded(Schedule.parse(str(verdict.schedule))))

    assert again.verdict == verdict
    assert len(verdict.schedule) == 1


TEXT = """# A comment.
name = "old"   # its name
story = \"\"\"
Not a window.
\"\"\"

[[task]]
name = "a"  # stays

[[window]]
name = "w"

[window.expect.v3]
verdict = "passed"

[kernel]  # behind the windows
thp = true
"""

WINDOW = Window(
    name="found",
    story='It "fails".',
    steps=(WindowStep(run="a", until="f.x", times=2), WindowStep(run="b")),
    choices={"f.grant": ("ok", "fail")},
)


def test_only_name_and_windows_change() -> None:
    """All else stays, comments included; what is written says what was meant."""
    text = rewritten(TEXT, "new", WINDOW, "mine", Expect(verdict="violation", check="I-ONE"))
    tables = tomllib.loads(text)

    assert text.startswith('# A comment.\nname = "new"   # its name\n')
    assert "[kernel]  # behind the windows\nthp = true\n" in text
    assert tables["task"] == [{"name": "a"}]
    assert tables["window"] == [
        {
            "name": "found",
            "story": 'It "fails".',
            "steps": [{"run": "a", "until": "f.x", "times": 2}, {"run": "b"}],
            "choices": {"f.grant": ["ok", "fail"]},
            "expect": {"mine": {"verdict": "violation", "check": "I-ONE"}},
        }
    ]


MORE = """
[[page]]
page = 1

[[task]]
name = "b"

[[task.then]]
run = "zap"

[[page]] # goes
page = 2

[[task]]
name = "c"
"""


def test_rows_that_are_gone() -> None:
    """A row goes with the tables below it; others stay, and a table without rows is none."""
    gone = [("task", 1), ("page", 1)]
    text = rewritten(TEXT + MORE, "new", WINDOW, "mine", Expect(verdict="deadlock"), gone)
    assert tomllib.loads(text)["task"] == [{"name": "a"}, {"name": "c"}]
    assert tomllib.loads(text)["page"] == [{"page": 1}]

    gone.append(("page", 0))
    text = rewritten(TEXT + MORE, "new", WINDOW, "mine", Expect(verdict="deadlock"), gone)
    assert "page" not in tomllib.loads(text)


def test_rows_without_a_header_of_their_own() -> None:
    """Are not among those that can go, and are never left out by accident."""
    text = TEXT.replace('[[task]]\nname = "a"  # stays', 'task = [{ name = "a" }]')
    assert ("task", 0) in headed(TEXT)
    assert ("task", 0) not in headed(text)
    with pytest.raises(ScenarioError, match="as the file is laid out"):
        rewritten(text, "new", WINDOW, "mine", Expect(verdict="deadlock"), [("task", 0)])


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("Not a window.", "[[window]]\nNot one."),
        TEXT.replace('[[window]]\nname = "w"', '[["window"]]\nname = "w"'),
    ],
)
def test_a_text_that_is_laid_out_otherwise(text: str) -> None:
    """Is refused, and never changed by accident."""
    try:
        new = rewritten(text, "new", WINDOW, "mine", Expect(verdict="deadlock"))
    except (ScenarioError, tomllib.TOMLDecodeError):
        return
    assert tomllib.loads(new)["story"] == tomllib.loads(text)["story"]
