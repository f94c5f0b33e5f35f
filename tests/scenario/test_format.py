# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rules that a scenario keeps, however it was made."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import attrs
import pytest

from swaptrio.errors import MOST_LISTED, ScenarioError
from swaptrio.scenario.deeds import DEED_KEYS
from swaptrio.scenario.format import (
    DeviceSetup,
    Expect,
    Instead,
    KernelSetup,
    MemcgSetup,
    PageSetup,
    ProcessSetup,
    Scenario,
    SlotSetup,
    TaskSetup,
    Window,
    WindowStep,
    check_words,
)
from swaptrio.scenario.setup import Failure

FAULT: dict[str, Any] = {"name": "fault", "run": "fault", "process": "P", "page": 17}
AHEAD: dict[str, Any] = {"name": "ahead", "run": "readahead", "device": "swap0", "slot": 19}


def a_scenario(**changes: Any) -> Scenario:
    """A scenario in which all is well, but for *changes*."""
    fields: dict[str, Any] = {
        "name": "a-race",
        "title": "A race",
        "catalogue": "A04",
        "references": ("v3 04/12",),
        "status": "verified",
        "story": "Two tasks meet.",
        "process": (ProcessSetup(name="P"), ProcessSetup(name="Q")),
        "slots": (SlotSetup(process="P", page=16, first=16, nr=4),),
        "task": (TaskSetup(**FAULT), TaskSetup(**AHEAD)),
        "window": (Window(),),
    }
    return Scenario(**fields | changes)


def problems_of(cl: Any, fields: dict[str, Any]) -> list[str]:
    """What is said when a *cl* is made of *fields*."""
    with pytest.raises(ScenarioError) as caught:
        cl(**fields)
    return [str(problem) for problem in caught.value.problems]


NOT_A_NAME = "must be a name: a letter, then letters, digits, _ or -"
NOT_A_LOWER_NAME = "must be a name: a lower-case letter, then such letters, digits or -"


