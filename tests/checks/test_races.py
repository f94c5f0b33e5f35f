# SPDX-License-Identifier: MIT OR Apache-2.0
"""Data races: what is ordered by locks and messages, and what by the schedule alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

import attrs
import pytest

from swaptrio.checks import Oracles
from swaptrio.checks.protection import TABLE, Rule, row_of
from swaptrio.checks.races import watch_races
from swaptrio.mm.kernel import FUNCTIONS
from swaptrio.scenario.files import find, names
from swaptrio.scenario.load import load
from swaptrio.scenario.load_generator import load_scenario
from swaptrio.scenario.play import BUDGET
from swaptrio.scenario.world import Setup
from swaptrio.sched import (
    Completion,
    Execution,
    FirstChoice,
    Kind,
    Mutex,
    RandomWalk,
    RwSem,
    SendChannel,
    SpinLock,
    Strategy,
    Task,
    Verdict,
    join,
    open_channel,
    point,
    run,
    spawn,
)
from swaptrio.variants import load as load_variant
from tests.checks.conftest import WORLD

Body = Callable[[], Coroutine[Any, Any, object]]


def verdict_of(
    scenario: str, variant: str, strategy: Strategy, *, oracles: bool = True
) -> Verdict:
    """An execution that is watched for races."""
    version = load_variant(variant)
    setup = Setup(load(find(scenario)), version)

    def program(execution: Execution) -> None:
        world = setup.build(execution)
        if not oracles:
            world.oracles.detach()
            world.kernel.functions.update(version.functions)
            execution.at_end.clear()
        watch_races(world.kernel, execution)

    verdict = run(program, strategy, budget=BUDGET).verdict
    assert verdict is not None
    return verdict


@pytest.mark.parametrize("scenario", names())
@pytest.mark.parametrize("variant", ["v3", "v5"])
def test_the_versions_have_no_race(scenario: str, variant: str) -> None:
    """Whatever the versions do without a lock is in the table."""
    for seed in range(10):
        verdict = verdict_of(scenario, variant, RandomWalk(seed))
        assert verdict.check != "I-RACE", verdict


@pytest.mark.parametrize("seed", range(3))
def test_all_that_can_go_on_at_once_has_no_race(seed: int) -> None:
    """Under load, with every check on: v5 neither races nor breaks anything else."""
    setup = Setup(load_scenario(users=8, clusters=2, steps=2500), load_variant("v5"))

    def program(execution: Execution) -> None:
        watch_races(setup.build(execution).kernel, execution)

    verdict = run(program, RandomWalk(seed), budget=10_000).verdict
    assert verdict is not None
    assert verdict.passed, verdict
    assert verdict.steps > 2500


class _NoLock:
    """A block that locks nothing."""

    async def __aenter__(self) -> None:
        """Take nothing."""

    async def __aexit__(self, *exc: object) -> None:
        """Give nothing back."""


#: Critical sections without which something races, each with a scenario in which it does.
SECTIONS = {
    "thp_swapin_suitable_orders.ptl": "neighbour-freed-between-checks",
    "swap_cache_alloc.check": "prepatch-conflict-becomes-oom",
    "swap_cache_alloc.recheck": "prepatch-conflict-becomes-oom",
    "swap_cache_alloc.rollback": "large-vs-small-neighbour",
    "do_swap_page.ptl": "count-drops-while-inserting",
    "zap_pte_range.ptl": "neighbour-freed-between-checks",
    "swap_put_entries_direct.lock": "slot-recycled-between-checks",
    "folio_alloc_swap.charge": "slot-recycled-between-checks",
}


@pytest.mark.parametrize("label", SECTIONS)
def test_a_critical_section_that_does_not_lock_races(
    label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I-RACE: without the lock something is read or written that others write."""
    hold = SpinLock.hold
    taken: list[str] = []

    def no_lock(lock: SpinLock, here: str) -> Any:
        if here != label:
            return hold(lock, here)
        taken.append(here)
        return _NoLock()

    monkeypatch.setattr(SpinLock, "hold", no_lock)
    found = ""
    for seed in range(60):
        verdict = verdict_of(SECTIONS[label], "v3", RandomWalk(seed), oracles=False)
        if verdict.check == "I-RACE":
            found = verdict.message
            break
    assert taken
    assert re.fullmatch(r"\S.*: nothing orders .+ at .+ \(\w+\) and .+ at .+ \(\w+\)", found)


def test_a_mutant_that_checks_without_the_lock_is_found() -> None:
    """I-RACE: the second check of the range, made before the lock is taken."""
    found = [
        verdict_of(scenario, "check-without-lock", RandomWalk(seed), oracles=False).check
        for scenario in ("neighbour-freed-between-checks", "two-faults-one-slot")
        for seed in range(40)
    ]
    assert "I-RACE" in found


