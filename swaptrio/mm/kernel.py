# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff: noqa: TC004  # the kernel's files refer to each other; nothing resolves these at run time
"""The kernel of one execution: its state, and which version of each function it runs.

Every function of the model takes the kernel first and is decorated with `kernel_function`. A
call looks the function's name up in the kernel's own table before it falls back to the one that
was called. That is how a variant replaces a function of the model, a mutant one of a variant,
and how an oracle or a recorder wraps any of them, without a word about it in the model.

A function that only passes on what another one does returns the awaitable of that one, and is
no coroutine itself: at each hand-over the baton goes through all coroutines of a task.

Scheduling points carry labels ``function.step``, where *function* is the kernel's name without
leading underscores. They stand as literals in the code, so `labels_in` can tell which labels a
version has without running it.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import attrs

from swaptrio.sched import WaitQueue

if TYPE_CHECKING:
    from swaptrio.mm.injection import Injection
    from swaptrio.mm.memcontrol import Memcgs
    from swaptrio.mm.mm_types import AddressSpace, Folio, MmStruct
    from swaptrio.mm.page_alloc import PageAllocator
    from swaptrio.mm.page_io import SwapIocb
    from swaptrio.mm.swap_h import SwapInfoStruct, SwpEntry, ZswapEntry
    from swaptrio.mm.vmstat import Vmstat
    from swaptrio.mm.workingset import Workingset
    from swaptrio.sched import ReceiveChannel, SendChannel, SpinLock, Task

P = ParamSpec("P")
R = TypeVar("R")

#: The functions of the model by name; `kernel_function` fills it at import.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {}

_LABEL: Final = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


@attrs.frozen(kw_only=True)
class Config:
    """How the kernel was built and set up.

    *thp*: CONFIG_TRANSPARENT_HUGEPAGE. *numa*: CONFIG_NUMA, without which there are no memory
    policies. *memcg_v1*: accounting by memory and memsw instead of memory and swap.
    *zswap_ever_enabled*: the static key that never goes back; *zswap_enabled*: pages are
    compressed before they are written. *lru_batch*: folios that wait on each CPU before they
    get to the LRU, 1 to 31; 1 lets none wait. *page_cluster*: the base-two logarithm of the
    readahead window, 0 to 5. *vma_readahead*: whether readahead goes by virtual addresses on
    devices that do not rotate. *plugged*: whether transfers are queued by their caller and
    submitted together, as in tree N. *zswap_max_pool*: the compressed pages that zswap holds at
    most; 0 for no limit.
    """

    thp: bool = True
    numa: bool = True
    memcg_v1: bool = False
    zswap_ever_enabled: bool = False
    zswap_enabled: bool = False
    lru_batch: int = 1
    page_cluster: int = 0
    vma_readahead: bool = True
    plugged: bool = False
    zswap_max_pool: int = 0


@attrs.define(eq=False)
class Kernel:
    """All state that the tasks of one execution share.

    *functions* holds what runs instead of the model's own functions, by name. *warnings* are
    those that the kernel itself gave (WARN, VM_WARN), in order, each time that its condition
    was true. *folios* are all that were allocated and not freed, by the frame number of their
    head; *lru* those on the LRU, oldest first, and *lru_batches* those on their way there, by
    CPU. Each task runs on a CPU of its own, of its name.

    *percpu_swap_cluster* says where a CPU goes on allocating slots of an order: device and
    offset. *swap_avail* are the devices with room by number, the first to be used first.
    *nr_swap_pages* are the free slots of all devices, and *total_swap_pages* their usable ones.
    *storage_suspended* says that hibernation writes its image. *zswap_lru* are the compressed
    pages, oldest first, and *zswap_work* wakes who makes room for more. *swapcache_wq* is where
    who could not claim a slot may wait, in versions with claims. *plugs* are the queues
    of transfers that a task has not submitted yet, by its name.
    """

    config: Config
    functions: dict[str, Callable[..., Any]]
    injection: Injection
    memcgs: Memcgs
    page_allocator: PageAllocator
    vmstat: Vmstat
    workingset: Workingset
    swap_lock: SpinLock
    swap_avail_lock: SpinLock
    zswap_lru_lock: SpinLock
    zswap_work: SendChannel[object]
    zswap_work_in: ReceiveChannel[object]
    devices: list[SwapInfoStruct] = attrs.Factory(list)
    processes: list[MmStruct] = attrs.Factory(list)
    files: list[AddressSpace] = attrs.Factory(list)
    folios: dict[int, Folio] = attrs.Factory(dict)
    lru: dict[int, Folio] = attrs.Factory(dict)
    lru_batches: dict[str, list[Folio]] = attrs.Factory(dict)
    deferred_split: dict[int, Folio] = attrs.Factory(dict)
    percpu_swap_cluster: dict[tuple[str, int], tuple[int, int]] = attrs.Factory(dict)
    swap_avail: dict[int, SwapInfoStruct] = attrs.Factory(dict)
    nr_swap_pages: int = 0
    total_swap_pages: int = 0
    storage_suspended: bool = False
    zswap_lru: dict[SwpEntry, ZswapEntry] = attrs.Factory(dict)
    warnings: list[str] = attrs.Factory(list)
    device_tasks: dict[str, Task] = attrs.Factory(dict)
    plugs: dict[str, list[list[SwapIocb]]] = attrs.Factory(dict)
    swapcache_wq: WaitQueue = attrs.Factory(lambda: WaitQueue("swapcache_wq"))
    tokens: int = 0

    def new_token(self) -> int:
        """A data token that was never seen before; 0 is the zero page."""
        self.tokens += 1
        return self.tokens


def kernel_function(
    function: Callable[Concatenate[Kernel, P], R],
) -> Callable[Concatenate[Kernel, P], R]:
    """Make *function* one that a variant, a mutant or an oracle can replace by its name."""
    name = function.__name__
    FUNCTIONS.setdefault(name, function)
    return functools.update_wrapper(_dispatcher(name, function), function)


def _dispatcher(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """What looks *name* up in the kernel's table, and calls that or *function*.

    It is made with the very parameters of *function*: to pass them on as ``*args, **kwargs``
    costs more than many a function of the model does, and executions make ninety such calls.
    """
    parameters = inspect.signature(function).parameters.values()
    given = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    named = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    declared = ", ".join([*given, *(["*", *named] if named else [])])
    passed = ", ".join([*given, *(f"{each}={each}" for each in named)])
    found = f"{given[0]}.functions.get(_name, _function)"
    scope: dict[str, Any] = {"_name": name, "_function": function}
    exec(f"def call({declared}): return {found}({passed})", scope)  # no text but our own names
    call: Callable[..., Any] = scope["call"]
    call.__defaults__ = function.__defaults__
    call.__kwdefaults__ = function.__kwdefaults__
    return call


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind a `kernel_function`; any other one as it is."""
    inner: Callable[..., Any] = getattr(function, "__wrapped__", function)
    return inner


def labels_in(function: Callable[..., Any]) -> Iterator[str]:
    """The labels of scheduling points that stand in a function's code."""
    for constant in _constants(function.__code__):
        if _LABEL.fullmatch(constant):
            yield constant


def _constants(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _constants(constant)


def warn_on(kernel: Kernel, condition: bool, what: str) -> bool:
    """Note a kernel warning if *condition* holds; returns *condition*."""
    if condition:
        kernel.warnings.append(what)
    return condition