@pytest.mark.parametrize(
    ("cl", "fields", "problem"),
    [
        (
            KernelSetup,
            {"memcg": "v3"},
            "memcg: must be one of v1, v2 (got 'v3')",
        ),
        (
            KernelSetup,
            {"failures": ("alloc", "chrage")},
            f"failures[1]: must be one of {', '.join(get_args(Failure))} "
            "(got 'chrage'); did you mean 'charge'?",
        ),
        (
            KernelSetup,
            {"failures": ("read", "read")},
            "failures[1]: is listed twice (got 'read')",
        ),
        (DeviceSetup, {"name": "0"}, f"name: {NOT_A_NAME} (got '0')"),
        (DeviceSetup, {"name": ""}, f"name: {NOT_A_NAME} (got '')"),
        (
            DeviceSetup,
            {"name": "a" * 81},
            f"name: {NOT_A_NAME} (got '{'a' * 60}...')",
        ),
        (
            DeviceSetup,
            {"name": "d", "clusters": 0},
            "clusters: must be from 1 to 64 (got 0)",
        ),
        (
            DeviceSetup,
            {"name": "d", "clusters": 65},
            "clusters: must be from 1 to 64 (got 65)",
        ),
        (
            DeviceSetup,
            {"name": "d", "latency": -1},
            "latency: must be from 0 to 1_000_000_000 (got -1)",
        ),
        (MemcgSetup, {"name": "m 1"}, f"name: {NOT_A_NAME} (got 'm 1')"),
        (
            MemcgSetup,
            {"name": "m1", "limit": 1_000_001},
            "limit: must be from 0 to 1_000_000 (got 1000001)",
        ),
        (ProcessSetup, {"name": "P\n"}, rf"name: {NOT_A_NAME} (got 'P\n')"),
        (ProcessSetup, {"name": "P", "memcg": "?"}, f"memcg: {NOT_A_NAME} (got '?')"),
        (
            ProcessSetup,
            {"name": "P", "orders": (2, 0)},
            "orders[1]: must be from 1 to 9 (got 0)",
        ),
        (
            ProcessSetup,
            {"name": "P", "orders": (10,)},
            "orders[0]: must be from 1 to 9 (got 10)",
        ),
        (
            ProcessSetup,
            {"name": "P", "orders": (2, 2)},
            "orders[1]: is listed twice (got 2)",
        ),
        (SlotSetup, {"first": 0}, "first: must be from 1 to 32_767 (got 0)"),
        (SlotSetup, {"first": 32768}, "first: must be from 1 to 32_767 (got 32768)"),
        (SlotSetup, {"first": 1, "nr": 0}, "nr: must be from 1 to 512 (got 0)"),
        (SlotSetup, {"first": 1, "nr": 513}, "nr: must be from 1 to 512 (got 513)"),
        (SlotSetup, {"first": 1, "count": 0}, "count: must be from 1 to 14 (got 0)"),
        (SlotSetup, {"first": 1, "count": 15}, "count: must be from 1 to 14 (got 15)"),
        (
            SlotSetup,
            {"first": 1, "process": "P"},
            "page: needed where a process is named",
        ),
        (SlotSetup, {"first": 1, "page": 0}, "process: needed where a page is given"),
        (
            SlotSetup,
            {"first": 1, "process": "P", "page": -1},
            "page: must be from 0 to 1_000_000 (got -1)",
        ),
        (
            SlotSetup,
            {"first": 1, "nr": 2, "process": "P", "page": 1_000_000},
            "nr: goes past the last page, 1_000_000 (got 2)",
        ),
        (
            SlotSetup,
            {"first": 1, "nr": 2, "shadows": (1, 2, 3)},
            "shadows: must have one entry for each of the 2 slots (got 3)",
        ),
        (
            SlotSetup,
            {"first": 1, "shadows": (-1,)},
            "shadows[0]: must be from 0 to 288_230_376_151_711_743 (got -1)",
        ),
        (
            PageSetup,
            {"process": "P", "page": 1_000_001},
            "page: must be from 0 to 1_000_000 (got 1000001)",
        ),
        (TaskSetup, FAULT | {"name": "Fault"}, f"name: {NOT_A_LOWER_NAME} (got 'Fault')"),
        (
            TaskSetup,
            FAULT | {"run": "fualt"},
            f"run: must be one of {', '.join(DEED_KEYS)} (got 'fualt'); did you mean 'fault'?",
        ),
        (
            TaskSetup,
            FAULT | {"run": "zap", "nr": 0},
            "nr: must be from 1 to 512 (got 0)",
        ),
        (
            TaskSetup,
            FAULT | {"run": "zap", "page": 999_990, "nr": 12},
            "nr: goes past the last page, 1_000_000 (got 12)",
        ),
        (TaskSetup, AHEAD | {"slot": 0}, "slot: must be from 1 to 32_767 (got 0)"),
        (WindowStep, {"run": "a b"}, f"run: {NOT_A_LOWER_NAME} (got 'a b')"),
        (
            WindowStep,
            {"run": "a", "until": "b c"},
            "until: must be a word without blanks (got 'b c')",
        ),
        (
            WindowStep,
            {"run": "a", "until": "b", "times": 0},
            "times: must be from 1 to 1_000 (got 0)",
        ),
        (WindowStep, {"run": "a", "times": 2}, "until: needed where times is given"),
        (
            Expect,
            {"verdict": "pass"},
            "verdict: must be one of passed, violation, deadlock, livelock, n/a (got 'pass'); "
            "did you mean 'passed'?",
        ),
        (
            Expect,
            {"verdict": "violation"},
            "check: needed where the verdict is violation",
        ),
        (
            Expect,
            {"verdict": "passed", "check": "I-ONE"},
            "check: not used where the verdict is passed (got 'I-ONE')",
        ),
        (
            Expect,
            {"verdict": "deadlock", "check": "I-ONE"},
            "check: not used where the verdict is deadlock (got 'I-ONE')",
        ),
        (Expect, {"verdict": "n/a"}, "reason: needed where the verdict is n/a"),
        (
            Expect,
            {"verdict": "n/a", "reason": "no zswap", "slots": {"swap0:1": "-"}},
            "slots: not used where the verdict is n/a",
        ),
        (
            Expect,
            {"verdict": "n/a", "reason": "no zswap", "reports": ("I-ONE",)},
            "reports: not used where the verdict is n/a",
        ),
        (
            Expect,
            {"verdict": "passed", "reason": "a\nb"},
            r"reason: must be one line without control characters (got 'a\nb')",
        ),
        (
            Expect,
            {"verdict": "passed", "results": {"fault": ""}},
            "results.fault: must not be empty",
        ),
        (
            Expect,
            {"verdict": "passed", "slots": {"swap0": "-"}},
            "slots.swap0: must be DEVICE:SLOT, as in swap0:17 (got 'swap0')",
        ),
        (
            Expect,
            {"verdict": "passed", "slots": {"swap0:7": "f01"}},
            'slots."swap0:7": must be -, b, or s or f with a count, as in f1; z may follow '
            "(got 'f01')",
        ),
        (
            Expect,
            {"verdict": "passed", "counters": {"swpin 2": 1}},
            "counters.\"swpin 2\": must be a word without blanks (got 'swpin 2')",
        ),
        (
            Expect,
            {"verdict": "passed", "counters": {"swpin": 10**12 + 1}},
            "counters.swpin: must be from -1_000_000_000_000 to 1_000_000_000_000 "
            "(got 1000000000001)",
        ),
        (
            Expect,
            {"verdict": "passed", "reports": ("I-ONE", "I-ONE")},
            "reports[1]: is listed twice (got 'I-ONE')",
        ),
        (Window, {"name": "Main"}, f"name: {NOT_A_LOWER_NAME} (got 'Main')"),
        (
            Window,
            {"choices": {"alloc.grant": ("ok", "")}},
            "choices.\"alloc.grant\"[1]: must be a word without blanks (got '')",
        ),
        (
            Window,
            {"story": "\x1b[2J"},
            r"story: must not hold control characters (got '\x1b[2J')",
        ),
        (
            Window,
            {"steps": (WindowStep(run="a"),) * 1001},
            "steps: holds 1_001 entries; at most 1_000 are allowed",
        ),
        (
            Instead,
            {"choices": {"": ()}},
            "choices.\"\": must be a word without blanks (got '')",
        ),
    ],
)
def test_rule(cl: Any, fields: dict[str, Any], problem: str) -> None:
    """A table that breaks one rule cannot be made, and the message says which."""
    assert problems_of(cl, fields) == [problem]


