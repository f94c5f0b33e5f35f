# SPDX-License-Identifier: MIT OR Apache-2.0
"""An execution that goes round for ever is a verdict where that is proven, and only there."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.explore.exhaustive import Outcome, Settings, explore_program
from swaptrio.explore.exhaustive.round import Rounds
from swaptrio.sched import (
    Ending,
    Recorded,
    Shared,
    SpinLock,
    choose,
    point,
    run,
    sleep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from swaptrio.explore.exhaustive import Found
    from swaptrio.sched import Execution, Program

CLASSES = Settings()
STATES = Settings(cache=True)
STUBBORN = Settings(cache=True, stubborn=True)
PREEMPTIONS = Settings(preemptions=1)
BOTH = Settings(preemptions=1, cache=True)
MODES = pytest.mark.parametrize("settings", [CLASSES, STATES, STUBBORN, PREEMPTIONS, BOTH])


def spins(execution: Execution) -> Callable[[], int]:
    """One task waits for a flag without a sleep, the other one sets it."""
    flag = Shared("flag", 0)

    async def waits() -> None:
        while not await flag.read("waits.read"):
            pass

    async def sets() -> None:
        await flag.write("sets.write", 1)

    execution.spawn("waits", waits)
    execution.spawn("sets", sets)
    return lambda: flag.value


def waits_in_vain(execution: Execution) -> None:
    """What a task waits for never comes, whatever the other one does."""
    x = Shared("x", 0)

    async def waits() -> None:
        while await x.read("waits.read") < 2:
            await point("waits.again")

    async def sets() -> None:
        await x.write("sets.write", 1)

    execution.spawn("waits", waits)
    execution.spawn("sets", sets)


def after_you(execution: Execution) -> None:
    """Two tasks that each step back where they meet the other."""
    wishes = {name: Shared(name, 0) for name in "ab"}

    async def polite(mine: Shared[int], other: Shared[int]) -> None:
        await mine.write("polite.wish", 1)
        while await other.read("polite.look"):
            await mine.write("polite.back", 0)
            await mine.write("polite.wish", 1)
        await mine.write("polite.done", 0)

    execution.spawn("a", polite, wishes["a"], wishes["b"])
    execution.spawn("b", polite, wishes["b"], wishes["a"])


def numbers() -> Iterator[int]:
    """A generator."""
    yield from (1, 2)
    yield 3


def letters() -> Iterator[object]:
    """What cannot be looked into."""
    return groupby("ab")


@pytest.mark.parametrize("settings", [STATES, STUBBORN])
@pytest.mark.parametrize(
    ("held", "told"),
    [(numbers, ["state-repeats"]), ({1: 2}.values, ["state-repeats"]), (letters, [])],
)
def test_a_loop_is_known_by_what_it_holds(
    settings: Settings, held: Callable[[], Iterable[object]], told: list[str]
) -> None:
    """A generator that has stopped is looked into, as is a view; a ``groupby`` cannot be."""

    def program(execution: Execution) -> None:
        async def turns() -> None:
            while True:
                things = held()
                for _ in things:
                    await point("turns.again")

        execution.spawn("a", turns)

    result = explore_program(program, attrs.evolve(settings, budget=200))
    assert [found.verdict.check for found in result.violations] == told
    assert result.complete == bool(told)


def nothing() -> None:
    """The programs keep all they have in their tasks."""


def replayed(program: Program, found: Found) -> tuple[Ending, str, tuple[str, ...]]:
    """How *program* ends by the schedule of a violation."""
    verdict = run(program, Recorded(found.schedule), fingerprint=nothing).verdict
    assert verdict is not None
    return verdict.ending, verdict.check, verdict.cycle


@MODES
def test_who_spins_starves_the_others(settings: Settings) -> None:
    """A task alone that goes round without a sleep is a livelock, and the round is shown."""
    (found,) = explore_program(spins, settings).violations

    assert (found.verdict.ending, found.verdict.check) == (Ending.LIVELOCK, "starvation")
    assert "sets could go on at start (start), and does not get to run" in found.verdict.message
    assert found.verdict.cycle == ("waits waits.read",)
    assert replayed(spins, found) == (Ending.LIVELOCK, "starvation", ("waits waits.read",))


@pytest.mark.parametrize("settings", [STATES, STUBBORN])
def test_who_does_not_look_for_rounds_tells_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known states end the search all the same, so nothing else would tell a livelock."""
    monkeypatch.setattr(Rounds, "meet", lambda *_: None)
    result = explore_program(spins, settings)
    assert result.complete
    assert result.violations == ()


