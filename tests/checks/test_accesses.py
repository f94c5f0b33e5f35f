# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is told of the accesses to the state that tasks share."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

import swaptrio.mm
from swaptrio.checks import accesses
from swaptrio.checks.accesses import watch_accesses
from swaptrio.checks.containers import (
    WatchedArray,
    WatchedMap,
    WatchedQueue,
    WatchedTally,
)
from swaptrio.mm.mm_types import PresentPte
from swaptrio.scenario.files import find, names
from swaptrio.scenario.load import load
from swaptrio.scenario.play import BUDGET
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import Access, Execution, RandomWalk, Task, current, name_of, run
from swaptrio.variants import load as load_variant

Watch = Callable[..., Any]
Report = tuple[str, Access]

READ, ADD, WRITE = Access.READ, Access.ADD, Access.WRITE


@attrs.define(eq=False)
class Steps:
    """What each step was, what it has reported, and the picture after it, if *pictured*."""

    pictured: bool
    world: World | None = None
    done: list[str] = attrs.Factory(list)
    pictures: list[dict[str, str | int]] = attrs.Factory(list)
    reports: list[list[Report]] = attrs.Factory(list)
    end_picture: dict[str, str | int] = attrs.Factory(dict)

    def step(self, execution: Execution, task: Task) -> None:
        """Note what has come since the last step."""
        self.done.append(f"{task.name} {task.operation}")
        if self.pictured:
            self._cut(execution)

    def _cut(self, execution: Execution) -> None:
        assert self.world is not None
        self.pictures.append(self.world.snapshot())
        if execution.touched is not None:
            self.reports.append([(name_of(what), how) for what, how in execution.touched])
            execution.touched.clear()

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Note it."""
        self.done.append(f"{task.name} {label} {option}")

    def end(self, execution: Execution) -> None:
        """Note how it ended."""
        assert self.world is not None
        self.done.append(str(execution.verdict))
        self.end_picture = self.world.snapshot()


def played(
    scenario: str, variant: str, seed: int, *, told: bool, pictured: bool = False
) -> Steps:
    """A random execution, with reports (if *told*) or without."""
    setup = Setup(load(find(scenario)), load_variant(variant))
    steps = Steps(pictured)

    def program(execution: Execution) -> None:
        steps.world = setup.build(execution)
        if told:
            watch_accesses(steps.world.kernel, execution)

    run(program, RandomWalk(seed), budget=BUDGET, observer=steps)
    return steps


#: What of a picture has another name among the accesses.
OTHER_NAMES = [
    (r"(folio \w+)\.flags", [r"\1.{flag}"]),
    (r"(folio \w+)\.data", [r"\1.data:\d+"]),
    (r"(folio \w+)\.exclusive", [r"\1.exclusive:\d+"]),
    (r"(folio \w+)\.file", [r"\1.mapping", r"\1.index"]),
    (r"(.* cluster \d+)\.list", [r"\1.flags", r"\1.order"]),
    (r"(.*)\.inuse", [r"\1.inuse_pages"]),
    (r"(.*)\.state", [r"\1.flags", r"\1.available", r"\1.dying"]),
    (r"refaults", [r"workingset.refaults"]),
]
FLAGS = (
    "swapcache|swapbacked|uptodate|dirty|writeback|lru|active|workingset|anon|readahead|"
    "reclaim|dropbehind|deferred|frozen"
)


def written_as(key: str) -> str:
    """A pattern of the names under which a change of *key* in the picture is reported."""
    for pattern, others in OTHER_NAMES:
        if (match := re.fullmatch(pattern, key)) is not None:
            given = "|".join(match.expand(other.replace(r"\d", r"\\d")) for other in others)
            lock = f"|{match[1]}" if key.endswith(".flags") else ""
            return given.replace("{flag}", f"({FLAGS})") + lock
    return re.escape(key)


def changes(before: dict[str, str | int], after: dict[str, str | int]) -> Iterator[str]:
    """The keys whose value is another; of a folio that came or went, only that."""
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) == after.get(key):
            continue
        folio = re.match(r"folio \w+(?=\.)", key)
        if folio is not None and (f"{folio[0]}.refs" in before) != (
            f"{folio[0]}.refs" in after
        ):
            yield f"{folio[0]}.exists"
        else:
            yield key


@pytest.mark.parametrize("scenario", names())
@pytest.mark.parametrize("variant", ["pre", "v3", "v5"])
def test_whatever_a_step_changes_is_told(scenario: str, variant: str) -> None:
    """Each change of the picture from one step to the next was reported as one."""
    changed = 0
    for seed in range(2):
        steps = played(scenario, variant, seed, told=True, pictured=True)
        pairs = zip(steps.pictures, steps.pictures[1:], steps.reports[1:], strict=False)
        for before, after, reports in pairs:
            written = {name for name, how in reports if how is not READ}
            for key in changes(before, after):
                changed += 1
                pattern = re.compile(written_as(key))
                assert any(pattern.fullmatch(name) for name in written), (key, written)
    assert changed > 10


@pytest.mark.parametrize("scenario", names())
@pytest.mark.parametrize("variant", ["pre", "v3", "v4", "v5"])
def test_to_be_watched_changes_nothing(scenario: str, variant: str) -> None:
    """The same steps, the same choices and the same end, with reports and without."""
    for seed in range(3):
        told = played(scenario, variant, seed, told=True)
        silent = played(scenario, variant, seed, told=False)
        assert told.done == silent.done
        assert told.end_picture == silent.end_picture


@pytest.mark.parametrize("scenario", names())
def test_of_oracles_only_looks_are_told(scenario: str) -> None:
    """With oracles and without them a program does the same, and that is what is told.

    Where an oracle ends it, it has done the same up to there. What is told of oracles as well
    are looks at what no lock need protect.
    """
    variant = load_variant("v5")
    setup = Setup(load(find(scenario)), variant)

    def reports(oracles: bool) -> tuple[list[Report], bool]:
        told: list[list[tuple[object, Access]]] = []

        def program(execution: Execution) -> None:
            world = setup.build(execution)
            if not oracles:
                world.oracles.detach()
                world.kernel.functions.update(variant.functions)
                execution.at_end.clear()
            watch_accesses(world.kernel, execution)
            assert execution.touched is not None
            told.append(execution.touched)

        verdict = run(program, RandomWalk(3), budget=BUDGET).verdict
        passed = verdict is not None and verdict.passed
        named = [(name_of(what), how) for what, how in told[0]]
        return named, passed

    looked_at, passed = reports(oracles=True)
    alone, _ = reports(oracles=False)
    done = 0
    for each in looked_at:
        if done < len(alone) and each == alone[done]:
            done += 1
        else:
            assert each[1] is Access.READ
    assert done == len(alone) if passed else done > 0


def test_reports_are_the_same_each_time() -> None:
    """They name no address, and their order is that of the accesses."""
    first, second = (
        played("large-vs-small-neighbour", "v5", 7, told=True, pictured=True) for _ in range(2)
    )
    assert first.reports == second.reports
    assert sum(map(len, first.reports)) > 100


def reports_of(watch: Watch, breaker: Callable[[World], object]) -> list[Report]:
    """What one step of a breaker reports; the world's one cluster has slots 16 to 19."""
    found: list[Report] = []

    async def step(world: World) -> None:
        execution = current()
        watch_accesses(world.kernel, execution)
        execution.touched = []
        breaker(world)
        found.extend((name_of(what), how) for what, how in execution.touched or ())
        execution.touched = None

    watch(step)
    return found


