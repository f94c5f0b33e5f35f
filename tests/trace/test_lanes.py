# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture: golden ones, small enough to be checked by eye, and its rules."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
import pytest

from swaptrio.sched import (
    Ending,
    Execution,
    FirstChoice,
    Kind,
    Mutex,
    RandomWalk,
    SpinLock,
    Verdict,
    WaitQueue,
    point,
    sleep,
)
from swaptrio.trace import Report, Trace, Value, draw_lanes, select

Record = Callable[..., Trace]
State = dict[str, Value]

# The fault looks at the slot (2) and is preempted (3, the only decision, so it has the star,
# and it decided). The zap frees the slot in the step that also gives the lock back (5), with
# which the window ends. The fault goes on (6) and breaks the rule. Within a turn a label is
# shortened by the function that it shares with the one above.
RACE = """\
free-under-fault, variant old, violation of I-TABLE

step   fault                               zap
----   -----                               ---
   1 | start
   2 | do_swap_page.check  read swap0:17

   3*|                                     start  <--
   4 |                                     swap_entry_free.lock
     |                                       lock swap0 cluster 0
   5 |                                     .write
     |                                       swap0:17 s1 -> -
     |                                       unlock swap0 cluster 0

   6   swap_cache_add.lock
         lock swap0 cluster 0
         <-- I-TABLE

(| marks the window: run fault until swap_cache_add.lock; run zap until its
  end)

violation of I-TABLE in step 6, fault at swap_cache_add.lock
  fault adds a folio to swap0:17, which is free

decided by:
  step 3, zap at start: before step 6, fault at swap_cache_add.lock

last steps of the tasks concerned:
  step 1, fault at start
  step 2, fault at do_swap_page.check: read swap0:17
  step 6, fault at swap_cache_add.lock: lock swap0 cluster 0
  step 3, zap at start
  step 4, zap at swap_entry_free.lock: lock swap0 cluster 0
  step 5, zap at swap_entry_free.write: swap0:17 s1 -> -, unlock swap0
    cluster 0

schedule: 3:1@zap/start
swaptrio replay free-under-fault --variant old
"""

# Each task holds its first lock and waits for that of the other. The report follows lockdep.
DEADLOCK = """\
======================================================
WARNING: deadlock (model output, not a kernel's)
------------------------------------------------------
fault waits for swap0 cluster 0, at: do_swap_page.second, held by reclaim
  and holds 1 lock:
    #0: (folio 0x1000), at: do_swap_page.first, step 2
reclaim waits for folio 0x1000, at: shrink_folio_list.second, held by fault
  and holds 1 lock:
    #0: (swap0 cluster 0), at: shrink_folio_list.first, step 4

the circle: fault -> reclaim -> fault

    fault                                reclaim
    -----                                -------
  lock(folio 0x1000);
                                       lock(swap0 cluster 0);
  lock(swap0 cluster 0);
                                       lock(folio 0x1000);

 *** DEADLOCK ***
"""


def body(picture: str) -> list[str]:
    """The lines of the table: what stands between the rule and the verdict."""
    _, _, below = picture.partition("\n----")
    lines = below.splitlines()[1:]
    end = next(number for number, line in enumerate(lines) if re.match("[a-z(]", line))
    return lines[: end - 1]


def dull(count: int) -> Callable[[Execution, State], None]:
    """A program of one task that makes *count* steps which change nothing."""

    def build(execution: Execution, state: State) -> None:
        async def task() -> None:
            for _ in range(count):
                await point("task.loop")
            state["done"] = 1

        execution.spawn("task", task)

    return build


def crowd(count: int) -> Callable[[Execution, State], None]:
    """A program of *count* tasks, each of which changes something."""

    def build(execution: Execution, state: State) -> None:
        async def task(name: str) -> None:
            await point(f"{name}.write", Kind.WRITE, "swap0:17")
            state["swap0:17"] = name

        for number in range(count):
            execution.spawn(f"task{number}", task, f"task{number}")

    return build


def test_the_picture_of_a_race(race: Trace) -> None:
    """A race is drawn as people draw it: two columns, time downwards, and then the verdict."""
    command = "swaptrio replay free-under-fault --variant old"

    assert draw_lanes(race, command=command) == RACE


