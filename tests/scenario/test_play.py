# SPDX-License-Identifier: MIT OR Apache-2.0
"""Playing a scenario, and holding its end against what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.errors import ScenarioError
from swaptrio.mm.vmstat import count_vm_event
from swaptrio.scenario.files import find
from swaptrio.scenario.format import Expect, Instead, Scenario, Window, WindowStep
from swaptrio.scenario.play import (
    PASSES,
    Played,
    Watched,
    expected_of,
    failed,
    load_checked,
    missed,
    play,
    script_of,
)
from swaptrio.scenario.world import Setup
from swaptrio.sched import Ending, FirstChoice, RandomWalk, Recorded, Run, open_scheduler
from swaptrio.sched.testing import Transcript
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
name = "mine"
title = "Mine"
catalogue = "A00"
references = []
status = "inference"
story = "One fault."

[kernel]
failures = ["charge"]

[[process]]
name = "P"
orders = [2]

[[slots]]
process = "P"
page = 16
first = 16
nr = 4
shadows = [1, 2, 3, 4]

[[task]]
name = "fault"
run = "fault"
process = "P"
page = 17

[[window]]
steps = [{ run = "fault", until = "charge_memcg.wait" }]
"""


def written(folder: Path, more: str = "") -> Path:
    """The scenario above, with *more* at its end, as a file."""
    path = folder / "mine.toml"
    path.write_text(FILE + more, encoding="utf-8")
    return path


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """The scenario above."""
    return load_checked(written(tmp_path))


async def outcome(scenario: Scenario, variant: str = "v3", **parts: Any) -> Played:
    """The execution that the first window leads to, with *parts* of it changed."""
    version = load(variant)
    window = attrs.evolve(scenario.window[0], **parts)
    async with open_scheduler() as scheduler:
        return await play(scheduler, Setup(scenario, version), script_of(window, version))


async def test_what_holds_is_not_missed(scenario: Scenario) -> None:
    """Everything that an entry can say, where all of it is so."""
    played = await outcome(scenario)
    expect = Expect(
        verdict="passed",
        results={"fault": "mapped"},
        slots={"swap0:17": "-", "swap0:20": "-"},
        counters={"swpin.2": 1, "m1.memory": 4, "m1.swap": 0},
    )
    assert list(missed(played, expect)) == []


@pytest.mark.parametrize(
    ("expect", "line"),
    [
        (
            Expect(verdict="violation", check="I-ONE"),
            "verdict: expected violation, got passed",
        ),
        (Expect(verdict="livelock"), "verdict: expected livelock, got passed"),
        (
            Expect(verdict="passed", results={"fault": "VM_FAULT_OOM"}),
            "result of fault: expected VM_FAULT_OOM, got mapped",
        ),
        (
            Expect(verdict="passed", results={"other": "mapped"}),
            "result of other: expected mapped, got none",
        ),
        (
            Expect(verdict="passed", slots={"swap0:17": "s1"}),
            "slot swap0:17: expected s1, got -",
        ),
        (
            Expect(verdict="passed", counters={"m1.memory": 3}),
            "counter m1.memory: expected 3, got 4",
        ),
        (
            Expect(verdict="passed", counters={"m1.swap": 1}),
            "counter m1.swap: expected 1, got 0",
        ),
        (
            Expect(verdict="passed", counters={"swpin_falback.2": 0}),
            "counter swpin_falback.2: nothing counts this; did you mean 'swpin_fallback.2'?",
        ),
        (
            Expect(verdict="passed", reports=("I-SHADOW",)),
            "reports: I-SHADOW was not reported",
        ),
    ],
)
async def test_what_does_not_hold_is_missed_in_words(
    scenario: Scenario, expect: Expect, line: str
) -> None:
    """Each kind of expectation has its line, with what was found instead."""
    assert list(missed(await outcome(scenario), expect)) == [line]


async def test_another_violation_is_not_the_one(scenario: Scenario) -> None:
    """A violation of another check is missed, and its message is told."""
    played = await outcome(scenario, "stats-before-charge")
    lines = list(missed(played, Expect(verdict="violation", check="I-ONE")))
    assert len(lines) == 1
    assert lines[0].startswith("check: expected I-ONE, got Q-STATS: NR_SWAPCACHE of m1 is -4")