def test_words_entries_and_fields_have_names(watch: Watch) -> None:
    """Each access is told by what it is to whom."""

    def step(world: World) -> None:
        kernel = world.kernel
        ci = kernel.devices[0].clusters[0]
        assert ci.table is not None
        ci.table[17] += 0
        ci.memcg_table[16] = 1
        pte = kernel.processes[0].ptes[9]
        assert isinstance(pte, PresentPte)
        pte.folio.refs += 1
        pte.folio.pages[0] = 5
        kernel.vmstat.node["NR_SWAPCACHE"] += 1
        kernel.new_token()

    assert [report for report in reports_of(watch, step) if "devices" not in report[0]] == [
        ("swap0 cluster 0.table", READ),
        ("swap0 cluster 0.table", READ),
        ("swap0:17", READ),
        ("swap0:17", WRITE),
        ("swap0:16.owner", WRITE),
        ("processes", READ),
        ("P:9", READ),
        ("folio 0x1000.refs", READ),
        ("folio 0x1000.refs", WRITE),
        ("folio 0x1000.data:0", WRITE),
        ("nr_swapcache", ADD),
        ("tokens", ADD),
    ]


def test_a_key_that_comes_or_goes_is_told_of_the_map(watch: Watch) -> None:
    """Who looks at all entries depends on who makes one; who changes one does not."""

    def step(world: World) -> None:
        ptes = world.kernel.processes[0].ptes
        ptes[9] = ptes[9]
        ptes[77] = None
        del ptes[77]
        assert 77 not in ptes
        assert len(ptes) == 6

    assert [report for report in reports_of(watch, step) if report[0] != "processes"] == [
        ("P:9", READ),
        ("P:9", WRITE),
        ("P:77", WRITE),
        ("P.ptes", WRITE),
        ("P:77", WRITE),
        ("P.ptes", WRITE),
        ("P:77", READ),
        ("P.ptes", READ),
    ]