def test_the_picture_of_a_deadlock(deadlock: Trace) -> None:
    """A deadlock is told in the order of lockdep, and says that it comes from a model."""
    assert DEADLOCK in draw_lanes(deadlock)


def test_a_circle_of_many_is_told_one_below_the_other(record: Record) -> None:
    """Where the tasks of a circle do not fit side by side, each line names its task."""

    def build(execution: Execution, state: State) -> None:
        locks = [Mutex(f"lock {number}") for number in range(4)]

        async def task(number: int) -> None:
            await locks[number].acquire(f"t{number}.first")
            await point(f"t{number}.between")
            await locks[(number + 1) % 4].acquire(f"t{number}.second")

        for number in range(4):
            execution.spawn(f"t{number}", task, number)

    deadlocks = (record(build, RandomWalk(seed=seed)) for seed in range(100))
    trace = next(t for t in deadlocks if len(t.header.verdict.cycle) == 4)

    picture = draw_lanes(trace, width=60)

    first, second, third, fourth = trace.header.verdict.cycle
    assert f"the circle: {first} -> {second} -> {third} -> {fourth} -> {first}\n" in picture
    assert len(re.findall(r"^t\d: lock\(lock \d\);$", picture, re.MULTILINE)) == 8


def test_a_wait_that_nobody_ends_is_told(record: Record) -> None:
    """A task that waits for a message which nobody sends is told without a circle."""

    def build(execution: Execution, state: State) -> None:
        queue = WaitQueue("folio wait queue")

        async def task() -> None:
            await queue.wait("folio_wait.sleep")

        execution.spawn("fault", task)

    picture = draw_lanes(record(build))

    assert "fault waits for folio wait queue, at: folio_wait.sleep" in picture
    assert "nobody is known who could end that" in picture.replace("\n  ", " ")
    assert "and holds no lock" in picture
    assert "the circle" not in picture


def test_a_task_switch_is_a_blank_line(race: Trace) -> None:
    """A blank line stands between two steps if and only if different tasks made them."""
    blank = [number for number, line in enumerate(body(draw_lanes(race))) if not line]

    assert len(blank) == 2


@pytest.mark.parametrize("width", [60, 76, 100, 400])
def test_no_line_is_too_long(race: Trace, deadlock: Trace, serving: Trace, width: int) -> None:
    """Every line fits in the width, the command too."""
    for trace in (race, deadlock, serving):
        command = f"swaptrio replay 'a b' --schedule {trace.header.schedule * 5}"
        picture = draw_lanes(trace, width=width, command=command, daemons=True)
        assert max(map(len, picture.splitlines())) <= width


@pytest.mark.parametrize("width", [0, 59, 401])
def test_a_width_that_makes_no_sense_is_refused(race: Trace, width: int) -> None:
    """A picture is 60 to 400 columns wide."""
    with pytest.raises(ValueError, match=f"60 to 400 columns wide, not {width}"):
        draw_lanes(race, width=width)


def test_colours_change_nothing_else(race: Trace, deadlock: Trace) -> None:
    """A coloured picture without its colours is the plain one; the plain one has none."""
    for trace in (race, deadlock):
        painted = draw_lanes(trace, color=True)

        assert "\x1b[" in painted
        assert re.sub(r"\x1b\[[\d;]*m", "", painted) == draw_lanes(trace)
        assert "\x1b" not in draw_lanes(trace)


def test_names_cannot_move_the_cursor(race: Trace) -> None:
    """Control characters and foreign letters from a trace are shown, and not obeyed."""
    verdict = attrs.evolve(race.header.verdict, message="\x1b[2Jgone \u2192 \ud800\x07")
    header = attrs.evolve(race.header, verdict=verdict, scenario="a\rb")

    picture = draw_lanes(Trace(header, race.events), command="echo \x1b[0m")

    assert picture.startswith("a\\rb, ")
    assert "\n  \\x1b[2Jgone \\u2192 \\ud800\\x07\n" in picture
    assert picture.endswith("echo \\x1b[0m\n")


def test_many_dull_steps_become_one_line(record: Record) -> None:
    """Of more than three steps in a row that changed nothing all but the last are folded."""
    folded = body(draw_lanes(record(dull(20))))

    assert folded == [
        "   1   (19 steps without a change)",
        "  20   task.loop",
        "  21   .loop  done 0 -> 1",
    ]


