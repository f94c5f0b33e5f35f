# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a scenario file says, as values.

Each class is one table of the file and each field one key. They are built by `load` or in
Python, and either way an object that exists keeps every rule below: whatever breaks one raises
a ScenarioError that lists all problems of that object. What refers to other tables is checked
by `consistency` when the `Scenario` is made, and there also names that were left out are filled
in. Only words of the model (variants, labels, checks, options) stay open until `check_words`.

Where nothing is said, a text is empty and a number without a default is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, get_args

import attrs

from swaptrio.errors import Problem, ScenarioError
from swaptrio.scenario.consistency import inconsistencies
from swaptrio.scenario.rules import (
    at_most,
    between,
    each,
    entries,
    follows,
    like,
    once,
    one_line,
    one_of,
    perhaps,
    prose,
    some,
    wrong,
)
from swaptrio.scenario.vocabulary import check_words

__all__ = [
    "DeviceSetup",
    "Expect",
    "Instead",
    "KernelSetup",
    "MemcgSetup",
    "PageSetup",
    "ProcessSetup",
    "Scenario",
    "SlotSetup",
    "TaskSetup",
    "Window",
    "WindowStep",
    "check_words",
]

Status = Literal["verified", "inference", "hash"]
MemcgVersion = Literal["v1", "v2"]
Failure = Literal["alloc", "charge", "read", "deferred_split"]
TaskKind = Literal["fault", "readahead", "zap", "zswap-writeback", "swapout", "store"]
Ending = Literal["passed", "violation", "deadlock", "livelock", "n/a"]

#: Slots of one cluster.
CLUSTER_SLOTS: Final = 512

#: The last virtual page number, and the largest limit in pages.
MOST_PAGES: Final = 1_000_000

#: A table word has 59 bits below its flags, and a shadow gives up one to its mark.
LARGEST_SHADOW: Final = 2**58 - 1

#: Entries of one list or table at most; no scenario needs more, and checks stay quick.
MOST_ENTRIES: Final = 1000

_NAME: Final = like("[A-Za-z][A-Za-z0-9_-]*", "a name: a letter, then letters, digits, _ or -")
_LOWER: Final = like(
    "[a-z][a-z0-9-]*", "a name: a lower-case letter, then such letters, digits or -"
)
_WORD: Final = like(r"[!-~]+", "a word without blanks")
_SLOT: Final = like(r"[A-Za-z][A-Za-z0-9_-]*:(0|[1-9][0-9]*)", "DEVICE:SLOT, as in swap0:17")
_STATE: Final = like(
    r"(-|b|[sf](0|[1-9][0-9]{0,3}))z?", "-, b, or s or f with a count, as in f1; z may follow"
)
_PAGE: Final = between(0, MOST_PAGES)
_FIRST_TO_LAST_SLOT: Final = between(1, 4 * CLUSTER_SLOTS - 1)
_UP_TO_A_CLUSTER: Final = between(1, CLUSTER_SLOTS)
_FEW: Final = at_most(MOST_ENTRIES)


@attrs.frozen(kw_only=True)
class KernelSetup:
    """How the kernel is built and set up.

    Args:
        thp: whether it knows large folios.
        memcg: the version of the memory controller, ``v1`` or ``v2``.
        zswap: whether zswap was enabled at some time.
        failures: what a strategy may let fail: ``alloc``, ``charge``, ``read``,
            ``deferred_split``.
    """

    thp: bool = True
    memcg: MemcgVersion = attrs.field(
        default="v2", validator=follows(one_of(get_args(MemcgVersion)))
    )
    zswap: bool = False
    failures: tuple[Failure, ...] = attrs.field(
        default=(), validator=follows(each(one_of(get_args(Failure))), once)
    )


@attrs.frozen(kw_only=True)
class DeviceSetup:
    """A swap device.

    Args:
        name: its name, as in ``swap0``.
        sync: whether it is synchronous (SWP_SYNCHRONOUS_IO).
        clusters: its size in clusters of 512 slots, 1 to 4. Slot 0 is never used.
        latency: virtual time that a bio takes, 0 to 1,000,000,000 ns.
    """

    name: str = attrs.field(validator=follows(_NAME))
    sync: bool = True
    clusters: int = attrs.field(default=1, validator=follows(between(1, 4)))
    latency: int = attrs.field(default=1000, validator=follows(between(0, 1_000_000_000)))

    @property
    def slots(self) -> int:
        """How many slots it has, slot 0 included."""
        return self.clusters * CLUSTER_SLOTS