def test_a_table_that_is_replaced_is_written_as_a_whole(watch: Watch) -> None:
    """Who has looked at a word of the old one, or at whether there is one, depends on it."""

    def step(world: World) -> None:
        world.kernel.devices[0].clusters[1].table = None

    told = reports_of(watch, step)
    assert ("swap0 cluster 1.table", WRITE) in told
    assert ("swap0:530", WRITE) in told


def test_who_ends_the_reports_hears_no_more() -> None:
    """While ``touched`` is None nothing is told, and lists that were there do not grow."""
    setup = Setup(load(find("two-faults-one-slot")), load_variant("v5"))

    def program(execution: Execution) -> None:
        watch_accesses(setup.build(execution).kernel, execution)
        execution.touched = None

    assert run(program, RandomWalk(0)).touched is None


# --- what is watched at all


def shared_classes() -> list[type]:
    """The mutable attrs classes of the model."""
    modules = [
        importlib.import_module(f"swaptrio.mm.{module.name}")
        for module in pkgutil.walk_packages(swaptrio.mm.__path__)
    ]
    found = dict.fromkeys(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and attrs.has(value)
        and value.__setattr__ is object.__setattr__
    )
    return [cls for cls in found if cls.__module__.startswith("swaptrio.mm")]


#: Classes whose objects no two tasks share, or that do not change, with the reason.
PRIVATE = {
    "Bio": "belongs to one task after the other, and does not change",
    "ChargeRequest": "does not change",
    "ScanControl": "belongs to who reclaims",
    "SwapIocb": "belongs to one task after the other",
    "VmFault": "belongs to the fault",
    "ZswapEntry": "changes under the lock of the LRU only, which reports itself",
}


def test_every_class_of_the_model_is_watched_or_has_a_reason() -> None:
    """Who gives the model another class says how accesses to its objects are told."""
    unknown = [cls for cls in shared_classes() if cls not in accesses._PREFIX]
    assert sorted(cls.__name__ for cls in unknown) == sorted(PRIVATE)


@pytest.mark.parametrize("cls", accesses._PREFIX, ids=lambda cls: cls.__name__)
def test_the_fields_that_are_named_are_there(cls: type) -> None:
    """A field is left out, holds a container, or else is told as it is; never two of these."""
    fields = [field.name for field in attrs.fields(cls)]
    left_out, containers = accesses._LEFT_OUT[cls], accesses._CONTAINERS[cls]
    assert [name for name in (*left_out, *containers) if name not in fields] == []
    assert [name for name in left_out if name in containers] == []
    added = accesses._ADDED.get(cls, ())
    assert [name for name in added if name not in fields or name in left_out] == []