async def test_everything_that_is_missed_is_told(scenario: Scenario) -> None:
    """One line each, in the order of the file's keys."""
    expect = Expect(
        verdict="deadlock",
        results={"fault": "0"},
        slots={"swap0:16": "b"},
        counters={"pswpin": 5},
        reports=("I-SHADOW",),
    )
    lines = list(missed(await outcome(scenario), expect))
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "verdict",
        "reports",
        "result",
        "slot",
        "counter",
    ]


async def test_a_task_that_has_not_ended_has_no_result(scenario: Scenario) -> None:
    """What a task would have returned is missed where the execution ends before."""
    fails = {"charge_memcg.grant": ("fail",)}
    played = await outcome(scenario, "chris-literal", choices=fails)
    expect = Expect(verdict="livelock", check="I-PROGRESS", results={"fault": "mapped"})
    assert list(missed(played, expect)) == ["result of fault: expected mapped, got none"]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (
            {"steps": (WindowStep(run="fault", until="no.such"),)},
            "window entry 1: fault ended and never came to no.such",
        ),
        (
            {"steps": (WindowStep(run="fault", until="charge_memcg.wait", times=9),)},
            "window entry 1: fault ended and never came to charge_memcg.wait",
        ),
        (
            {"choices": {"alloc_pages.grant": ("fail",)}},
            "choice: alloc_pages.grant was drawn 0 times; wanted: fail",
        ),
    ],
)
async def test_a_window_that_is_not_reached_is_no_pass(
    scenario: Scenario, parts: dict[str, Any], reason: str
) -> None:
    """Steps and choices that did not come up end the execution, and no entry expects that."""
    played = await outcome(scenario, **parts)
    assert played.verdict.ending is Ending.UNREACHED
    assert played.verdict.message == reason
    assert list(missed(played, PASSES)) == [
        f"verdict: expected passed, got window-not-reached: {reason}"
    ]
    assert failed(played.verdict)


STEPS = (WindowStep(run="fault", until="charge_memcg.wait"),)
OTHERS = (WindowStep(run="fault", until="do_swap_page.ptl", times=2),)


def test_a_script_has_the_steps_and_choices_of_a_window() -> None:
    """Labels, times and options, as they stand."""
    window = Window(steps=OTHERS, choices={"charge_memcg.grant": ("fail", "ok")})
    script = script_of(window, load("v3"))
    assert script.window == (Run("fault", "do_swap_page.ptl", 2),)
    assert script.choices == {"charge_memcg.grant": ("fail", "ok")}


def test_a_variant_with_steps_of_its_own_is_led_by_them() -> None:
    """instead stands for the variant that it names, and for those that build on it."""
    window = Window(steps=STEPS, choices={"a.b": ("x",)}, instead={"v3": Instead(steps=OTHERS)})
    for variant in ("v3", "v4", "no-rematch"):
        assert script_of(window, load(variant)).window[0].until == "do_swap_page.ptl", variant
        assert script_of(window, load(variant)).choices == {"a.b": ("x",)}
    for variant in ("pre", "v5"):
        assert script_of(window, load(variant)).window[0].until == "charge_memcg.wait", variant


def test_a_variant_may_have_choices_of_its_own_only() -> None:
    """What instead leaves out is the window's."""
    window = Window(steps=STEPS, instead={"v4": Instead(choices={"a.b": ("x",)})})
    assert script_of(window, load("v4")).choices == {"a.b": ("x",)}
    assert script_of(window, load("v4")).window[0].until == "charge_memcg.wait"
    assert script_of(window, load("v3")).choices == {}


def own(tmp_path: Path, base: str) -> Variant:
    """A user's variant, which builds on *base*."""
    path = tmp_path / "mine.py"
    path.write_text(f'"""Mine."""\nBASE = "{base}"\n', encoding="utf-8")
    return load(str(path))


def test_an_expectation_is_that_of_the_nearest_base(tmp_path: Path) -> None:
    """A variant's own entry, or its base's, or that of the base of its base; or to pass."""
    v3 = Expect(verdict="passed", results={"fault": "mapped"})
    v4 = Expect(verdict="livelock")
    window = Window(expect={"v3": v3})
    assert expected_of(window, load("v3")) == v3
    assert expected_of(window, load("v4")) == v3
    assert expected_of(window, load("free-all")) == v3
    assert expected_of(window, own(tmp_path, "v4")) == v3
    assert expected_of(window, load("v5")) == PASSES
    window = Window(expect={"v3": v3, "v4": v4})
    assert expected_of(window, load("v4")) == v4
    assert expected_of(window, own(tmp_path, "v4")) == v4
    window = Window(expect={"v3": v3, "mine": v4})
    assert expected_of(window, own(tmp_path, "v3")) == v4