@pytest.mark.parametrize(
    ("run", "missing"),
    [
        ("fault", ["process", "page"]),
        ("readahead", ["device", "slot"]),
        ("zap", ["process", "page"]),
        ("zswap-writeback", ["device", "slot"]),
        ("swapout", ["process", "page"]),
        ("store", ["process", "page"]),
    ],
)
def test_task_needs(run: str, missing: list[str]) -> None:
    """A task says all that its kind needs."""
    assert problems_of(TaskSetup, {"name": "t", "run": run}) == [
        f"{key}: needed where run is {run}" for key in missing
    ]


@pytest.mark.parametrize(
    ("run", "unused"),
    [
        ("fault", ["nr", "device", "slot"]),
        ("readahead", ["process", "page", "nr", "write"]),
        ("zap", ["write", "device", "slot"]),
        ("zswap-writeback", ["process", "page", "nr", "write"]),
        ("swapout", ["nr", "write", "device", "slot"]),
        ("store", ["nr", "write", "device", "slot"]),
    ],
)
def test_task_takes_no_more(run: str, unused: list[str]) -> None:
    """A task says nothing that its kind does not use."""
    everything = {"process": "P", "page": 0, "nr": 2, "write": True, "device": "d", "slot": 1}

    assert problems_of(TaskSetup, {"name": "t", "run": run} | everything) == [
        f"{key}: not used where run is {run}" for key in unused
    ]


