# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scenarios that come with swaptrio: each window in each version; what catches what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.checks import CHECKS, SOFT
from swaptrio.explore.catalogue import ABSENT, ENTRIES
from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import (
    BUDGET,
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
from swaptrio.sched import (
    Ending,
    Execution,
    Observer,
    RandomWalk,
    Run,
    Script,
    Task,
    open_scheduler,
    run,
)
from swaptrio.sched.strategies import parse
from swaptrio.sched.verdict import TOLD_BY
from swaptrio.variants import VERSIONS, Variant
from swaptrio.variants import load as load_variant
from swaptrio.variants import names as variant_names

if TYPE_CHECKING:
    from swaptrio.scenario.format import Expect, Scenario, Window

#: By mutant: a window that catches it, the check, and a scenario in which chance does.
CAUGHT = {
    "no-second-check": ("two-faults-one-slot", "main", "I-ONE", "large-vs-small-neighbour"),
    "check-without-lock": (
        "neighbour-freed-between-checks",
        "main",
        "I-CLCOUNT",
        "two-faults-one-slot",
    ),
    "chris-literal": (
        "chris-literal-order-minus-one",
        "main",
        "I-PROGRESS",
        "large-vs-small-neighbour",
    ),
    "rollback-keeps-slot": (
        "count-drops-while-inserting",
        "charge-fails",
        "I-KIND",
        "count-drops-while-inserting",
    ),
    "free-all": (
        "partial-count-drop-then-charge-fail",
        "main",
        "I-COUNT",
        "partial-count-drop-then-charge-fail",
    ),
    "free-none": (
        "partial-count-drop-then-charge-fail",
        "main",
        "I-KIND",
        "partial-count-drop-then-charge-fail",
    ),
    "free-before-unlock": (
        "charge-fail-clobbers-neighbour-shadows",
        "main",
        "I-REFS",
        "charge-fail-clobbers-neighbour-shadows",
    ),
    "no-range-check": (
        "large-vs-small-neighbour",
        "between-checks",
        "I-ONE",
        "large-vs-small-neighbour",
    ),
    "no-rematch": (
        "lookup-sees-uncharged-then-gone",
        "one-charge-fails",
        "I-ERRNO",
        "lookup-sees-uncharged-then-gone",
    ),
    "stats-before-charge": ("stats-before-charge", "main", "Q-STATS", "stats-before-charge"),
    "get-without-try": (
        "reclaim-just-read-folio",
        "reclaim-first",
        "BUG",
        "reclaim-just-read-folio",
    ),
    "freeze-ignores-extra": (
        "reclaim-just-read-folio",
        "fault-first",
        "I-REFS",
        "reclaim-just-read-folio",
    ),
    "swap-order": ("dirty-after-refcheck", "main", "I-DIRTYCLEAN", "dirty-after-refcheck"),
    "free-under-writeback": (
        "writeback-blocks-removal",
        "main",
        "I-DELLOCK",
        "writeback-blocks-removal",
    ),
    "no-pte-recheck": (
        "count-drops-while-inserting",
        "charge-succeeds",
        "I-PTEMATCH",
        "count-drops-while-inserting",
    ),
    "skip-swapcache": ("skip-swapcache-aba", "stale", "I-MAPDATA", "skip-swapcache-aba"),
    "no-tick": (
        "readahead-has-cache-livelock",
        "main",
        "starvation",
        "readahead-has-cache-livelock",
    ),
    "no-timeout": (
        "swapcache-prepare-tick",
        "main",
        "lost-wakeup",
        "swapcache-prepare-tick",
    ),
    "erase-on-private-load": (
        "zswap-exclusive-load-on-bypass",
        "main",
        "I-MAPDATA",
        "zswap-exclusive-load-on-bypass",
    ),
    "record-before-charge": (
        "alloc-charge-swap-rollback",
        "main",
        "Q-SWAP",
        "alloc-charge-swap-rollback",
    ),
    "unref-id": ("offline-memcg-swapin", "before-the-fault", "Q-SWAP", "offline-memcg-swapin"),
    "read-id-at-first-check": (
        "slot-recycled-between-checks",
        "main",
        "I-OWNER",
        "slot-recycled-between-checks",
    ),
    "no-pin-in-put": ("free-vs-swapoff", "main", "I-DEV", "free-vs-swapoff"),
    "inuse-first": ("inuse-zero-before-cleanup", "main", "Q-OFF", "inuse-zero-before-cleanup"),
    "unlock-before-use": ("swapoff-vs-alloc", "zswap", "BUG", "swapoff-vs-alloc"),
    "no-recheck-after-extend-alloc": (
        "count-continuation-race",
        "two-tables",
        "I-EXT",
        "count-continuation-race",
    ),
    "no-tree-recheck": (
        "zswap-writeback-recycled-slot",
        "main",
        "I-MAPDATA",
        "zswap-writeback-recycled-slot",
    ),
    "abort-leak": (
        "zswap-writeback-abort-leak",
        "main",
        "I-SPIN",
        "zswap-writeback-abort-leak",
    ),
    "non-atomic-bitmap": ("zeromap-bit-rmw", "main", "I-MAPDATA", "zeromap-bit-rmw"),
    "publish-before-dup": (
        "truncate-vs-writepage-count",
        "main",
        "I-COUNT",
        "truncate-vs-writepage-count",
    ),
    "per-page-entry": (
        "migrate-then-split-tail-entries",
        "main",
        "I-BACKREF",
        "migrate-then-split-tail-entries",
    ),
    "v2-einval": ("v2-no-mpol-no-vmf", "main", "I-ERRNO", "v2-no-mpol-no-vmf"),
    "tree-before-cache": (
        "zswap-lru-vs-swapoff",
        "main",
        "I-DEV",
        "zswap-lru-vs-swapoff",
    ),
    "split-clobbers-entry": (
        "split-clobbers-entry",
        "main",
        "I-BACKREF",
        "split-clobbers-entry",
    ),
    "old-no-recheck": (
        "early-cache-free-repeated-fault",
        "taken",
        "I-PTEMATCH",
        "early-cache-free-repeated-fault",
    ),
    "unpinned-fault": ("swapoff-vs-swapin-uaf", "pinned", "I-DEV", "swapoff-vs-swapin-uaf"),
    "no-writeok-recheck": (
        "swapoff-vs-alloc-scan",
        "off-first",
        "Q-OFF",
        "swapoff-vs-alloc-scan",
    ),
    "late-writeok": (
        "swapoff-vs-get-swap-pages",
        "off-first",
        "Q-OFF",
        "swapoff-vs-get-swap-pages",
    ),
    "zeromap-of-first": (
        "partial-zeromap-large-read",
        "main",
        "I-ZEROUNI",
        "partial-zeromap-large-read",
    ),
    "truncate-seen-order": (
        "shmem-truncate-vs-split",
        "read-back",
        "I-COUNT",
        "shmem-truncate-vs-split",
    ),
    "uffd-any-folio": (
        "uffd-move-foreign-folio",
        "main",
        "I-PTEMATCH",
        "uffd-move-foreign-folio",
    ),
    "uffd-missed-folio": (
        "uffd-move-missed-folio",
        "main",
        "I-PTEMATCH",
        "uffd-move-missed-folio",
    ),
    "nonzero-split": (
        "split-cached-to-nonzero-order",
        "main",
        "I-BACKREF",
        "split-cached-to-nonzero-order",
    ),
    "swapout-keeps-queued": (
        "v1-swapout-vs-deferred-split",
        "main",
        "BUG",
        "v1-swapout-vs-deferred-split",
    ),
    "wait-before-submit": (
        "readahead-waits-for-its-plug",
        "main",
        "deadlock",
        "readahead-waits-for-its-plug",
    ),
}

#: Those whose mistake shows only if others take many steps between two of one task, which a
#: random walk seldom gives them: the strategy that does.
CHANCE = {
    "read-id-at-first-check": "pct:3",
    "abort-leak": "pct:3",
    "no-tree-recheck": "pct:3",
    "per-page-entry": "pct:3",
    "no-pin-in-put": "surw:swap0",
    "inuse-first": "surw:swap0",
    "unpinned-fault": "pct:3",
    "tree-before-cache": "pct:3",
    "no-timeout": "pct:3",
    "old-no-recheck": "pct:3",
    "truncate-seen-order": "surw:swap0",
    "uffd-any-folio": "surw:swap0",
    "uffd-missed-folio": "surw:swap0",
    "nonzero-split": "surw:swap0",
}

#: Versions that are wrong in a way that the catalogue names, and where.
WRONG = {
    "pre": ("prepatch-conflict-becomes-oom", "main", "I-ERRNO", "slot-recycled-between-checks"),
    "v4": (
        "v4-while-orders-without-thp",
        "allocation-fails",
        "I-PROGRESS",
        "v4-while-orders-without-thp",
    ),
}


@cache
def scenario_called(name: str) -> Scenario:
    """The scenario of that name, read once."""
    return load_checked(find(name))


@cache
def variant_called(name: str) -> Variant:
    """The variant of that name, loaded once."""
    return load_variant(name)


def window_called(scenario: str, name: str) -> Window:
    """A window of a scenario."""
    return next(window for window in scenario_called(scenario).window if window.name == name)


def windows() -> list[tuple[str, str]]:
    """All windows, by the names of scenario and window."""
    return [(name, window.name) for name in names() for window in scenario_called(name).window]


def cases() -> list[object]:
    """Each window with each version, and with the mutants that it speaks of."""
    return [
        pytest.param(scenario, window, variant, id=f"{scenario}-{window}-{variant}")
        for scenario, window in windows()
        for variant in variant_names()
        if variant in VERSIONS or variant in window_called(scenario, window).expect
    ]


def sound(variant: str) -> list[str]:
    """The scenarios in which, by their own files' word, no window makes *variant* fail."""
    version = variant_called(variant)
    return [
        name
        for name in names()
        if all(
            expected_of(window, version).verdict in ("passed", "n/a")
            for window in scenario_called(name).window
        )
    ]


WINDOWS = [pytest.param(*names, id="-".join(names)) for names in windows()]


async def played(
    scenario: str, window: str, variant: str, observer: Observer | None = None
) -> Played:
    """The one execution that a window leads to."""
    version = variant_called(variant)
    setup = Setup(scenario_called(scenario), version)
    script = script_of(window_called(scenario, window), version)
    async with open_scheduler("stepped") as scheduler:
        return await play(scheduler, setup, script, observer)


@pytest.mark.parametrize(("scenario", "window", "variant"), cases())
async def test_a_window_ends_as_expected(scenario: str, window: str, variant: str) -> None:
    """Every version comes through every window, and ends as its file says; so do mutants."""
    expect = expected_of(window_called(scenario, window), variant_called(variant))
    if expect.verdict == "n/a":
        assert expect.reason
        return
    result = await played(scenario, window, variant)
    assert list(missed(result, expect)) == [], result.verdict


def altered(expect: Expect, found: Played) -> Iterator[Expect]:
    """*expect* with one thing changed at a time, so that it no longer is what was found."""
    if expect.verdict == "violation":
        yield attrs.evolve(expect, check=next(name for name in CHECKS if name != expect.check))
        yield attrs.evolve(expect, verdict="passed", check="")
    else:
        yield attrs.evolve(
            expect, verdict="passed" if expect.verdict == "deadlock" else "deadlock", check=""
        )
        if expect.check:
            told = TOLD_BY[expect.verdict]
            yield attrs.evolve(
                expect, check=next(each for each in told if each != expect.check)
            )
    for task, result in expect.results.items():
        yield attrs.evolve(expect, results={**expect.results, task: f"{result}-not"})
    for slot, state in expect.slots.items():
        other = "f9" if state != "f9" else "-"
        yield attrs.evolve(expect, slots={**expect.slots, slot: other})
    for counter, value in expect.counters.items():
        yield attrs.evolve(expect, counters={**expect.counters, counter: value + 1})
    reported = [finding.check for finding in found.world.oracles.findings]
    for check in sorted(SOFT):
        if check not in reported:
            yield attrs.evolve(expect, reports=(*expect.reports, check))


@attrs.define(eq=False)
class Functions:
    """Reads the table of a kernel's functions at the first step and at the last."""

    watched: Watched = attrs.Factory(Watched)
    first: dict[str, object] = attrs.Factory(dict)
    last: dict[str, object] = attrs.Factory(dict)

    def step(self, execution: Execution, task: Task) -> None:
        """Read it."""
        assert self.watched.world is not None
        self.last = dict(self.watched.world.kernel.functions)
        self.first = self.first or self.last

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Nothing to see."""

    def end(self, execution: Execution) -> None:
        """Nothing to see."""


@pytest.mark.parametrize("mutant", CAUGHT)
async def test_a_mutant_is_what_it_is_from_the_first_step_on(mutant: str) -> None:
    """It changes no function while it runs: then what came before would have been another."""
    scenario, window = CAUGHT[mutant][:2]
    seen = Functions()
    seen.watched.inner = seen

    await played(scenario, window, mutant, seen.watched)

    assert seen.first == seen.last != {}


@pytest.mark.parametrize(("scenario", "window"), WINDOWS)
async def test_each_expectation_has_meaning(scenario: str, window: str) -> None:
    """Whatever is changed in what a file expects is missed: nothing is expected in vain."""
    for variant, expect in window_called(scenario, window).expect.items():
        if expect.verdict == "n/a":
            continue
        found = await played(scenario, window, variant)
        for other in altered(expect, found):
            assert list(missed(found, other)), f"{variant}: {other}"


def passing(window: Window) -> Iterator[Variant]:
    """The versions that must pass a window; the others fail, or it means nothing to them."""
    for name in VERSIONS:
        if expected_of(window, variant_called(name)).verdict == "passed":
            yield variant_called(name)


def not_entered(script: Script) -> Iterator[Script]:
    """*script* with one of its conditions at a time such that nothing can meet it."""
    entries = script.window
    for number, entry in enumerate(entries):
        if entry.until:
            never = attrs.evolve(entry, times=BUDGET)
            yield Script((*entries[:number], never, *entries[number + 1 :]), script.choices)
    for label, options in script.choices.items():
        more = (*options, *["ok"] * BUDGET)
        yield Script(entries, {**script.choices, label: more})


@pytest.mark.parametrize(("scenario", "window"), WINDOWS)
async def test_what_is_not_entered_is_missed(scenario: str, window: str) -> None:
    """A window that a version comes past, or into by half, is no pass, whatever passes then.

    Windows that run whole tasks in some order have results of what they have run instead.
    """
    found = window_called(scenario, window)
    for version in passing(found):
        setup, expect = Setup(scenario_called(scenario), version), expected_of(found, version)
        script = script_of(found, version)
        broken = list(not_entered(script))
        led = {entry.task for entry in script.window}
        assert broken or len(led & expect.results.keys()) >= min(2, len(led)), version.name
        async with open_scheduler("stepped") as scheduler:
            for other in broken:
                assert list(missed(await play(scheduler, setup, other), expect)), version.name


def emptied(scenario: Scenario) -> list[Scenario]:
    """*scenario* with nothing swapped out, and with nothing resident, where there is any."""
    worlds = []
    if scenario.slots:
        worlds.append(attrs.evolve(scenario, slots=()))
    if scenario.page:
        worlds.append(attrs.evolve(scenario, page=()))
    return worlds


@pytest.mark.parametrize(
    ("scenario", "window"),
    [each for each in WINDOWS if emptied(scenario_called(str(each.values[0])))],
)
async def test_a_window_needs_its_world(scenario: str, window: str) -> None:
    """Where nothing is swapped out, or nothing is resident, nothing happens: that is missed."""
    worlds, found = emptied(scenario_called(scenario)), window_called(scenario, window)
    for version in passing(found):
        expect, script = expected_of(found, version), script_of(found, version)
        async with open_scheduler("stepped") as scheduler:
            for world in worlds:
                played = await play(scheduler, Setup(world, version), script)
                assert list(missed(played, expect)), version.name


@pytest.mark.parametrize(("scenario", "window"), WINDOWS)
def test_a_window_says_what_every_version_makes_of_it(scenario: str, window: str) -> None:
    """old, pre, v3 and v5 have an entry in each window; v4 has one or goes by that of v3.

    A version that passes says more than that: what a task returns, a slot, or a counter.
    """
    expect = window_called(scenario, window).expect
    assert {"old", "pre", "v3", "v5"} <= set(expect)
    for variant in {*VERSIONS} & set(expect):
        entry = expect[variant]
        if entry.verdict == "passed":
            assert entry.results or entry.slots or entry.reports, variant


@pytest.mark.parametrize(("scenario", "window"), WINDOWS)
def test_a_window_tells_its_story(scenario: str, window: str) -> None:
    """A window has a sentence on it, and a reason for each verdict but that a version passes.

    In old the window may come at another place, so that it has one for that as well.
    """
    found = window_called(scenario, window)
    assert found.story
    for variant, entry in found.expect.items():
        if entry.verdict != "passed" or variant == "old":
            assert entry.reason, variant


def test_the_catalogue_is_covered() -> None:
    """Each entry of the catalogue has a scenario, or a reason why it has none."""
    covered = {scenario_called(name).catalogue for name in names()}
    assert {*ENTRIES} - covered == {*ABSENT}


def test_every_mutant_is_caught_somewhere() -> None:
    """A window expects each mutant to fail: a check that nothing makes fail checks nothing."""
    caught = [
        variant
        for scenario, window in windows()
        for variant, expect in window_called(scenario, window).expect.items()
        if expect.verdict not in ("passed", "n/a")
    ]
    mutants = [name for name in variant_names() if name not in VERSIONS]
    assert [name for name in mutants if name not in caught] == []
    assert [name for name in CAUGHT if name not in mutants] == []


def ending_of(check: str) -> Ending:
    """How an execution ends that is caught by *check*."""
    if check == "I-PROGRESS":
        return Ending.LIVELOCK
    return next((Ending(told) for told in TOLD_BY if check in TOLD_BY[told]), Ending.VIOLATION)


LIVELOCKS = [
    (scenario, window, variant)
    for scenario, window in windows()
    for variant, expect in window_called(scenario, window).expect.items()
    if expect.verdict == "livelock" and not expect.check
]


def test_there_are_livelocks() -> None:
    """B04 and B05 end as livelocks where who finds a slot claimed does not sleep."""
    found = {(scenario, variant) for scenario, _, variant in LIVELOCKS}
    assert ("readahead-has-cache-livelock", "no-tick") in found
    assert ("shmem-direct-swapin-livelock", "no-tick") in found


async def test_a_wakeup_that_is_lost_is_named() -> None:
    """B03 ends as a lost wake-up where nothing else ends the sleep, and says which it was."""
    verdict = (await played("swapcache-prepare-tick", "main", "no-timeout")).verdict
    assert (verdict.ending, verdict.check) == (Ending.DEADLOCK, "lost-wakeup")
    assert (
        "loser waits at swapin_sync.wait for swapcache_wq and has slept through the wake-up of "
        "winner at swapcache_clear.wake, step " in verdict.message
    )


@pytest.mark.parametrize("comes", ["do_swap_page.ptl", "swapin_sync.memcg1"])
async def test_a_wakeup_in_time_is_heard(comes: str) -> None:
    """Where the loser sleeps before the claim is let go, it goes on."""
    setup = Setup(scenario_called("swapcache-prepare-tick"), variant_called("no-timeout"))
    script = Script((Run("winner", comes), Run("loser", "swapin_sync.wait"), Run("winner")))
    async with open_scheduler("stepped") as scheduler:
        found = await play(scheduler, setup, script)
    assert found.verdict.passed
    assert found.world.results == {"winner": "read", "loser": "read"}


@pytest.mark.parametrize(("scenario", "window", "variant"), LIVELOCKS)
async def test_a_livelock_ends_by_its_cycle(scenario: str, window: str, variant: str) -> None:
    """It is noticed as soon as the state is back, not when a budget is spent, and is shown."""
    verdict = (await played(scenario, window, variant)).verdict
    assert (verdict.ending, verdict.check) == (Ending.LIVELOCK, "starvation")
    assert verdict.steps < BUDGET / 10
    assert len({step.split()[0] for step in verdict.cycle}) == 1
    assert "could go on" in verdict.message


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [
        ("chris-literal-order-minus-one", "chris-literal"),
        ("v4-while-orders-without-thp", "v4"),
    ],
)
async def test_a_loop_over_orders_ends_at_once(scenario: str, variant: str) -> None:
    """A loop over orders that gets nowhere is a livelock once an order comes a third time."""
    for window in scenario_called(scenario).window:
        verdict = (await played(scenario, window.name, variant)).verdict
        assert (verdict.ending, verdict.check) == (Ending.LIVELOCK, "I-PROGRESS")
        assert verdict.steps < 60


@pytest.mark.parametrize("variant", [*CAUGHT, *WRONG])
async def test_a_window_catches_it(variant: str) -> None:
    """The named window finds the mistake by name, and is passed by the version without it."""
    scenario, window, check, _ = {**CAUGHT, **WRONG}[variant]
    found = await played(scenario, window, variant)
    assert (found.verdict.ending, found.verdict.check) == (ending_of(check), check)
    base = variant_called(variant).base
    sound = await played(scenario, window, "v3" if base in WRONG else base)
    assert sound.verdict.passed


#: What no fair schedule shows: who spins is interrupted, and the one that it spins for goes on.
FAIR = ("no-tick",)


@pytest.mark.parametrize("variant", FAIR)
async def test_chance_lets_everybody_go_on(variant: str) -> None:
    """Every strategy is fair in the end; so who only starves others is found by its window."""
    scenario = CAUGHT[variant][-1]
    setup = Setup(scenario_called(scenario), variant_called(variant))
    strategies = [parse(text) for text in ("random", "pct:3", "delay:3", "surw:swap0")]
    async with open_scheduler("stepped") as scheduler:
        for strategy, seed in product(strategies, range(10)):
            strategy.seed = seed
            assert (await play(scheduler, setup, strategy)).verdict.passed


@pytest.mark.parametrize("variant", [name for name in (*CAUGHT, *WRONG) if name not in FAIR])
async def test_chance_catches_it(variant: str) -> None:
    """The set-up without its window finds the mistake within 2,000 seeds."""
    *_, check, scenario = {**CAUGHT, **WRONG}[variant]
    setup = Setup(scenario_called(scenario), variant_called(variant))
    strategy = parse(CHANCE.get(variant, "random"))
    async with open_scheduler("stepped") as scheduler:
        for strategy.seed in range(2_000):
            found = await play(scheduler, setup, strategy)
            if failed(found.verdict):
                assert found.verdict.ending is ending_of(check)
                return
    pytest.fail("2,000 seeds have not found it")


@pytest.mark.parametrize(
    ("scenario", "variant", "strategy", "check"),
    [
        ("mixed-owner-range", "v3", "pct:3", "I-OWNER"),
        ("mixed-zero-flags-range", "v3", "pct:3", "I-ZEROUNI"),
        ("readahead-over-bad-slot", "v5", "random", "I-KIND"),
        ("readahead-caches-hibernation-slot", "v3", "random", "I-DELLOCK"),
        ("charge-wrong-memcg-aba", "pre", "pct:3", "I-OWNER"),
        ("zero-rewrite-keeps-zswap-copy", "v5", "surw:swap0", "I-DIRTYCLEAN"),
        ("v1-swapout-stat-order", "v5", "random", "Q-STATS"),
    ],
)
async def test_chance_finds_what_a_window_leads_to(
    scenario: str, variant: str, strategy: str, check: str
) -> None:
    """The set-up of a race that a version has shows it within 2,000 seeds, without a window."""
    setup = Setup(scenario_called(scenario), variant_called(variant))
    chance = parse(strategy)
    async with open_scheduler("stepped") as scheduler:
        for seed in range(2_000):
            chance.seed = seed
            found = await play(scheduler, setup, chance)
            if failed(found.verdict):
                assert found.verdict.check == check
                return
    pytest.fail("2,000 seeds have not found it")


@pytest.mark.parametrize(("variant", "seeds"), [("old", 3_000), ("v3", 20_000), ("v5", 7_000)])
async def test_nothing_is_held_against_a_sound_version(variant: str, seeds: int) -> None:
    """These pass under chance wherever no window makes them fail: so many seeds in all."""
    setups = [Setup(scenario_called(name), variant_called(variant)) for name in sound(variant)]
    async with open_scheduler("stepped") as scheduler:
        for seed in range(-(-seeds // len(setups))):
            for setup in setups:
                found = await play(scheduler, setup, RandomWalk(seed))
                assert found.verdict.passed, f"{setup.scenario.name} {seed}: {found.verdict}"


@attrs.define(eq=False)
class Modulo:
    """Takes each of *numbers* modulo the count of what there is; 0 when none is left."""

    asks_always: ClassVar[bool] = False

    numbers: Sequence[int]
    _next: int = 0

    def begin(self, execution: Execution) -> None:
        """Begin with the first number."""
        self._next = 0

    def pick(self, execution: Execution, count: int) -> int:
        """Who goes on."""
        return self._take() % count

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What is drawn."""
        return self._take() % len(options)

    def _take(self) -> int:
        self._next += 1
        return self.numbers[self._next - 1] if self._next <= len(self.numbers) else 0


@settings(max_examples=400, deadline=None)
@given(
    case=st.sampled_from([(name, which) for which in ("v3", "v5") for name in sound(which)]),
    numbers=st.lists(st.integers(0, 11), max_size=120),
)
def test_the_invariants_hold_for_any_schedule(
    case: tuple[str, str], numbers: list[int]
) -> None:
    """Whatever the schedule, v3 and v5 break nothing where no window makes them fail."""
    name, variant = case
    setup = Setup(scenario_called(name), variant_called(variant))

    def program(execution: Execution) -> None:
        setup.build(execution)

    verdict = run(program, Modulo(numbers), budget=BUDGET).verdict
    assert verdict is not None
    assert verdict.passed, f"{verdict} {verdict.schedule}"