def test_where_nothing_is_expected_an_execution_must_pass() -> None:
    """Silence in a file is no licence to fail."""
    assert expected_of(Window(), load("v3")).verdict == "passed"


def entry(variant: str, *lines: str) -> str:
    """The table of what a variant must end with."""
    return "\n".join((f"[window.expect.{variant}]", *lines, ""))


PASSED = 'verdict = "passed"'


@pytest.mark.parametrize(
    ("more", "where", "message", "hint"),
    [
        (entry("v6", PASSED), "expect.v6", "there is no such variant", ""),
        (
            entry("v3", 'verdict = "violation"', 'check = "I-OMNE"'),
            "expect.v3.check",
            "there is no such check",
            "I-ONE",
        ),
        (
            entry("v3", 'verdict = "violation"', 'check = "I-SHADOW"'),
            "expect.v3.check",
            "this check reports and ends no execution; it goes under reports",
            "",
        ),
        (
            entry("v3", PASSED, 'reports = ["I-ONE"]'),
            "expect.v3.reports[0]",
            "this check ends the execution; only I-SHADOW, I-ZSW report",
            "",
        ),
        (
            entry("v3", PASSED, 'counters = { "swpin_falback.2" = 0 }'),
            'expect.v3.counters."swpin_falback.2"',
            "there is no such counter",
            "swpin_fallback.2",
        ),
        (
            entry("v3", PASSED, 'counters = { "m2.memory" = 0 }'),
            'expect.v3.counters."m2.memory"',
            "there is no such counter",
            "m1.memory",
        ),
        (
            "[window.instead.pre]\nsteps = []\n"
            + entry("pre", 'verdict = "n/a"', 'reason = "r"'),
            "instead.pre",
            "not used where the verdict is n/a",
            "",
        ),
        (
            "[window.instead.free-all]\nsteps = []\n" + entry("v3", PASSED),
            "instead.free-all",
            "is a mutant of which nothing is expected, so it is never led",
            "",
        ),
        (
            "".join(
                entry(name, 'verdict = "n/a"', 'reason = "r"')
                for name in ("old", "pre", "v3", "v5")
            ),
            "expect",
            "it means nothing to any variant, so none plays it",
            "",
        ),
        (
            '[window.instead.v4]\nsteps = [{ run = "fault", until = "charge_memcg.wiat" }]\n',
            "instead.v4.steps[0].until",
            "there is no such label in v4",
            "charge_memcg.wait",
        ),
        (
            '[window.choices]\n"charge_memcg.grnt" = ["fail"]\n',
            'choices."charge_memcg.grnt"',
            "nothing is chosen at this label",
            "charge_memcg.grant",
        ),
        (
            '[window.choices]\n"charge_memcg.grant" = ["fial"]\n',
            'choices."charge_memcg.grant"[0]',
            "must be one of fail, ok",
            "fail",
        ),
    ],
)
def test_a_word_that_nobody_knows_is_a_problem_of_the_file(
    tmp_path: Path, more: str, where: str, message: str, hint: str
) -> None:
    """Variants, checks, counters, labels, choices: with the place and the nearest word."""
    path = written(tmp_path, more)
    with pytest.raises(ScenarioError) as caught:
        load_checked(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.place) == (str(path), f"window[0].{where}")
    assert (problem.message, problem.hint) == (message, hint)


def test_all_wrong_words_are_listed_at_once(tmp_path: Path) -> None:
    """Who has made three mistakes reads of three."""
    more = (
        '[window.expect.v3]\nverdict = "violation"\ncheck = "I-ON"\n'
        'counters = { "x" = 1 }\nreports = ["I-SHADE"]\n'
    )
    with pytest.raises(ScenarioError) as caught:
        load_checked(written(tmp_path, more))
    assert [problem.place.rpartition(".")[2] for problem in caught.value.problems] == [
        "check",
        "reports[0]",
        "x",
    ]