def test_no_dict_or_list_of_shared_state_is_left_unwatched() -> None:
    """In a watched world every dict and list tells, but those that are left out."""
    world = played("large-vs-small-neighbour", "v5", 1, told=True).world
    assert world is not None
    seen: list[object] = []
    for each in objects(world.kernel, seen):
        cls = type(each).__mro__[1]
        for field in attrs.fields(cls):
            value = getattr(each, field.name)
            if isinstance(value, dict | list) and field.name not in accesses._LEFT_OUT[cls]:
                parts = value if type(value) is list else [value]
                told = (WatchedArray, WatchedMap, WatchedQueue, WatchedTally)
                assert all(isinstance(part, told) for part in parts), (cls, field.name)
    assert len(seen) > 8


def objects(root: Any, seen: list[object]) -> Iterator[Any]:
    """All watched objects that can be reached from *root*."""
    if any(root is other for other in seen):
        return
    if type(root).__mro__[1] in accesses._PREFIX:
        seen.append(root)
        yield root
        for field in attrs.fields(type(root)):
            yield from objects(getattr(root, field.name), seen)
    elif isinstance(root, list | dict):
        for part in root.values() if isinstance(root, dict) else root:
            yield from objects(part, seen)


# --- containers, method by method

#: Methods that neither look into a container nor change it.
HARMLESS = {
    "__new__", "__init__", "__repr__", "__hash__", "__getattribute__", "__sizeof__", "__doc__",
    "__class_getitem__", "fromkeys", "__module__", "__reduce__", "__dict__", "__weakref__",
}  # fmt: skip


@pytest.mark.parametrize(
    ("cls", "base"), [(WatchedArray, list), (WatchedQueue, list), (WatchedMap, dict)]
)
def test_every_method_of_a_container_tells(cls: type, base: type) -> None:
    """What is done through a method that is not ours would go unseen."""
    silent = {name for name in vars(base) if name not in vars(cls)} - HARMLESS
    assert silent == ({"__len__"} if cls is WatchedArray else set())


def test_every_change_of_a_tally_tells() -> None:
    """Reading is silent, for nobody in the model reads; every other way to change is closed."""
    tally = WatchedTally(Counter(a=1), str)
    tally["a"] += 2
    assert tally == {"a": 3}
    for name in ("subtract", "clear", "popitem", "__ior__"):
        with pytest.raises(TypeError, match="only added to"):
            getattr(tally, name)()


def keep(key: object, value: object) -> object:
    """A value as it is."""
    return value


def told_by(container: Any, act: Callable[[Any], object]) -> tuple[list[Report], object]:
    """What *act* reports, and the result."""
    reports: list[Report] = []
    results: list[object] = []

    async def task(execution: Execution) -> None:
        execution.touched = []
        results.append(act(container))
        reports.extend((name_of(what), how) for what, how in execution.touched)

    def program(execution: Execution) -> None:
        execution.spawn("task", task, execution)

    assert run(program, RandomWalk(0)).verdict is not None
    return reports, results[0]


ARRAY_ACTS: list[tuple[Callable[[Any], object], list[Report]]] = [
    (lambda a: a[1], [("e1", READ)]),
    (lambda a: a[-1], [("e2", READ)]),
    (lambda a: a[1:], [("e1", READ), ("e2", READ)]),
    (lambda a: a.__setitem__(0, 9), [("e0", WRITE)]),
    (
        lambda a: a.__setitem__(slice(None), [7, 8, 9]),
        [("e0", WRITE), ("e1", WRITE), ("e2", WRITE)],
    ),
    (list, [("e0", READ), ("e1", READ), ("e2", READ)]),
    (lambda a: 5 in a, [("e0", READ), ("e1", READ), ("e2", READ)]),
    (lambda a: a == [1], [("e0", READ), ("e1", READ), ("e2", READ)]),
    (len, []),
]