def test_few_dull_steps_stay(record: Record) -> None:
    """Three steps in a row are drawn one by one, and so are all where folding is off."""
    assert len(body(draw_lanes(record(dull(3))))) == 4
    assert len(body(draw_lanes(record(dull(20)), fold=False))) == 21


def test_steps_that_decide_are_not_folded(record: Record) -> None:
    """A step that is marked is drawn, with its mark, in the middle of dull ones."""
    lines = body(draw_lanes(record(dull(20)), marks=[10]))

    assert lines == [
        "   1   (8 steps without a change)",
        "   9   task.loop",
        "  10   .loop  <--",
        "  11   (9 steps without a change)",
        "  20   task.loop",
        "  21   .loop  done 0 -> 1",
    ]


def test_a_passed_trace_has_no_mark(calm: Trace) -> None:
    """Where nothing broke, no step is marked as the one that broke it."""
    picture = draw_lanes(calm)

    assert "<--" not in picture
    assert "passed after 6 steps\n" in picture
    assert "concerned" not in picture


def test_daemons_share_a_column_on_the_right(serving: Trace) -> None:
    """A daemon that did something stands on the right if there is room for it."""
    heading = draw_lanes(serving).splitlines()[2]

    assert heading.split() == ["step", "reader", "disk"]


def test_daemons_are_left_out_where_they_do_not_fit(record: Record) -> None:
    """Where there is no room for daemons they are left out, and the picture says so."""

    def build(execution: Execution, state: State) -> None:
        crowd(4)(execution, state)

        async def serve() -> None:
            state["served"] = 1

        execution.spawn("kswapd", serve, daemon=True)

    trace = record(build)

    assert "(not drawn: kswapd)\n" in draw_lanes(trace, width=76)
    assert "kswapd" in draw_lanes(trace, width=120).splitlines()[2]
    assert "all tasks" in draw_lanes(trace, width=76, daemons=True).splitlines()[2]


def test_an_idle_daemon_has_no_column(record: Record) -> None:
    """A daemon that only started to wait is not in the picture, not even if daemons are."""

    def build(execution: Execution, state: State) -> None:
        queue = WaitQueue("work")

        async def serve() -> None:
            await queue.wait("serve.wait")

        execution.spawn("kswapd", serve, daemon=True)
        dull(2)(execution, state)

    assert "kswapd" not in draw_lanes(record(build), daemons=True)


def test_many_tasks_share_one_column(record: Record) -> None:
    """Where the tasks do not fit side by side, all share a column and each line names one."""
    lines = draw_lanes(record(crowd(9))).splitlines()

    assert lines[2] == "step   all tasks"
    assert "   2   task0: task0.write  swap0:17 - -> task0" in lines


def test_a_selection_is_drawn_with_the_whole_verdict(race: Trace) -> None:
    """Of a selection only the chosen steps are drawn; the verdict stays."""
    picture = draw_lanes(race, events=select(race, tasks=["zap"]))

    assert picture.splitlines()[2] == "step   zap"
    assert len([line for line in body(picture) if re.match(" *[0-9]", line)]) == 3
    assert "violation of I-TABLE in step 6, fault at swap_cache_add.lock\n" in picture


def test_a_cut_trace_does_not_blame_its_last_step(race: Trace, deadlock: Trace) -> None:
    """What is missing is counted; no step is said to have broken what a later one broke."""
    picture = draw_lanes(attrs.evolve(race, events=race.events[:5], missing=1))

    assert "violation of I-TABLE after 6 steps\n" in picture
    assert "  (the file was cut: 1 event is not in it)\n" in picture
    assert "<-- I-TABLE" not in picture
    assert "last steps" not in picture
    locks = draw_lanes(attrs.evolve(deadlock, events=deadlock.events[:2], missing=2))
    assert "2 events are not in it" in locks
    assert "holds no lock" not in locks


def test_nothing_selected_is_said(race: Trace) -> None:
    """A selection of nothing leaves the title and the verdict, and a word between them."""
    above = draw_lanes(race, events=()).partition("violation of I-TABLE in")[0]

    assert "step  " not in above
    assert above.endswith("\n\n(no step fits what was asked for)\n\n")