@pytest.mark.parametrize("state", ["-", "b", "s0", "s1", "f14", "f1z", "bz", "-z"])
def test_states(state: str) -> None:
    """The final state of a slot is free, bad, or a kind with a count, and perhaps the flag."""
    assert Expect(verdict="passed", slots={"swap0:0": state}).slots == {"swap0:0": state}


def test_livelock_may_name_its_check() -> None:
    """A livelock is expected with or without the check that noticed it."""
    assert Expect(verdict="livelock").check == ""
    assert Expect(verdict="livelock", check="I-PROGRESS").check == "I-PROGRESS"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "A race"}, f"name: {NOT_A_LOWER_NAME} (got 'A race')"),
        ({"title": " "}, "title: must not be empty"),
        (
            {"title": "a\tb"},
            r"title: must be one line without control characters (got 'a\tb')",
        ),
        ({"title": "x" * 20_001}, "title: must not be longer than 20_000 characters"),
        (
            {"catalogue": "I01"},
            "catalogue: must be a letter from A to H and two digits (got 'I01')",
        ),
        (
            {"catalogue": "A\u0664\u0664"},
            "catalogue: must be a letter from A to H and two digits (got 'A\u0664\u0664')",
        ),
        ({"references": ("",)}, "references[0]: must not be empty"),
        (
            {"status": "verifed"},
            "status: must be one of verified, inference, hash (got 'verifed'); "
            "did you mean 'verified'?",
        ),
        ({"story": ""}, "story: must not be empty"),
        ({"device": ()}, "device: must not be empty"),
        ({"memcg": ()}, "memcg: must not be empty"),
        ({"task": ()}, "task: must not be empty"),
        ({"window": ()}, "window: must not be empty"),
        (
            {"device": (DeviceSetup(name="swap0"), DeviceSetup(name="swap0"))},
            "device[1].name: is the name of device[0] already (got 'swap0')",
        ),
        (
            {"memcg": (MemcgSetup(name="m1"), MemcgSetup(name="m1"))},
            "memcg[1].name: is the name of memcg[0] already (got 'm1')",
        ),
        (
            {"process": (ProcessSetup(name="P"), ProcessSetup(name="P"))},
            "process[1].name: is the name of process[0] already (got 'P')",
        ),
        (
            {"task": (TaskSetup(**FAULT), TaskSetup(**FAULT))},
            "task[1].name: is the name of task[0] already (got 'fault')",
        ),
        (
            {"window": (Window(), Window(name="other"), Window())},
            "window[2].name: is the name of window[0] already (got 'main')",
        ),
        (
            {"process": (ProcessSetup(name="P", memcg="m2"),)},
            "process[0].memcg: there is no memcg of this name (got 'm2')",
        ),
        (
            {"slots": (SlotSetup(first=1, process="R", page=1),)},
            "slots[0].process: there is no process of this name (got 'R')",
        ),
        (
            {"slots": (SlotSetup(first=1, memcg="m2"),)},
            "slots[0].memcg: there is no memcg of this name (got 'm2')",
        ),
        (
            {"slots": (SlotSetup(first=1, device="swap1"),)},
            "slots[0].device: there is no device of this name (got 'swap1'); "
            "did you mean 'swap0'?",
        ),
        (
            {"slots": (SlotSetup(first=512),)},
            "slots[0].first: is past the last slot of swap0, 511 (got slot 512)",
        ),
        (
            {"slots": (SlotSetup(first=510, nr=3),)},
            "slots[0].nr: is past the last slot of swap0, 511 (got slot 512)",
        ),
        (
            {"slots": (SlotSetup(first=1, nr=4), SlotSetup(first=4))},
            "slots[1].first: is in slots[0] already (got swap0:4)",
        ),
        (
            {"slots": (SlotSetup(first=1, zswap=True),)},
            "slots[0].zswap: needs kernel.zswap, without which nothing lies in zswap "
            "(got true)",
        ),
        (
            {
                "slots": (
                    SlotSetup(process="P", page=16, first=16, nr=4),
                    SlotSetup(process="P", page=19, first=30),
                )
            },
            "slots[1].page: has a PTE from slots[0] already (got page 19 of P)",
        ),
        (
            {"page": (PageSetup(process="P", page=18),)},
            "page[0].page: has a PTE from slots[0] already (got page 18 of P)",
        ),
        (
            {"page": (PageSetup(process="Q", page=3), PageSetup(process="Q", page=3))},
            "page[1].page: has a PTE from page[0] already (got page 3 of Q)",
        ),
        (
            {"page": (PageSetup(process="R", page=3),)},
            "page[0].process: there is no process of this name (got 'R')",
        ),
        (
            {"task": (TaskSetup(**FAULT | {"process": "PP"}),)},
            "task[0].process: there is no process of this name (got 'PP'); did you mean 'P'?",
        ),
        (
            {"task": (TaskSetup(**AHEAD | {"device": "swap9"}),)},
            "task[0].device: there is no device of this name (got 'swap9'); "
            "did you mean 'swap0'?",
        ),
        (
            {"task": (TaskSetup(**AHEAD | {"slot": 512}),)},
            "task[0].slot: is past the last slot of swap0, 511 (got 512)",
        ),
        (
            {"window": (Window(steps=(WindowStep(run="fualt"),)),)},
            "window[0].steps[0].run: there is no task of this name (got 'fualt'); "
            "did you mean 'fault'?",
        ),
        (
            {"window": (Window(instead={"pre": Instead(steps=(WindowStep(run="x"),))}),)},
            "window[0].instead.pre.steps[0].run: there is no task of this name (got 'x')",
        ),
        (
            {"window": (Window(expect={"v3": Expect(verdict="passed", results={"x": "a"})}),)},
            "window[0].expect.v3.results.x: there is no task of this name (got 'x')",
        ),
        (
            {
                "window": (
                    Window(expect={"v3": Expect(verdict="passed", slots={"swap1:3": "-"})}),
                )
            },
            'window[0].expect.v3.slots."swap1:3": there is no device of this name '
            "(got 'swap1'); did you mean 'swap0'?",
        ),
        (
            {
                "window": (
                    Window(expect={"v3": Expect(verdict="passed", slots={"swap0:512": "-"})}),
                )
            },
            'window[0].expect.v3.slots."swap0:512": is past the last slot of swap0, 511 '
            "(got 512)",
        ),
    ],
)
def test_scenario_rule(changes: dict[str, Any], problem: str) -> None:
    """A scenario that breaks one rule, or does not fit together, cannot be made."""
    assert problems_of(a_scenario, changes) == [problem]


