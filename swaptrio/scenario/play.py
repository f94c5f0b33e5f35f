# SPDX-License-Identifier: MIT OR Apache-2.0
"""Playing a scenario: once, under any strategy, and what of the end was not expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.checks import CHECKS, SOFT
from swaptrio.errors import Problem, ScenarioError, place, shown
from swaptrio.mm.injection import FAILURES, OUTCOMES
from swaptrio.scenario.load import Draft, draft_of
from swaptrio.scenario.picture import counter_names
from swaptrio.scenario.vocabulary import check_words
from swaptrio.scenario.windows import Expect, Window
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import (
    Ending,
    Execution,
    Observer,
    Run,
    Scheduler,
    Script,
    Strategy,
    Task,
    Verdict,
)
from swaptrio.variants import Variant
from swaptrio.variants import load as load_variant
from swaptrio.variants import names as variant_names
from swaptrio.words import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from swaptrio.scenario.format import Scenario

#: Steps after which an execution of a scenario counts as a livelock.
BUDGET: Final = 5_000

#: What a version must end with where the scenario says nothing of it.
PASSES: Final = Expect(verdict="passed")


@attrs.frozen
class Played:
    """One execution of a scenario, with the world that it left."""

    execution: Execution
    world: World

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        assert self.execution.verdict is not None
        return self.execution.verdict


async def play(
    scheduler: Scheduler,
    setup: Setup,
    strategy: Strategy,
    observer: Observer | None = None,
    *,
    budget: int = BUDGET,
    recorded: bool = True,
    watched: bool = True,
) -> Played:
    """Run a scenario once.

    Args:
        scheduler: runs the execution.
        setup: the scenario and the variant.
        strategy: decides.
        observer: is told of every step; it may look at the world through `Watched`.
        budget: steps after which it counts as a livelock.
        recorded: whether to keep the decisions; see `Scheduler.run`.
        watched: whether to look for a state that comes back, which makes an execution slow
            that is long on purpose.

    Raises:
        Exception: the world cannot be built; nothing has run.
    """
    built: list[World] = []

    def program(execution: Execution) -> None:
        world = setup.build_watched(execution)
        built.append(world)
        if isinstance(observer, Watched):
            observer.world = world

    execution = await scheduler.run(
        program,
        strategy,
        budget=budget,
        observer=observer,
        fingerprint=nothing if watched else None,
        recorded=recorded,
    )
    if not built:
        assert execution.failure is not None
        raise execution.failure
    return Played(execution, built[0])


def nothing() -> None:
    """What is in a world and neither its tasks nor its checks refer to."""


@attrs.define(eq=False)
class Watched:
    """An observer whose *inner* one looks at the world through `snapshot`."""

    inner: Observer | None = None
    world: World | None = None

    def snapshot(self) -> Mapping[str, str | int]:
        """The state of the world that runs now; empty before there is one."""
        return {} if self.world is None else self.world.snapshot()

    def step(self, execution: Execution, task: Task) -> None:
        """Pass the step on."""
        if self.inner is not None:
            self.inner.step(execution, task)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Pass the choice on."""
        if self.inner is not None:
            self.inner.choice(execution, task, label, option)

    def end(self, execution: Execution) -> None:
        """Pass the end on."""
        if self.inner is not None:
            self.inner.end(execution)


def script_of(window: Window, variant: Variant) -> Script:
    """The strategy that drives *variant* through a window."""
    name = _entry(window.instead, variant)
    entries = tuple(Run(step.run, step.until, step.times) for step in window.steps_for(name))
    return Script(entries, dict(window.choices_for(name)))


def expected_of(window: Window, variant: Variant) -> Expect:
    """What *variant* must end a window with: its own entry, or that of its base, or to pass."""
    return window.expect.get(_entry(window.expect, variant), PASSES)


def _entry(table: Mapping[str, object], variant: Variant) -> str:
    """The name by which *table* speaks of a variant: its own, its base's, and so on down."""
    for name in (variant.name, variant.base):
        if name in table:
            return name
    below = load_variant(variant.base).base if variant.base in variant_names() else ""
    return below if below in table else variant.name


def failures_of(scenario: Scenario, variant: Variant) -> list[Expect]:
    """What the windows of a scenario expect of *variant* where it must not pass."""
    expected = [expected_of(window, variant) for window in scenario.window]
    return [expect for expect in expected if expect.verdict not in ("passed", "n/a")]


def ends_so(verdict: Verdict, expect: Expect) -> bool:
    """Whether an execution ended with the ending and, where one is named, the check."""
    return verdict.ending.value == expect.verdict and expect.check in ("", verdict.check)