def test_an_execution_without_a_step_is_no_selection(record: Record) -> None:
    """Where nobody has done anything, nothing was asked for in vain."""
    assert "no step fits" not in draw_lanes(record(lambda execution, state: None))


def test_every_kind_of_step_has_words(record: Record) -> None:
    """What a step did is told once: by its changes, by its locks, or by its operation."""

    def build(execution: Execution, state: State) -> None:
        spin, mutex, queue = SpinLock("s"), Mutex("m"), WaitQueue("q")

        async def task() -> None:
            await spin.acquire("a")
            spin.release()
            await mutex.acquire("b")
            assert not await mutex.try_acquire("c")
            await mutex.release("d")
            assert await mutex.try_acquire("e")
            await mutex.release("f")
            await queue.wake_all("g")
            await sleep("h", 5)
            await point("i", Kind.READ, "swap0:17")
            await point("j", Kind.WRITE, "swap0:17")
            await point("k", Kind.WRITE, "swap0:17")
            state["swap0:17"] = "s1"

        execution.spawn("task", task)

    lines = [line[7:] for line in body(draw_lanes(record(build, FirstChoice())))]

    assert lines == [
        "start",
        "a  lock/unlock s",
        "b  lock m",
        "c  trylock m failed",
        "d  unlock m",
        "e  lock m",
        "f  unlock m",
        "g  wake q",
        "h  sleep",
        "i  read swap0:17",
        "j  write swap0:17",
        "k  swap0:17 - -> s1",
    ]


def test_reports_stand_below_the_verdict(calm: Trace) -> None:
    """Findings that did not end the execution are listed."""
    header = attrs.evolve(calm.header, reports=(Report("I-COUNT", "one too many"),))

    assert "\nalso reported:\n  I-COUNT: one too many\n" in draw_lanes(
        Trace(header, calm.events)
    )


@pytest.mark.parametrize(
    ("ending", "check", "sentence"),
    [
        (Ending.PASSED, "", "passed after 6 steps"),
        (
            Ending.VIOLATION,
            "I-TABLE",
            "violation of I-TABLE in step 6, zap at swap_entry_free.",
        ),
        (Ending.DEADLOCK, "deadlock", "deadlock after step 6, zap at swap_entry_free.write"),
        (Ending.LIVELOCK, "step-budget", "livelock (step-budget) after step 6, zap at "),
        (Ending.DIVERGED, "", "diverged after step 6, zap at swap_entry_free.write"),
        (Ending.UNREACHED, "", "window-not-reached after step 6, zap at swap_entry_free.write"),
        (Ending.ERROR, "", "error in step 6, zap at swap_entry_free.write"),
    ],
)
def test_every_ending_has_a_sentence(
    calm: Trace, ending: Ending, check: str, sentence: str
) -> None:
    """The verdict says how it ended, at which step, and where the task stood."""
    schedule = calm.header.verdict.schedule
    verdict = Verdict(ending, 6, schedule, check, message="a message")
    picture = draw_lanes(Trace(attrs.evolve(calm.header, verdict=verdict), calm.events))

    assert f"\n{sentence}" in picture
    assert "\n  a message\n" in picture


def test_the_tasks_concerned_are_those_who_touched_the_same(record: Record) -> None:
    """Who last touched what the breaking step touched is concerned; who did not is not."""

    def build(execution: Execution, state: State) -> None:
        async def touch(key: str) -> None:
            await point("touch.write", Kind.WRITE, key)
            state[key] = state.get(key, "") == ""

        async def judge() -> None:
            await point("judge.read", Kind.READ, "swap0:17")
            raise AssertionError("found by judge, not by judgement")

        execution.spawn("other", touch, "swap0:99")
        execution.spawn("toucher", touch, "swap0:17")
        execution.spawn("judgement-day", touch, "swap0:98")
        execution.spawn("judge", judge)

    picture = draw_lanes(record(build))

    concerned = picture.partition("concerned:\n")[2].partition("\n\n")[0]
    assert concerned.splitlines() == [
        "  step 3, toucher at start",
        "  step 4, toucher at touch.write: swap0:17 0 -> 1",
        "  step 7, judge at start",
        "  step 8, judge at judge.read: read swap0:17",
    ]