QUEUE_ACTS: list[tuple[Callable[[Any], object], list[Report]]] = [
    (lambda q: q[0], [("q", READ)]),
    (list, [("q", READ)]),
    (bool, [("q", READ)]),
    (lambda q: q.append(4), [("q", WRITE)]),
    (lambda q: q.insert(0, 4), [("q", WRITE)]),
    (lambda q: q.extend([4]), [("q", WRITE)]),
    (lambda q: q.__iadd__([4]), [("q", WRITE)]),
    (lambda q: q.pop(0), [("q", WRITE)]),
    (lambda q: q.remove(2), [("q", WRITE)]),
    (lambda q: q.clear(), [("q", WRITE)]),
    (lambda q: q.__setitem__(0, 3), [("q", WRITE)]),
    (lambda q: q.__setitem__(slice(1), [3]), [("q", WRITE)]),
]

MAP_ACTS: list[tuple[Callable[[Any], object], list[Report]]] = [
    (lambda m: m[1], [("k1", READ)]),
    (lambda m: m.get(7), [("k7", READ)]),
    (lambda m: 7 in m, [("k7", READ)]),
    (lambda m: m.__setitem__(1, 5), [("k1", WRITE)]),
    (lambda m: m.__setitem__(7, 5), [("k7", WRITE), ("m", WRITE)]),
    (lambda m: m.update({1: 5, 7: 5}), [("k1", WRITE), ("k7", WRITE), ("m", WRITE)]),
    (lambda m: m.setdefault(1, 5), [("k1", READ)]),
    (lambda m: m.setdefault(7, 5), [("k7", READ), ("k7", WRITE), ("m", WRITE)]),
    (lambda m: m.pop(7, None), [("k7", READ)]),
    (lambda m: m.pop(1), [("k1", WRITE), ("m", WRITE)]),
    (lambda m: m.__delitem__(1), [("k1", WRITE), ("m", WRITE)]),
    (lambda m: m.clear(), [("k1", WRITE), ("m", WRITE), ("k2", WRITE), ("m", WRITE)]),
    (list, [("m", READ), ("k1", READ), ("k2", READ)]),
    (lambda m: list(m.items()), [("m", READ), ("k1", READ), ("k2", READ)]),
    (lambda m: dict(m), [("m", READ), ("k1", READ), ("k2", READ)]),
    (len, [("m", READ)]),
]


def unique(reports: list[Report]) -> list[Report]:
    """Each report once; ``list`` asks for the length as well."""
    return list(dict.fromkeys(reports))


@pytest.mark.parametrize(
    ("make", "plain", "acts"),
    [
        (lambda: WatchedArray([1, 2, 3], lambda n: f"e{n}", keep), [1, 2, 3], ARRAY_ACTS),
        (lambda: WatchedQueue([1, 2, 3], "q", keep), [1, 2, 3], QUEUE_ACTS),
        (
            lambda: WatchedMap({1: 2, 2: 3}, "m", lambda n: f"k{n}", keep),
            {1: 2, 2: 3},
            MAP_ACTS,
        ),
    ],
    ids=["array", "queue", "map"],
)
def test_containers_tell_and_do_what_plain_ones_do(
    make: Callable[[], Any],
    plain: Any,
    acts: list[tuple[Callable[[Any], object], list[Report]]],
) -> None:
    """Each act is told once, has the same result, and leaves the same behind."""
    for act, due in acts:
        container, twin = make(), plain.copy()
        reports, result = told_by(container, act)
        assert unique(reports) == unique(due)
        assert result == act(twin)
        assert container == twin


def test_what_a_container_cannot_tell_it_refuses() -> None:
    """A list of a fixed length keeps it."""
    array = WatchedArray([1], str, keep)
    with pytest.raises(TypeError, match="length of this list is fixed"):
        array.append(2)
    with pytest.raises(TypeError, match="nothing watches this of m"):
        WatchedMap({1: 2}, "m", str, keep).popitem()