def test_all_that_does_not_fit_together() -> None:
    """What does not fit together is told at once."""
    changes = {
        "slots": (SlotSetup(first=600), SlotSetup(first=600)),
        "page": (PageSetup(process="R", page=1),),
        "window": (Window(steps=(WindowStep(run="x"),)),),
    }

    assert [problem.split(": ")[0] for problem in problems_of(a_scenario, changes)] == [
        "slots[0].first",
        "slots[1].first",
        "slots[1].first",
        "page[0].process",
        "window[0].steps[0].run",
    ]


def test_no_endless_list() -> None:
    """Of a thousand equal problems a hundred are listed."""
    window = Window(steps=(WindowStep(run="x"),) * 1000)

    assert len(problems_of(a_scenario, {"window": (window,)})) == MOST_LISTED + 1


def test_defaults() -> None:
    """A scenario that says nothing of devices and memcgs has one of each."""
    scenario = a_scenario()

    assert scenario.device == (DeviceSetup(name="swap0", sync=True, clusters=1, latency=1000),)
    assert scenario.memcg == (MemcgSetup(name="m1", limit=1000),)
    assert scenario.kernel == KernelSetup(thp=True, memcg="v2", zswap=False, failures=())
    assert scenario.device[0].slots == 512


def test_names_are_filled_in() -> None:
    """A memcg that is left out is the process's, or else the first; a device is the first."""
    scenario = a_scenario(
        device=(DeviceSetup(name="a"), DeviceSetup(name="swap0")),
        memcg=(MemcgSetup(name="m1"), MemcgSetup(name="m2")),
        process=(ProcessSetup(name="P", memcg="m2"), ProcessSetup(name="Q")),
        slots=(
            SlotSetup(process="P", page=1, first=1),
            SlotSetup(process="Q", page=1, first=2, device="swap0"),
            SlotSetup(process="P", page=2, first=3, memcg="m1"),
            SlotSetup(first=4),
        ),
    )

    assert [process.memcg for process in scenario.process] == ["m2", "m1"]
    assert [slots.memcg for slots in scenario.slots] == ["m2", "m1", "m1", "m1"]
    assert [slots.device for slots in scenario.slots] == ["a", "swap0", "a", "a"]