@attrs.frozen(kw_only=True)
class MemcgSetup:
    """A memory cgroup: its *name*, and its *limit*, 0 to 1,000,000 pages."""

    name: str = attrs.field(validator=follows(_NAME))
    limit: int = attrs.field(default=1000, validator=follows(between(0, MOST_PAGES)))


@attrs.frozen(kw_only=True)
class ProcessSetup:
    """A process, that is an address space.

    Args:
        name: its name, as in ``P``.
        memcg: the memcg it lives in; the first one if left out.
        orders: the large orders that are enabled for its memory, each 1 to 9.
    """

    name: str = attrs.field(validator=follows(_NAME))
    memcg: str = attrs.field(default="", validator=follows(perhaps(_NAME)))
    orders: tuple[int, ...] = attrs.field(
        default=(), validator=follows(each(between(1, 9)), once)
    )


@attrs.frozen(kw_only=True)
class SlotSetup:
    """Pages that are swapped out before the scenario starts, in slots that follow each other.

    Args:
        process: whose PTEs hold them; empty for an owner that is not modelled.
        page: the first virtual page number, 0 to 1,000,000; goes with *process*.
        device: where they lie; the first device if left out.
        first: the first slot, 1 to 2047.
        nr: how many, 1 to 512.
        shadows: the workingset shadow of each, 0 being the empty shadow; all 0 if left out.
        memcg: the owner on record; the process's memcg if left out, or else the first one.
        zswap: whether the data lies in zswap.
        zero: whether they are flagged as filled with zeros.
        count: the swap count of each, 1 to 14; owners besides *process* are not modelled.
    """

    process: str = attrs.field(default="", validator=follows(perhaps(_NAME)))
    page: int | None = attrs.field(default=None, validator=follows(perhaps(_PAGE)))
    device: str = attrs.field(default="", validator=follows(perhaps(_NAME)))
    first: int = attrs.field(validator=follows(_FIRST_TO_LAST_SLOT))
    nr: int = attrs.field(default=1, validator=follows(_UP_TO_A_CLUSTER))
    shadows: tuple[int, ...] = attrs.field(
        default=(), validator=follows(each(between(0, LARGEST_SHADOW)))
    )
    memcg: str = attrs.field(default="", validator=follows(perhaps(_NAME)))
    zswap: bool = False
    zero: bool = False
    count: int = attrs.field(default=1, validator=follows(between(1, 14)))

    def __attrs_post_init__(self) -> None:
        _refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        if self.process and self.page is None:
            yield wrong(None, "needed where a process is named").under("page")
        if self.page is not None and not self.process:
            yield wrong(None, "needed where a page is given").under("process")
        if self.page is not None:
            yield from _past_the_last_page(self.page, self.nr)
        if self.shadows and len(self.shadows) != self.nr:
            message = f"must have one entry for each of the {self.nr} slots"
            yield wrong(len(self.shadows), message).under("shadows")


@attrs.frozen(kw_only=True)
class PageSetup:
    """A resident anonymous page: of which *process*, and at which *page* (0 to 1,000,000)."""

    process: str = attrs.field(validator=follows(_NAME))
    page: int = attrs.field(validator=follows(_PAGE))


#: What a task of a kind must say besides its name, and what it may say.
TASK_KEYS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "fault": (("process", "page"), ("write",)),
    "readahead": (("device", "slot"), ()),
    "zap": (("process", "page"), ("nr",)),
    "zswap-writeback": (("device", "slot"), ()),
    "swapout": (("process", "page"), ()),
    "store": (("process", "page"), ()),
}


@attrs.frozen(kw_only=True)
class TaskSetup:
    """A task, and what it runs. Which keys go with which kind is in `TASK_KEYS`.

    Args:
        name: its name in windows and traces.
        run: ``fault``, ``readahead``, ``zap``, ``zswap-writeback``, ``swapout`` or ``store``.
        process: whose memory it works on.
        page: the (first) virtual page number, 0 to 1,000,000.
        nr: how many pages a zap takes, 1 to 512.
        write: whether a fault is a write fault.
        device: where the slot of a readahead or a writeback lies.
        slot: that slot, 1 to 2047.
    """

    name: str = attrs.field(validator=follows(_LOWER))
    run: TaskKind = attrs.field(validator=follows(one_of(get_args(TaskKind))))
    process: str = attrs.field(default="", validator=follows(perhaps(_NAME)))
    page: int | None = attrs.field(default=None, validator=follows(perhaps(_PAGE)))
    nr: int = attrs.field(default=1, validator=follows(_UP_TO_A_CLUSTER))
    write: bool = False
    device: str = attrs.field(default="", validator=follows(perhaps(_NAME)))
    slot: int | None = attrs.field(
        default=None, validator=follows(perhaps(_FIRST_TO_LAST_SLOT))
    )

    def __attrs_post_init__(self) -> None:
        _refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        needed, allowed = TASK_KEYS[self.run]
        for field in attrs.fields(type(self)):
            if field.default is attrs.NOTHING:
                continue
            given = getattr(self, field.name) != field.default
            if field.name in needed and not given:
                yield wrong(None, f"needed where run is {self.run}").under(field.name)
            if given and field.name not in (*needed, *allowed):
                yield wrong(None, f"not used where run is {self.run}").under(field.name)
        if self.page is not None:
            yield from _past_the_last_page(self.page, self.nr)


