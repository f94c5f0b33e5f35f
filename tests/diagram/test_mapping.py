# SPDX-License-Identifier: MIT OR Apache-2.0
"""From lines to scheduling points: what a line may say, and what means nothing."""

from __future__ import annotations

import pytest

from swaptrio.diagram import DiagramError, DrawnStep, parse_diagram, to_window
from swaptrio.diagram.vocabulary import DEEDS, DRAWS, all_labels
from swaptrio.scenario.files import find
from swaptrio.scenario.load import load as load_scenario
from swaptrio.variants import load

Steps = tuple[DrawnStep, ...]


def steps_of(
    text: str, variant: str = "v3", name: str = "count-drops-while-inserting"
) -> Steps:
    """The steps of a drawing."""
    steps, _ = to_window(
        parse_diagram(text, "race.txt"), load_scenario(find(name)), load(variant)
    )
    return steps


def step_of(*lines: str, variant: str = "v3") -> DrawnStep:
    """The last step of a drawing of one column."""
    return steps_of("\n".join(("CPU0", "(fault)", *lines)), variant)[-1]


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("swap_cache_alloc.recheck", "swap_cache_alloc.recheck"),
        ("swap_cache_alloc.recheck: swap0:17 s1 -> f1", "swap_cache_alloc.recheck"),
        ("swap_cache_alloc() recheck", "swap_cache_alloc.recheck"),
        ("_swap_cache_alloc(entry, nr): recheck;", "swap_cache_alloc.recheck"),
        ("vma_alloc_folio()", "vma_alloc_folio.alloc"),
        ("vma_alloc_folio", "vma_alloc_folio.alloc"),
        ("1. vma_alloc_folio()", "vma_alloc_folio.alloc"),
        ("-> vma_alloc_folio()", "vma_alloc_folio.alloc"),
        ("swap_cache_get_folio()", "swap_cache_get_folio.lookup"),
        ("swap_cache_get_folio() get", "swap_cache_get_folio.get"),
        ("mem_cgroup_swapin_charge_folio()", "charge_memcg.wait"),
        ("insert", "swap_cache_alloc.recheck"),
        ("inserts its folio", "swap_cache_alloc.recheck"),
        ("Inserted", "swap_cache_alloc.recheck"),
        ("charger.send", "charger.send"),
        ("swap0.bios.send", "swap0.bios.send"),
        ("start", "start"),
        ("rollback_put", "swap_cache_alloc.rollback_put"),
    ],
)
def test_a_line_names_a_step(line: str, label: str) -> None:
    """By label, by function, by step, or by deed; brackets and numbers do not matter."""
    assert step_of(line).labels == (label,)


def test_a_step_is_looked_up_in_its_call() -> None:
    """The innermost call that has a step of this name gives the label."""
    assert step_of("zap_pte_range()", "  lock").labels == ("zap_pte_range.ptl",)
    nested = ("do_swap_page()", "  swap_cache_del_folio()", "    lock")
    assert step_of(*nested).labels == ("swap_cache_del_folio.lock",)
    after = (*nested, "  unlock")
    assert step_of(*after).labels == ("do_swap_page.unlock",)


def test_a_call_of_the_caller_will_do() -> None:
    """swap_cache_alloc_folio() calls _swap_cache_alloc(), whose steps are found below it."""
    assert step_of("swap_cache_alloc_folio()", "  check").labels == ("swap_cache_alloc.check",)


def test_a_call_with_lines_below_is_no_step() -> None:
    """A function that is drawn open only says where its lines stand."""
    text = "CPU0\n(fault)\ndo_swap_page()\n  swap_cache_alloc()\n    check\n    recheck\n"
    assert [step.line for step in steps_of(text)] == [5, 6]


@pytest.mark.parametrize(
    "line",
    ["= -EEXIST", "-EBUSY", "returns NULL", "return -ENOMEM;", "<interrupted>", "..."],
)
def test_results_ask_for_nothing(line: str) -> None:
    """What came of a step may be told below it, and is a remark."""
    text = f"CPU0\n(fault)\ninsert\n  {line}\n"
    assert [step.line for step in steps_of(text)] == [3]


@pytest.mark.parametrize(
    "line",
    [
        "folio_lock waits",
        "folio_lock() ...",
        "waits for the folio_lock",
        "blocked at folio_lock",
    ],
)
def test_a_line_that_waits(line: str) -> None:
    """The task stands before the step and does not perform it."""
    step = step_of(line)
    assert (step.line, step.task, step.text, step.mode) == (3, "fault", line, "waits")
    assert step.labels == step_of("folio_lock(folio);").labels
    assert "do_swap_page.folio_lock" in step.labels
    assert {label.partition(".")[2] for label in step.labels} == {"folio_lock"}


@pytest.mark.parametrize("line", ["ends", "exits", "runs to its end", "to the end"])
def test_a_line_that_runs_to_the_end(line: str) -> None:
    """The task runs until it has ended."""
    assert step_of("insert", line) == DrawnStep(4, "fault", line, (), "ends")