def test_same_page_of_two_processes() -> None:
    """Pages of the same number in two processes, and owners not modelled, do not clash."""
    scenario = a_scenario(
        slots=(
            SlotSetup(process="P", page=1, first=1),
            SlotSetup(process="Q", page=1, first=2),
            SlotSetup(first=3),
            SlotSetup(first=4),
        )
    )

    assert len(scenario.slots) == 4


def test_same_slot_of_two_devices() -> None:
    """Slots of the same number on two devices do not clash."""
    scenario = a_scenario(
        device=(DeviceSetup(name="swap0"), DeviceSetup(name="swap1", clusters=4)),
        slots=(SlotSetup(first=7), SlotSetup(first=7, device="swap1", nr=512)),
    )

    assert [slots.device for slots in scenario.slots] == ["swap0", "swap1"]


def test_frozen_and_portable() -> None:
    """A scenario never changes, equals its like, and can be sent to another process."""
    scenario = a_scenario()

    assert pickle.loads(pickle.dumps(scenario)) == scenario == a_scenario()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        scenario.name = "other"  # type: ignore[misc]  # the error is what is tested


def test_instead() -> None:
    """A variant goes by its own steps and choices if it has any, and else by the window's."""
    ours, theirs = (WindowStep(run="fault"),), (WindowStep(run="ahead"),)
    window = Window(
        steps=ours,
        choices={"a": ("ok",)},
        instead={
            "pre": Instead(steps=theirs),
            "old": Instead(choices={}),
            "none": Instead(steps=()),
        },
    )

    assert [window.steps_for(name) for name in ("v3", "pre", "old", "none")] == [
        ours,
        theirs,
        ours,
        (),
    ]
    assert [dict(window.choices_for(name)) for name in ("v3", "pre", "old")] == [
        {"a": ("ok",)},
        {"a": ("ok",)},
        {},
    ]


WORDS: dict[str, Any] = {
    "variants": ("pre", "v3", "v4", "mut:no-second-check"),
    "labels": {
        "pre": ("swap_cache_alloc.begin", "common"),
        "v3": ("swap_cache_alloc.checked", "swap_cache_alloc.recheck", "common"),
        "v4": ("swap_cache_alloc.checked", "common"),
    },
    "checks": ("I-ERRNO", "I-SHADOW"),
    "choices": {"alloc.grant": ("ok", "fail")},
}


def words_of(window: Window) -> list[str]:
    """What `check_words` says of a scenario with *window*."""
    found = check_words([(0, window)], "a.toml", **WORDS)
    return [str(problem) for problem in found]


def until(label: str) -> tuple[WindowStep, ...]:
    """Steps that lead the fault to *label*."""
    return (WindowStep(run="fault", until=label),)