@attrs.frozen(kw_only=True)
class WindowStep:
    """One step of a window.

    Args:
        run: the task that runs.
        until: the label it must stand at; empty lets it run to its end.
        times: at the how manieth arrival there, 1 to 1000.
    """

    run: str = attrs.field(validator=follows(_LOWER))
    until: str = attrs.field(default="", validator=follows(perhaps(_WORD)))
    times: int = attrs.field(default=1, validator=follows(between(1, 1000)))

    def __attrs_post_init__(self) -> None:
        if self.times > 1 and not self.until:
            _refuse(iter([wrong(None, "needed where times is given").under("until")]))


_STEPS: Final = _FEW
_CHOICES: Final = (_FEW, entries(_WORD, each(_WORD)))


@attrs.frozen(kw_only=True)
class Instead:
    """What differs in a window for one variant; None leaves what the window says.

    Args:
        steps: the steps for this variant.
        choices: the choices for this variant.
    """

    steps: tuple[WindowStep, ...] | None = attrs.field(
        default=None, validator=follows(perhaps(_STEPS))
    )
    choices: Mapping[str, tuple[str, ...]] | None = attrs.field(
        default=None, validator=follows(perhaps(*_CHOICES))
    )


@attrs.frozen(kw_only=True)
class Expect:
    """What an execution of one variant must end with.

    Args:
        verdict: ``passed``, ``violation``, ``deadlock``, ``livelock``, or ``n/a`` where the
            window means nothing to the variant.
        check: the check that a violation breaks; a livelock may name one too.
        reason: one line, needed with ``n/a``.
        results: what tasks return, by name of the task.
        slots: final words by ``DEVICE:SLOT``: ``-`` free, ``s`` or ``f`` (shadow or folio) with
            the count, ``b`` bad; ``z`` is added where the zero flag is set.
        counters: final values of counters, by name.
        reports: soft findings that must be reported, by check.
    """

    verdict: Ending = attrs.field(validator=follows(one_of(get_args(Ending))))
    check: str = attrs.field(default="", validator=follows(perhaps(_WORD)))
    reason: str = attrs.field(default="", validator=follows(one_line))
    results: Mapping[str, str] = attrs.field(
        factory=dict, validator=follows(_FEW, entries(_LOWER, some, one_line))
    )
    slots: Mapping[str, str] = attrs.field(
        factory=dict, validator=follows(_FEW, entries(_SLOT, _STATE))
    )
    counters: Mapping[str, int] = attrs.field(
        factory=dict, validator=follows(_FEW, entries(_WORD, between(-(10**12), 10**12)))
    )
    reports: tuple[str, ...] = attrs.field(
        default=(), validator=follows(_FEW, each(_WORD), once)
    )

    def __attrs_post_init__(self) -> None:
        _refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        if self.verdict == "violation" and not self.check:
            yield wrong(None, "needed where the verdict is violation").under("check")
        if self.check and self.verdict not in ("violation", "livelock"):
            message = f"not used where the verdict is {self.verdict}"
            yield wrong(self.check, message).under("check")
        if self.verdict == "n/a":
            yield from self._problems_of_nothing()

    def _problems_of_nothing(self) -> Iterator[Problem]:
        if not self.reason.strip():
            yield wrong(None, "needed where the verdict is n/a").under("reason")
        for key in ("results", "slots", "counters", "reports"):
            if getattr(self, key):
                yield wrong(None, "not used where the verdict is n/a").under(key)