def test_a_variant_of_ones_own_has_its_own_words(tmp_path: Path) -> None:
    """Its name, its labels, and what it counts are known where it is given."""
    path = written(
        tmp_path,
        '[window.expect.mine]\nverdict = "passed"\ncounters = { "my_event" = 1 }\n',
    )
    with pytest.raises(ScenarioError, match=r"expect\.mine: there is no such variant"):
        load_checked(path)
    assert load_checked(path, own(tmp_path, "v3")).window[0].expect["mine"].verdict == "passed"


async def test_a_counter_of_ones_own_counts(tmp_path: Path) -> None:
    """What only a user's variant counts can be expected, and is missed where it stays 0."""
    mine = own(tmp_path, "v3")
    scenario = load_checked(written(tmp_path))
    allowed = mine.functions["swapin_sync"]

    async def counting(kernel: Any, *args: Any) -> Any:
        count_vm_event(kernel, "MY_EVENT")
        return await allowed(kernel, *args)

    counted = attrs.evolve(mine, functions={**mine.functions, "swapin_sync": counting})
    expect = Expect(verdict="passed", counters={"my_event": 1})
    async with open_scheduler() as scheduler:
        found = await play(scheduler, Setup(scenario, counted), FirstChoice())
        assert list(missed(found, expect)) == []
        found = await play(scheduler, Setup(scenario, mine), FirstChoice())
        assert list(missed(found, expect)) == [
            "counter my_event: expected 1, got 0",
            "counter my_event: nothing counts this",
        ]


async def test_the_same_schedule_gives_the_same_execution(scenario: Scenario) -> None:
    """What chance has found is found again by its schedule, with the same world at its end."""
    setup = Setup(scenario, load("v3"))
    async with open_scheduler() as scheduler:
        for seed in range(5):
            first = await play(scheduler, setup, RandomWalk(seed))
            again = await play(scheduler, setup, Recorded(first.verdict.schedule))
            assert again.verdict == first.verdict
            assert again.world.snapshot() == first.world.snapshot()


async def test_an_observer_sees_the_world_that_runs(scenario: Scenario) -> None:
    """Watched passes everything on, and has no world before there is one."""
    transcript, watched = Transcript(), Watched()
    assert watched.snapshot() == {}
    watched.inner = transcript
    async with open_scheduler() as scheduler:
        setup = Setup(scenario, load("v3"))
        script = script_of(Window(choices={"charge_memcg.grant": ("fail",)}), load("v3"))
        played = await play(scheduler, setup, script, watched)
        assert watched.world is played.world
        assert watched.snapshot() == played.world.snapshot() != {}
        alone = await play(scheduler, setup, script, Watched())
        assert alone.verdict == played.verdict
    assert any("handle_mm_fault.access" in line for line in transcript.lines)
    assert any("charge_memcg.grant: fail" in line for line in transcript.lines)
    assert transcript.lines[-1] == "= passed"


async def test_a_world_that_cannot_be_built_says_why(scenario: Scenario) -> None:
    """The error comes out as it is; there is no execution to speak of."""
    setup = Setup(attrs.evolve(scenario), load("v3"))
    broken = attrs.evolve(setup, variant=None)  # type: ignore[arg-type]  # on purpose
    async with open_scheduler() as scheduler:
        with pytest.raises(AttributeError, match="functions"):
            await play(scheduler, broken, FirstChoice())
        assert (await play(scheduler, setup, FirstChoice())).verdict.passed


@pytest.mark.parametrize("ending", list(Ending))
def test_only_a_pass_is_no_find(ending: Ending) -> None:
    """Violations, deadlocks, livelocks, errors, windows not reached: all are finds."""

    @attrs.frozen
    class Verdict:
        ending: Ending

    assert failed(Verdict(ending)) is (ending is not Ending.PASSED)  # type: ignore[arg-type]  # as much of one as is looked at


async def test_the_first_scenario_of_the_readme_passes() -> None:
    """The race of `make demo`, by its name, in the version under review."""
    scenario = load_checked(find("large-vs-small-neighbour"))
    for window in scenario.window:
        variant = load("v3")
        async with open_scheduler() as scheduler:
            found = await play(scheduler, Setup(scenario, variant), script_of(window, variant))
        assert list(missed(found, expected_of(window, variant))) == []