def test_who_listens_besides_is_told_the_same() -> None:
    """The observer that was there hears of each step, each choice and the end."""

    @attrs.define(eq=False)
    class Counting:
        steps: int = 0
        ends: int = 0

        def step(self, execution: Execution, task: Task) -> None:
            self.steps += 1

        def choice(
            self, execution: Execution, task: Task, label: str, option: object
        ) -> None: ...

        def end(self, execution: Execution) -> None:
            self.ends += 1

    heard = []
    for races in (False, True):
        observer = Counting()
        setup = Setup(load(find("two-faults-one-slot")), load_variant("v5"))

        def program(execution: Execution, setup: Setup = setup, races: bool = races) -> None:
            world = setup.build(execution)
            if races:
                watch_races(world.kernel, execution)

        run(program, RandomWalk(4), observer=observer)
        heard.append((observer.steps, observer.ends))
    assert heard[0] == heard[1]
    assert heard[0][1] == 1


# --- what orders, on the smallest programs there are


def racing(*bodies: Callable[[Any], Body]) -> str:
    """The check of a run of *bodies*, each made for a cluster that they share."""

    def program(execution: Execution) -> None:
        world = Setup(WORLD, load_variant("v5")).build(execution)
        world.oracles.detach()
        execution.at_end.clear()
        watch_races(world.kernel, execution)
        cluster = world.kernel.devices[0].clusters[0]
        for number, body in enumerate(bodies):
            execution.spawn(f"body-{number}", body(cluster))

    verdict = run(program, FirstChoice()).verdict
    assert verdict is not None
    return verdict.check


def writes(*around: Callable[[], Coroutine[Any, Any, object]], after: int = 1) -> Any:
    """A body that writes a word between what stands in *around*."""

    def make(cluster: Any) -> Body:
        async def body() -> None:
            for step in around[:after]:
                await step()
            cluster.count += 1
            for step in around[after:]:
                await step()

        return body

    return make


def test_two_writes_that_nothing_orders_race() -> None:
    """One comes after the other by chance."""
    assert racing(writes(), writes()) == "I-RACE"


def test_one_lock_orders_and_two_do_not() -> None:
    """A spinlock or a mutex, if it is the same for both."""

    def check(first: Mutex, second: Mutex) -> str:
        def held(lock: Mutex) -> Any:
            return writes(
                lambda: lock.acquire("test.lock"), lambda: lock.release("test.unlock")
            )

        return racing(held(first), held(second))

    one = Mutex("one")
    assert check(one, one) == ""
    assert check(Mutex("one"), Mutex("other")) == "I-RACE"


def test_readers_are_not_ordered_by_their_lock() -> None:
    """Two that hold it to read are there at once; a writer comes before or after."""

    def check(first: str, second: str) -> str:
        sem = RwSem("sem")

        def held(how: str) -> Any:
            take = sem.acquire_read if how == "read" else sem.acquire_write
            return writes(lambda: take("test.lock"), lambda: sem.release("test.unlock"))

        return racing(held(first), held(second))

    assert check("read", "read") == "I-RACE"
    assert check("read", "write") == check("write", "read") == check("write", "write") == ""


def test_a_message_and_a_completion_order() -> None:
    """What was done before is known to who is told, and what is done after is not."""

    def check(after: int) -> str:
        send: SendChannel[int]
        send, receive = open_channel("c", 4)
        return racing(writes(lambda: send.send(1), after=after), writes(receive.receive))

    assert check(after=0) == ""
    assert check(after=1) == "I-RACE"
    done = Completion("d")
    complete = lambda: done.complete("test.done")  # noqa: E731  # one of several like it
    assert racing(writes(complete, after=0), writes(lambda: done.wait("test.wait"))) == ""


def test_a_message_tells_nothing_of_a_later_one() -> None:
    """Who has received the first knows nothing of what came before the second was sent."""
    send: SendChannel[int]
    send, receive = open_channel("c", 4)

    def sender(cluster: Any) -> Body:
        async def body() -> None:
            await send.send(1)
            cluster.count += 1
            await send.send(2)

        return body

    assert racing(sender, writes(receive.receive)) == "I-RACE"