@pytest.mark.parametrize("settings", [STATES, STUBBORN, BOTH])
@pytest.mark.parametrize(("locks", "told"), [(True, []), (False, ["starvation"])])
def test_who_holds_a_spin_lock_is_not_starved(
    settings: Settings, locks: bool, told: list[str]
) -> None:
    """Nobody is preempted under it, so who waits for what he does next waits not for ever."""

    def program(execution: Execution) -> None:
        flag, begun, lock = Shared("flag", 0), Shared("begun", 0), SpinLock("lock")

        async def waits() -> None:
            await begun.until("waits.begun", bool)
            while not await flag.read("waits.read"):
                pass

        async def sets() -> None:
            if locks:
                await lock.acquire("sets.lock")
            await begun.write("sets.begun", 1)
            await flag.write("sets.flag", 1)
            if locks:
                lock.release()

        execution.spawn("waits", waits)
        execution.spawn("sets", sets)

    result = explore_program(program, settings)
    assert [found.verdict.check for found in result.violations] == told


@MODES
def test_what_comes_beside_a_livelock_is_explored(settings: Settings) -> None:
    """The executions in which the other task is let go on are met all the same."""
    result = explore_program(spins, settings)
    assert result.finals == {0, 1}
    assert result.outcome is (
        Outcome.COMPLETE if settings.preemptions is None else Outcome.BOUNDED
    )


@MODES
def test_first_livelock_ends_the_search(settings: Settings) -> None:
    """It is a violation as any other."""
    plan = attrs.evolve(settings, stop_at_first=True)
    assert explore_program(spins, plan).outcome is Outcome.VIOLATION


@MODES
def test_a_wait_for_what_never_comes(settings: Settings) -> None:
    """Where nobody else is left, the round is fair: then nobody can say that he was starved."""
    violations = explore_program(waits_in_vain, settings).violations
    checks = {found.verdict.check: found for found in violations}

    assert set(checks) == {"starvation", "state-repeats"}
    fair = checks["state-repeats"]
    assert set(fair.verdict.cycle) == {"waits waits.read", "waits waits.again"}
    assert replayed(waits_in_vain, fair)[:2] == (Ending.LIVELOCK, "state-repeats")


@pytest.mark.parametrize("settings", [STATES, STUBBORN])
def test_two_tasks_that_go_round_together(settings: Settings) -> None:
    """A round that decisions make up is found among the states, and its schedule shows it."""
    violations = explore_program(after_you, settings).violations
    fair = [found for found in violations if found.verdict.check == "state-repeats"]

    assert len(fair) == 1
    assert {step.split()[0] for step in fair[0].verdict.cycle} == {"a", "b"}
    assert replayed(after_you, fair[0])[:2] == (Ending.LIVELOCK, "state-repeats")


@pytest.mark.parametrize(
    ("settings", "rounds"),
    [(STATES, "2 unfair rounds"), (BOTH, "2 unfair rounds"), (STUBBORN, "1 unfair round")],
)
def test_a_round_that_is_not_fair_proves_nothing(settings: Settings, rounds: str) -> None:
    """Who sleeps between two looks lets others go on; that it need not is said, and no more.

    It can go round before the other has begun, and after; a stubborn search begins with that.
    """

    def program(execution: Execution) -> None:
        flag = Shared("flag", 0)

        async def waits() -> None:
            while not await flag.read("waits.read"):
                await sleep("waits.sleep", 1)

        async def sets() -> None:
            await flag.write("sets.write", 1)

        execution.spawn("waits", waits)
        execution.spawn("sets", sets)

    result = explore_program(program, settings)
    assert result.violations == ()
    assert result.statement.endswith(f"no violation, {rounds}")


@pytest.mark.parametrize("settings", [STATES, STUBBORN])
def test_a_round_that_draws_proves_nothing(settings: Settings) -> None:
    """What failed need not fail for ever."""

    def program(execution: Execution) -> None:
        async def allocates() -> None:
            while choose("allocates.data", ("fail", "ok")) == "fail":
                await point("allocates.again")

        execution.spawn("a", allocates)

    result = explore_program(program, settings)
    assert result.violations == ()
    assert result.statement.endswith("no violation, 1 unfair round")


@MODES
def test_a_long_loop_that_makes_progress(settings: Settings) -> None:
    """Whoever counts is never back where it was."""

    def program(execution: Execution) -> None:
        async def counts() -> None:
            for _ in range(300):
                await point("counts.again")

        execution.spawn("a", counts)

    result = explore_program(program, settings)
    assert result.complete
    assert (result.executions, result.violations, result.rounds) == (1, (), 0)


def test_a_round_within_a_wish_is_gone_on_with() -> None:
    """On its way to what it wants to see a search passes through states that come back.

    One task goes round from the beginning. Whatever of the others has happened before that is
    all that ever does, and any of it may have: each order of some of the writes.
    """

    def program(execution: Execution) -> Callable[[], str]:
        never, last, order = Shared("never", 0), Shared("last", ""), []

        async def waits() -> None:
            while not await never.read("waits.read"):
                pass

        async def writes(name: str) -> None:
            await last.write("writes.write", name)
            order.append(name)

        execution.spawn("c", writes, "c")
        execution.spawn("waits", waits)
        execution.spawn("d", writes, "d")
        return lambda: "".join(order)

    assert explore_program(program).finals == {"", "c", "d", "cd", "dc"}