PASSED = Expect(verdict="passed")


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        (
            Window(expect={"v33": PASSED}),
            "expect.v33: there is no such variant (got 'v33'); did you mean 'v3'?",
        ),
        (
            Window(instead={"prae": Instead()}),
            "instead.prae: there is no such variant (got 'prae'); did you mean 'pre'?",
        ),
        (
            Window(expect={"mut:no-secnd-check": PASSED}),
            'expect."mut:no-secnd-check": there is no such variant '
            "(got 'mut:no-secnd-check'); did you mean 'mut:no-second-check'?",
        ),
        (
            Window(expect={"v3": Expect(verdict="violation", check="I-ERNO")}),
            "expect.v3.check: there is no such check (got 'I-ERNO'); did you mean 'I-ERRNO'?",
        ),
        (
            Window(expect={"v3": Expect(verdict="passed", reports=("I-SHADOW", "I-SHADE"))}),
            "expect.v3.reports[1]: there is no such check (got 'I-SHADE'); "
            "did you mean 'I-SHADOW'?",
        ),
        (
            Window(choices={"aloc.grant": ("ok",)}),
            "choices.\"aloc.grant\": nothing is chosen at this label (got 'aloc.grant'); "
            "did you mean 'alloc.grant'?",
        ),
        (
            Window(choices={"alloc.grant": ("ok", "fial")}),
            "choices.\"alloc.grant\"[1]: must be one of fail, ok (got 'fial'); "
            "did you mean 'fail'?",
        ),
        (
            Window(instead={"v4": Instead(choices={"alloc.grant": ("no",)})}),
            "instead.v4.choices.\"alloc.grant\"[0]: must be one of fail, ok (got 'no')",
        ),
        (
            Window(steps=until("swap_cache_alloc.rechekc"), expect={"v3": PASSED}),
            "steps[0].until: there is no such label in v3 (got 'swap_cache_alloc.rechekc'); "
            "did you mean 'swap_cache_alloc.recheck'?",
        ),
        (
            Window(
                steps=until("swap_cache_alloc.recheck"),
                expect={"v3": PASSED, "v4": PASSED},
            ),
            "steps[0].until: there is no such label in v4 (got 'swap_cache_alloc.recheck'); "
            "did you mean 'swap_cache_alloc.checked'?",
        ),
        (
            Window(steps=until("comon")),
            "steps[0].until: there is no such label in pre, v3, v4 (got 'comon'); "
            "did you mean 'common'?",
        ),
        (
            Window(instead={"pre": Instead(steps=until("swap_cache_alloc.bgein"))}),
            "instead.pre.steps[0].until: there is no such label in pre "
            "(got 'swap_cache_alloc.bgein'); did you mean 'swap_cache_alloc.begin'?",
        ),
    ],
)
def test_unknown_word(window: Window, problem: str) -> None:
    """A word that the model does not have is told with the nearest one that it has."""
    assert words_of(window) == [f"a.toml: window[0].{problem}"]


@pytest.mark.parametrize(
    "window",
    [
        Window(),
        Window(steps=(WindowStep(run="fault"),), expect={"v3": PASSED}),
        Window(steps=until("common"), expect={"pre": PASSED, "v3": PASSED, "v4": PASSED}),
        Window(steps=until("swap_cache_alloc.recheck")),
        Window(
            steps=until("swap_cache_alloc.recheck"),
            instead={"pre": Instead(steps=until("swap_cache_alloc.begin"))},
            expect={
                "v3": PASSED,
                "pre": PASSED,
                "v4": Expect(verdict="n/a", reason="it has one check"),
            },
        ),
        Window(steps=until("anything"), expect={"mut:no-second-check": PASSED}),
        Window(choices={"alloc.grant": ("ok", "fail", "ok")}),
    ],
)
def test_known_words(window: Window) -> None:
    """A label must be known to whoever is led there by it, and to nobody else."""
    assert words_of(window) == []


def test_many_variants_without_a_label() -> None:
    """A message names a few of many variants."""
    names = [f"mut:{letter}" for letter in "abcdef"]
    window = Window(steps=until("nowhere"), expect=dict.fromkeys(names, PASSED))

    (problem,) = check_words(
        [(0, window)],
        "a.toml",
        variants=names,
        labels=dict.fromkeys(names, ("begin",)),
        checks=(),
        choices={},
    )

    assert problem.message == (
        "there is no such label in mut:a, mut:b, mut:c, mut:d and 2 more"
    )