def missed(played: Played, expect: Expect) -> Iterator[str]:
    """What of *expect* does not hold of an execution, in words; nothing where all does."""
    verdict = played.verdict
    if verdict.ending.value != expect.verdict:
        yield f"verdict: expected {expect.verdict}, got {verdict}"
    elif expect.check and verdict.check != expect.check:
        yield f"check: expected {expect.check}, got {verdict.check}: {verdict.message}"
    found = {finding.check for finding in played.world.oracles.findings}
    for check in expect.reports:
        if check not in found:
            yield f"reports: {check} was not reported"
    yield from _differences("result of", expect.results, played.world.results)
    slots = {name: played.world.slot(name) for name in expect.slots}
    yield from _differences("slot", expect.slots, slots)
    counters = played.world.counters()
    yield from _differences("counter", expect.counters, counters, 0)
    known = counter_names(memcg.name for memcg in played.world.kernel.memcgs.by_id.values())
    for name in expect.counters:
        if name not in known and name not in counters:
            yield f"counter {name}: nothing counts this{did_you_mean(name, known)}"


def _differences(
    what: str,
    expected: Mapping[str, object],
    found: Mapping[str, object],
    none: object = "none",
) -> Iterator[str]:
    for name, value in expected.items():
        if found.get(name, none) != value:
            yield f"{what} {name}: expected {value}, got {found.get(name, none)}"


def failed(verdict: Verdict) -> bool:
    """Whether an execution under a strategy of chance is a find."""
    return verdict.ending is not Ending.PASSED


def load_checked(path: Path, variant: Variant | None = None) -> Scenario:
    """The scenario in a file, all of whose words are known; *variant* may be a user's own.

    Raises:
        ScenarioError: the file cannot be used; lists all its problems.
    """
    draft = draft_of(path)
    if problems := (*draft.problems, *_words(draft, str(path), variant)):
        raise ScenarioError(problems)
    assert draft.scenario is not None
    return draft.scenario


def _words(draft: Draft, file: str, variant: Variant | None) -> Iterator[Problem]:
    """What is wrong with the words of *draft*, for the versions there are and for *variant*."""
    variants = {name: load_variant(name) for name in variant_names()}
    if variant is not None:
        variants[variant.name] = variant
    yield from check_words(
        draft.windows,
        file,
        variants=tuple(variants),
        labels={name: found.labels for name, found in variants.items()},
        checks=tuple(CHECKS),
        choices=dict.fromkeys(FAILURES.values(), OUTCOMES),
    )
    own = variant is not None and variant.name not in variant_names()
    yield from _meaningless(draft, file, own=own)
    for index, window in draft.windows:
        for problem in _unplayed(window, variants.values()):
            yield problem.under("window", index).of(file)


def _meaningless(draft: Draft, file: str, *, own: bool) -> Iterator[Problem]:
    """What no execution could ever be held against, or that nothing is led by.

    A user's *own* variant may count what the model does not know; `missed` looks at that.
    """
    counters = counter_names(draft.memcgs)
    for index, window in draft.windows:
        for variant, expect in window.expect.items():
            unknown = () if own else _uncounted(expect, counters)
            for problem in (*_unchecked(expect), *unknown):
                yield problem.under("window", index, "expect", variant).of(file)
            if expect.verdict == "n/a" and variant in window.instead:
                where = place("window", index, "instead", variant)
                yield Problem(file, where, "", "not used where the verdict is n/a")


def _unplayed(window: Window, variants: Collection[Variant]) -> Iterator[Problem]:
    """What nobody plays: of a mutant only that is played which is expected of it."""
    spoken = [found for found in variants if not found.mutant or found.name in window.expect]
    if all(expected_of(window, found).verdict == "n/a" for found in spoken):
        yield Problem("", "expect", "", "it means nothing to any variant, so none plays it")
    named = [found.name for found in spoken]
    for found in variants:
        if found.name in window.instead and found.name not in named:
            message = "is a mutant of which nothing is expected, so it is never led"
            yield Problem("", place("instead", found.name), "", message)


def _unchecked(expect: Expect) -> Iterator[Problem]:
    if expect.check in SOFT:
        message = "this check reports and ends no execution; it goes under reports"
        yield Problem("", "check", shown(expect.check), message)
    for index, check in enumerate(expect.reports):
        if check in CHECKS and check not in SOFT:
            message = f"this check ends the execution; only {', '.join(sorted(SOFT))} report"
            yield Problem("", place("reports", index), shown(check), message)


def _uncounted(expect: Expect, known: Sequence[str]) -> Iterator[Problem]:
    for name in expect.counters:
        if name not in known:
            hint = nearest(name, known) or ""
            yield Problem("", place("counters", name), "", "there is no such counter", hint)