def test_to_be_started_and_to_be_joined_orders() -> None:
    """A child knows what its parent did, and a parent the end of a child that it has joined."""

    def parent(cluster: Any) -> Body:
        async def child() -> None:
            cluster.count += 1

        async def body() -> None:
            cluster.count += 1
            task = spawn("child", child)
            await join(task)
            cluster.count += 1

        return body

    assert racing(parent) == ""

    def hasty(cluster: Any) -> Body:
        async def child() -> None:
            cluster.count += 1

        async def body() -> None:
            spawn("child", child)
            await point("test.wait", Kind.STEP)
            cluster.count += 1

        return body

    assert racing(hasty) == "I-RACE"


def test_a_read_is_excused_in_a_function_that_may_look() -> None:
    """The table names functions; the same read elsewhere is a race."""

    def reader(name: str) -> Any:
        def make(cluster: Any) -> Body:
            scope: dict[str, Any] = {"__name__": "swaptrio.mm.test"}
            exec(compile(f"def {name}(ci): return ci.table[17]", "test.py", "exec"), scope)

            async def body() -> None:
                scope[name](cluster)

            return body

        return make

    def writer(cluster: Any) -> Body:
        async def body() -> None:
            cluster.table[17] = 0

        return body

    assert racing(reader("swap_table_get"), writer) == ""
    assert racing(writer, reader("swap_table_get")) == ""
    assert racing(reader("swap_table_peek"), writer) == "I-RACE"
    assert racing(writer, reader("swap_table_peek")) == "I-RACE"


def test_a_processor_may_write_as_it_does() -> None:
    """A store marks the entry as dirty without the lock; the same elsewhere is a race."""

    def storer(name: str) -> Any:
        def make(cluster: Any) -> Body:
            scope: dict[str, Any] = {"__name__": "swaptrio.mm.test"}
            exec(compile(f"def {name}(ci): ci.table[17] = 0", "test.py", "exec"), scope)

            async def body() -> None:
                scope[name](cluster)

            return body

        return make

    assert racing(storer("user_store"), storer("set_pte_at")) == ""
    assert racing(storer("user_read"), storer("set_pte_at")) == "I-RACE"


def test_a_reference_count_orders() -> None:
    """Who drops the last reference knows what the others did before they dropped theirs."""

    def body(cluster: Any) -> Body:
        async def put() -> None:
            cluster.count += 1
            folio = next(iter(kernel_of(cluster).folios.values()))
            folio.refs -= 1

        return put

    def last(cluster: Any) -> Body:
        async def put() -> None:
            folio = next(iter(kernel_of(cluster).folios.values()))
            folio.refs -= 1
            cluster.count += 1

        return put

    kernels: list[Any] = []

    def kernel_of(cluster: Any) -> Any:
        return kernels[-1]

    attach = Oracles.detach

    def detach(oracles: Oracles) -> None:
        kernels.append(oracles.kernel)
        attach(oracles)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Oracles, "detach", detach)
        assert racing(body, last) == ""
        assert racing(last, body) == "I-RACE"


# --- the table


def test_every_row_has_a_reason_and_only_locks_have_readers_without() -> None:
    """What is not asked to be ordered says why."""
    for row in TABLE:
        assert row.reason
        assert row.rule is Rule.LOCKED or not row.lockless


@pytest.mark.parametrize(
    ("name", "rule", "lockless"),
    [
        ("swap0:17", Rule.LOCKED, "swap_table_get"),
        ("P:16", Rule.LOCKED, "handle_mm_fault"),
        ("swap0:17.owner", Rule.LOCKED, "lookup_swap_cgroup_id"),
        ("swap0 cluster 0.count", Rule.LOCKED, ""),
        ("folio 0x1000.swapcache", Rule.LOCKED, "free_swap_cache"),
        ("folio 0x1000.refs", Rule.ORDERING, ""),
        ("folio 0x1000.lru", Rule.ATOMIC, ""),
        ("folio 0x1000.data:3", Rule.ATOMIC, ""),
        ("swap0.inuse_pages", Rule.ORDERING, ""),
        ("m1.memory", Rule.ATOMIC, ""),
        ("folio 0x1000.memcg", Rule.LOCKED, "isolate_lru_folios"),
        ("folio 0x1000.lru_link", Rule.ORDERING, ""),
        ("something new", Rule.LOCKED, ""),
    ],
)
def test_the_table_says_of_each_name_what_the_specification_says(
    name: str, rule: Rule, lockless: str
) -> None:
    """Section 10 of the specification; what is not in it is held to be locked."""
    row = row_of(name)
    assert row.rule is rule
    assert (lockless in row.lockless) if lockless else not row.lockless


def test_the_functions_that_may_look_are_there() -> None:
    """A reader that has another name now would be excused no more, or nobody need be."""
    others = {"swap_table_get", "slots_are_alike"}
    for row in TABLE:
        assert row.lockless - others <= set(FUNCTIONS)