def test_a_deed_is_what_a_version_has_of_it() -> None:
    """One drawing can be held against several versions."""
    assert step_of("insert").labels == ("swap_cache_alloc.recheck",)
    assert step_of("insert", variant="pre").labels == ("swap_cache_add_folio.lock",)


def test_a_step_of_another_version_has_no_labels() -> None:
    """That it is not there is an answer and no mistake in the drawing."""
    assert step_of("insert", "non_swapcache_batch()").labels == ()
    assert step_of("insert", "rollback", variant="pre").labels == ()


def test_what_fails_is_a_choice() -> None:
    """A charge fails by a draw; draws of one label keep their order."""
    text = "CPU0\n(fault)\ncharge ok\ncharge fails\nmem_cgroup_charge() = -ENOMEM\ncharge\n"
    scenario = load_scenario(find("count-drops-while-inserting"))
    _, choices = to_window(parse_diagram(text), scenario, load("v3"))
    assert choices == {"charge_memcg.grant": ("ok", "fail", "fail")}


def test_columns_take_tasks_in_order() -> None:
    """Where no name stands the tasks follow each other; a name leaves the others."""
    steps = steps_of("CPU0   CPU1\ninsert\n       ends\n")
    assert [step.task for step in steps] == ["fault", "zap"]
    steps = steps_of("CPU0   CPU1\n       (fault)\nends\n       insert\n")
    assert [step.task for step in steps] == ["zap", "fault"]


ALLOC = (
    "swap_cache_alloc.check, swap_cache_alloc.discard, swap_cache_alloc.lru, "
    "swap_cache_alloc.memcg1, swap_cache_alloc.recheck, swap_cache_alloc.refault, "
    "swap_cache_alloc.rollback, swap_cache_alloc.rollback_put, "
    "swap_cache_alloc.rollback_unlock, swap_cache_alloc.stat"
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "vma_aloc_folio()",
            "the model has no such function (got 'vma_aloc_folio()'); "
            "did you mean 'vma_alloc_folio.alloc'?",
        ),
        (
            "swap_cache_alloc.rechek",
            "v3 has no such label (got 'swap_cache_alloc.rechek'); "
            "did you mean 'swap_cache_alloc.recheck'?",
        ),
        (
            "recheckk",
            "this line names no function and no step (got 'recheckk'); did you mean 'recheck'?",
        ),
        ("%%%", "this line names no function and no step (got '%%%')"),
        (
            "swap_cache_alloc()",
            f"this may be any of {ALLOC}; name one (got 'swap_cache_alloc()')",
        ),
        (
            "swap_cache_alloc_folio()",
            "nothing stops in this function itself; draw what it calls, or its steps "
            "(got 'swap_cache_alloc_folio()')",
        ),
        (
            "alloc fails",
            "nothing can fail here unless 'alloc' is among [kernel] failures "
            "(got 'alloc fails')",
        ),
    ],
)
def test_a_line_that_means_nothing(line: str, message: str) -> None:
    """It is told with the nearest label, or with all that it could mean."""
    with pytest.raises(DiagramError) as raised:
        step_of("insert", line)
    assert str(raised.value) == f"race.txt: line 4: {message}"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "CPU0\n(falt)",
            "race.txt: line 2: there is no such task; there are fault, zap, readahead "
            "(got 'falt'); did you mean 'fault'?",
        ),
        (
            "CPU0   CPU1\n(zap)  (zap)",
            "race.txt: line 2: two columns have this task (got 'zap')",
        ),
        (
            "CPU0  CPU1  CPU2  CPU3",
            "race.txt: line 1: the scenario has no task for this column; there are 3 "
            "(got 'CPU3')",
        ),
    ],
)
def test_a_column_without_a_task(header: str, message: str) -> None:
    """Names under the header are tasks of the scenario, each once, and there are enough."""
    with pytest.raises(DiagramError) as raised:
        steps_of(f"{header}\ninsert\n")
    assert str(raised.value) == message


def test_a_drawing_of_remarks_is_told() -> None:
    """A drawing must ask for something."""
    with pytest.raises(DiagramError, match="no line of the drawing is a step of any task"):
        step_of("= -EEXIST")


def test_all_problems_come_at_once_in_order() -> None:
    """Names, unknown and ambiguous lines are listed together, by line."""
    with pytest.raises(DiagramError) as raised:
        steps_of("CPU0   CPU1\n(nobody)\ninsrt\n       swap_cache_alloc()\nalloc fails\n")
    assert [problem.place for problem in raised.value.problems] == [
        "line 2",
        "line 3",
        "line 4",
        "line 5",
    ]


def test_every_deed_is_something_somewhere() -> None:
    """No deed names a label that no version has."""
    known = {*all_labels(), *DRAWS, "start"}
    assert [label for labels in DEEDS.values() for label in labels if label not in known] == []