@attrs.frozen(kw_only=True)
class Window:
    """An order of steps that leads into a race, and what comes of it.

    Args:
        name: its name; the first window of a scenario is the default one.
        steps: who runs, until where, one after the other.
        choices: the options drawn at a label, in order.
        story: one sentence on it.
        instead: by variant, what differs where its labels do.
        expect: by variant, what must come of it.
    """

    name: str = attrs.field(default="main", validator=follows(_LOWER))
    steps: tuple[WindowStep, ...] = attrs.field(default=(), validator=follows(_STEPS))
    choices: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=dict, validator=follows(*_CHOICES)
    )
    story: str = attrs.field(default="", validator=follows(prose))
    instead: Mapping[str, Instead] = attrs.field(factory=dict, validator=follows(_FEW))
    expect: Mapping[str, Expect] = attrs.field(factory=dict, validator=follows(_FEW))

    def steps_for(self, variant: str) -> tuple[WindowStep, ...]:
        """The steps that *variant* is led by."""
        instead = self.instead.get(variant)
        return self.steps if instead is None or instead.steps is None else instead.steps

    def choices_for(self, variant: str) -> Mapping[str, tuple[str, ...]]:
        """The choices that *variant* is given."""
        instead = self.instead.get(variant)
        return self.choices if instead is None or instead.choices is None else instead.choices


@attrs.frozen(kw_only=True)
class Scenario:
    """A race that has a name: a small world, tasks, and the windows that lead into it.

    Devices and memcgs that were left out are there, with their defaults, and so are the names
    of memcgs and devices in *process* and *slots*.

    Args:
        name: its name, which is the file's without ``.toml``.
        title: one line.
        catalogue: its entry in the race catalogue, A00 to H99.
        references: where it was reported, discussed or fixed.
        status: what it rests on: ``verified`` text, ``inference``, or only a commit ``hash``.
        note: what else is to be said of that, on one line.
        story: what happens, in order.
        kernel: how the kernel is set up.
        device: the swap devices, at least one.
        memcg: the memory cgroups, at least one.
        process: the processes.
        slots: what is swapped out at the start.
        page: what is resident at the start.
        task: the tasks, at least one.
        window: the windows, at least one.

    Raises:
        ScenarioError: something above does not hold, or names do not fit together.
    """

    name: str = attrs.field(validator=follows(_LOWER))
    title: str = attrs.field(validator=follows(some, one_line))
    catalogue: str = attrs.field(
        validator=follows(like("[A-H][0-9]{2}", "a letter from A to H and two digits"))
    )
    references: tuple[str, ...] = attrs.field(validator=follows(_FEW, each(some, one_line)))
    status: Status = attrs.field(validator=follows(one_of(get_args(Status))))
    note: str = attrs.field(default="", validator=follows(one_line))
    story: str = attrs.field(validator=follows(some, prose))
    kernel: KernelSetup = KernelSetup()
    device: tuple[DeviceSetup, ...] = attrs.field(
        default=(DeviceSetup(name="swap0"),), validator=follows(some, _FEW)
    )
    memcg: tuple[MemcgSetup, ...] = attrs.field(
        default=(MemcgSetup(name="m1"),), validator=follows(some, _FEW)
    )
    process: tuple[ProcessSetup, ...] = attrs.field(default=(), validator=follows(_FEW))
    slots: tuple[SlotSetup, ...] = attrs.field(default=(), validator=follows(_FEW))
    page: tuple[PageSetup, ...] = attrs.field(default=(), validator=follows(_FEW))
    task: tuple[TaskSetup, ...] = attrs.field(validator=follows(some, _FEW))
    window: tuple[Window, ...] = attrs.field(validator=follows(some, _FEW))

    def __attrs_post_init__(self) -> None:
        # The way around a frozen class that attrs itself describes for values made on the way.
        object.__setattr__(self, "process", tuple(map(self._filled_process, self.process)))
        object.__setattr__(self, "slots", tuple(map(self._filled_slots, self.slots)))
        _refuse(inconsistencies(self))

    def _filled_process(self, process: ProcessSetup) -> ProcessSetup:
        return attrs.evolve(process, memcg=process.memcg or self.memcg[0].name)

    def _filled_slots(self, slots: SlotSetup) -> SlotSetup:
        memcgs = {process.name: process.memcg for process in self.process}
        memcg = slots.memcg or memcgs.get(slots.process) or self.memcg[0].name
        return attrs.evolve(slots, memcg=memcg, device=slots.device or self.device[0].name)


def _refuse(problems: Iterator[Problem]) -> None:
    error = ScenarioError(problems)
    if error.problems:
        raise error


def _past_the_last_page(page: int, nr: int) -> Iterator[Problem]:
    if page + nr - 1 > MOST_PAGES:
        yield wrong(nr, f"goes past the last page, {MOST_PAGES:_}").under("nr")
