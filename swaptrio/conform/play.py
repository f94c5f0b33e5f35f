# SPDX-License-Identifier: MIT OR Apache-2.0
"""Play a vector: one call on the model, with everything around it scripted.

Nothing here knows the algorithm. The call runs as a task of the scheduler on the same kernel
that scenarios use; the interference is a second task that the scripted allocator and charger
wake and wait for; and what the call does is recorded by wrapping the model's functions by
name.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.conform.slots import NEW, Slot
from swaptrio.conform.vectors import FIELDS, WINDOW, Op, Vector, VectorIn
from swaptrio.mm import swap_state
from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import FUNCTIONS, Config, Kernel
from swaptrio.mm.memcontrol import MemCgroup
from swaptrio.mm.mm_types import Folio, SwapPte, VmFault
from swaptrio.mm.page_alloc import new_folio
from swaptrio.mm.setup import new_device, new_kernel, new_process, start_daemons
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwapClusterInfo, swp_entry, swp_offset
from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_COUNT_MAX,
    SWP_TB_NULL,
    _swap_table_set,
    _swp_tb_mk_count,
    count_of,
    pfn_to_swp_tb,
    shadow_to_swp_tb,
    swp_tb_is_bad,
    swp_tb_is_folio,
    swp_tb_is_null,
    swp_tb_is_shadow,
    swp_tb_to_pfn,
    swp_tb_to_shadow,
    xa_mk_value,
    xa_to_value,
    zero_of,
)
from swaptrio.sched import (
    Completion,
    Execution,
    ReceiveChannel,
    SendChannel,
    open_channel,
    running_task,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants import Variant

#: The task that makes the call; only what it does is recorded.
CALLER: Final = "caller"

#: A batch of interference, and what tells that it is over.
Request = tuple[list[Op], Completion]


@attrs.define(eq=False)
class Player:
    """The state of one played vector: the kernel, what was recorded, who is called what.

    *before* are the words that the table began with.
    """

    given: VectorIn
    kernel: Kernel
    ci: SwapClusterInfo
    record: Record
    foreign: dict[str, int] = attrs.Factory(dict)
    before: list[int] = attrs.Factory(lambda: [SWP_TB_NULL] * SWAPFILE_CLUSTER)
    result: Folio | Errno | None = None

    def out(self) -> dict[str, Any]:
        """What the call did, in the fields of the format."""
        return _out(self)


@attrs.define(eq=False)
class Record:
    """Everything that the call did, as the format lists it."""

    trace: list[str] = attrs.Factory(list)
    alloc: list[list[Any]] = attrs.Factory(list)
    charge: list[list[Any]] = attrs.Factory(list)
    refault: int | None = None
    memcg1: list[list[int]] = attrs.Factory(list)
    locks: int = 0
    lru: int = 0
    freed: list[int] = attrs.Factory(list)
    slots_freed: list[list[int]] = attrs.Factory(list)
    stats: Counter[str] = attrs.Factory(Counter)


def program(vector: Vector, variant: Variant) -> Callable[[Execution], Player]:
    """What sets an execution up to play *vector* with *variant*."""

    def prepare(execution: Execution) -> Player:
        return _prepare(vector.given, variant, execution)

    return prepare


def _prepare(given: VectorIn, variant: Variant, execution: Execution) -> Player:
    ids = {1, *given.memcg.values()} - {0}
    memcgs = [MemCgroup(f"m{number}", number, 1 << 40) for number in sorted(ids)]
    asked: SendChannel[Request]
    asked, asked_in = open_channel("interference", math.inf)
    script = Scripted(given, asked)
    kernel = new_kernel(Config(), variant.functions, script, memcgs)
    si = new_device(kernel, "swap0")
    player = Player(given, kernel, si.clusters[0], Record())
    _fill(player)
    si.inuse_pages = player.ci.count
    _watch(player)
    start_daemons(kernel, execution)
    execution.spawn("others", _interfere, player, asked_in, daemon=True)
    execution.spawn(CALLER, _call, player)
    return player


async def _call(player: Player) -> None:
    given = player.given
    kernel = player.kernel
    mm = new_process(kernel, "P", next(iter(kernel.memcgs.by_id.values())))
    entry = swp_entry(0, given.target)
    vmf = None
    if given.vmf:
        assert given.fault_page is not None
        vmf = VmFault(mm, given.fault_page, SwapPte(entry))
    mpol = "task" if given.mpol else None
    player.result = await swap_state.swap_cache_alloc_folio(
        kernel, entry, "GFP", given.orders, vmf, mpol, 0
    )
    if isinstance(player.result, Folio):
        _let_go_quietly(player.result)


def _let_go_quietly(folio: Folio) -> None:
    """The call returns a locked folio, and here the task ends: its lock would be left held."""
    running_task().held.remove(folio.lock)


@attrs.define(eq=False)
class Scripted:
    """Answers by script, after the interference that the script has for the call."""

    given: VectorIn
    asked: SendChannel[Request]
    calls: Counter[str] = attrs.Factory(Counter)

    async def fails(self, what: str) -> bool:
        """The script's answer for the next call; yes beyond its end."""
        number = self.calls[what]
        self.calls[what] += 1
        if what == "deferred_split":
            return not _nth(self.given.deferred, number, default=True)
        script = self.given.alloc if what == "alloc" else self.given.charge
        granted, ops = _nth(script, number, default=(True, []))
        if ops:
            done = Completion("interference")
            await self.asked.send((ops, done))
            await done.wait("interference.wait")
        return not granted


def _nth(script: list[Any], number: int, *, default: Any) -> Any:
    return script[number] if number < len(script) else default


async def _interfere(player: Player, asked_in: ReceiveChannel[Request]) -> None:
    """What other threads do: each batch under the cluster lock, and then the answer."""
    while True:
        ops, done = await asked_in.receive()
        async with player.ci.lock.hold("interference.lock"):
            for name, slot, *rest in ops:
                if player.ci.table is not None:
                    _INTERFERENCE[name](player, slot, *rest)
        await done.complete("interference.done")


def _free(player: Player, slot: int) -> None:
    word = _word(player, slot)
    if swp_tb_is_folio(word):
        _swap_table_set(player.ci, slot, _swp_tb_mk_count(word, 0))
    elif swp_tb_is_shadow(word):
        _set_free(player, slot)


def _set_free(player: Player, slot: int) -> None:
    ci = player.ci
    _swap_table_set(ci, slot, SWP_TB_NULL)
    ci.memcg_table.pop(slot, None)
    ci.count -= 1
    if ci.count == 0:
        ci.table = None


def _put(player: Player, slot: int) -> None:
    word = _word(player, slot)
    count = count_of(word)
    if count == 0 or swp_tb_is_bad(word):
        return
    if count == 1 and swp_tb_is_shadow(word):
        _set_free(player, slot)
    else:
        _swap_table_set(player.ci, slot, _swp_tb_mk_count(word, count - 1))


def _dup(player: Player, slot: int) -> None:
    word = _word(player, slot)
    count = count_of(word)
    usable = swp_tb_is_folio(word) or (swp_tb_is_shadow(word) and count >= 1)
    if usable and count < SWP_TB_COUNT_MAX - 1:
        _swap_table_set(player.ci, slot, _swp_tb_mk_count(word, count + 1))


def _shadow(player: Player, slot: int, value: int) -> None:
    word = _word(player, slot)
    if swp_tb_is_shadow(word):
        flags = count_of(word) << 1 | zero_of(word)
        _swap_table_set(player.ci, slot, shadow_to_swp_tb(xa_mk_value(value), flags))


def _cache(player: Player, slot: int, order: int, name: str) -> None:
    start = slot & -(1 << order)
    slots = range(start, start + (1 << order))
    words = {off: _word(player, off) for off in slots}
    if not all(swp_tb_is_shadow(word) and count_of(word) for word in words.values()):
        return
    for off, word in words.items():
        flags = count_of(word) << 1 | zero_of(word)
        _swap_table_set(player.ci, off, pfn_to_swp_tb(_foreign(player, name), flags))


_INTERFERENCE: Final[dict[str, Callable[..., None]]] = {
    "free": _free,
    "put": _put,
    "dup": _dup,
    "shadow": _shadow,
    "cache": _cache,
}


def _word(player: Player, slot: int) -> int:
    return SWP_TB_NULL if player.ci.table is None else player.ci.table[slot]


def _foreign(player: Player, name: str) -> int:
    """The frame number that stands for the foreign folio *name*."""
    if name not in player.foreign:
        player.foreign[name] = new_folio(player.kernel, 0).pfn
    return player.foreign[name]


def _fill(player: Player) -> None:
    """Write the table that the vector begins with; every slot in use has an owner."""
    given, ci = player.given, player.ci
    ci.table = [SWP_TB_NULL] * SWAPFILE_CLUSTER if given.table else None
    ci.count = 0
    if ci.table is not None:
        for off, slot in _used_slots(given):
            ci.table[off] = _to_word(player, slot)
            owner = ci.memcg_table[off] = given.memcg.get(off, 1)
            if owner:
                player.kernel.memcgs.by_id[owner].id_refs += 1
            ci.count += 1
        player.before = list(ci.table)


def _used_slots(given: VectorIn) -> Iterator[tuple[int, Slot]]:
    """The slots that are not free, with their numbers."""
    for off, slot in enumerate(given.win, given.base):
        if slot.kind != "-":
            yield off, slot
    if given.rest == "s":
        for off in range(SWAPFILE_CLUSTER):
            if not given.base <= off < given.base + WINDOW:
                yield off, Slot("s", 1, 1000 + off)


def _to_word(player: Player, slot: Slot) -> int:
    flags = slot.count << 1 | slot.zero
    if slot.kind == "b":
        return SWP_TB_BAD
    if slot.kind == "s":
        return shadow_to_swp_tb(xa_mk_value(slot.shadow), flags)
    return pfn_to_swp_tb(_foreign(player, slot.folio), flags)


def _to_token(player: Player, word: int) -> str:
    if swp_tb_is_null(word):
        return "-"
    if swp_tb_is_bad(word):
        return str(Slot("b"))
    count, zero = count_of(word), zero_of(word)
    if swp_tb_is_shadow(word):
        return str(Slot("s", count, xa_to_value(swp_tb_to_shadow(word)), zero=zero))
    names = {pfn: name for name, pfn in player.foreign.items()}
    return str(Slot("f", count, folio=names.get(swp_tb_to_pfn(word), NEW), zero=zero))


def _watch(player: Player) -> None:
    """Record what the caller does, by wrapping the functions that do it."""
    functions = player.kernel.functions
    for name, wrap in _WRAPPERS.items():
        functions[name] = wrap(player.record, functions.get(name, FUNCTIONS[name]))
    player.ci.lock.on_acquire = lambda: _locked(player.record)
    player.ci.lock.on_release = lambda: _unlocked(player.record)


def _called() -> bool:
    return running_task().name == CALLER


def _locked(record: Record) -> None:
    if _called():
        record.trace.append("L")


def _unlocked(record: Record) -> None:
    if _called():
        record.trace.append("U")
        record.locks += 1


def _sign(value: object) -> str:
    return "-" if value is None else "+"


def _vma(record: Record, function: Any) -> Any:
    async def call(kernel: Kernel, gfp: str, order: int, mm: Any, page: int) -> Folio | None:
        folio: Folio | None = await function(kernel, gfp, order, mm, page)
        record.alloc.append([order, "vma", page, folio is not None])
        record.trace.append(f"A{order}v{_sign(folio)}")
        return folio

    return call


def _mpol(record: Record, function: Any) -> Any:
    async def call(kernel: Kernel, gfp: str, order: int, *policy: Any) -> Folio | None:
        folio: Folio | None = await function(kernel, gfp, order, *policy)
        record.alloc.append([order, "mpol", None, folio is not None])
        record.trace.append(f"A{order}m{_sign(folio)}")
        return folio

    return call


def _charge(record: Record, function: Any) -> Any:
    async def call(kernel: Kernel, folio: Folio, owner: int, mm: Any, gfp: str) -> Errno | None:
        start = swp_offset(folio.swap)
        error: Errno | None = await function(kernel, folio, owner, mm, gfp)
        ok = error is None
        record.charge.append([folio.order, start, mm is not None, ok, owner])
        record.trace.append(f"C{folio.order}{'+' if ok else '-'}")
        return error

    return call


def _deferred(record: Record, function: Any) -> Any:
    async def call(kernel: Kernel, folio: Folio) -> Errno | None:
        error: Errno | None = await function(kernel, folio)
        record.trace.append(f"V{folio.order}{'+' if error is None else '-'}")
        return error

    return call


def _noting(note: Callable[..., None]) -> Callable[[Record, Any], Any]:
    """A wrapper that calls *note* with the record and the arguments, and then the function."""

    def wrap(record: Record, function: Any) -> Any:
        def call(kernel: Kernel, *args: Any) -> Any:
            note(record, *args)
            return function(kernel, *args)

        return call

    return wrap


def _note_insert(record: Record, _ci: Any, folio: Folio, *_: Any) -> None:
    record.trace.append(f"I{folio.order}")


def _note_delete(record: Record, _ci: Any, folio: Folio, *_: Any) -> None:
    record.trace.append(f"D{folio.order}")


def _note_unlock(record: Record, folio: Folio, _label: str) -> None:
    record.trace.append(f"u{folio.order}")


def _note_put(record: Record, _folio: Folio, refs: int) -> None:
    record.trace.append(f"P{refs}")


def _note_free(record: Record, folio: Folio) -> None:
    record.trace.append(f"X{folio.order}")
    record.freed.append(folio.order)


def _note_slots(record: Record, _si: Any, offset: int, nr: int) -> None:
    record.trace.append(f"E{offset}+{nr}")
    record.slots_freed.append([offset, nr])


def _note_table(record: Record, _ci: Any) -> None:
    record.trace.append("T")


def _note_mthp(record: Record, order: int, item: str) -> None:
    record.trace.append(f"{'g' if item.endswith('CHARGE') else 'f'}{order}")


def _note_memcg1(record: Record, entry: Any, nr: int) -> None:
    record.trace.append("M")
    record.memcg1.append([swp_offset(entry), nr])


def _note_refault(record: Record, _folio: Folio, shadow: int) -> None:
    record.trace.append("R")
    record.refault = xa_to_value(shadow)


def _note_stat(record: Record, _folio: Folio, item: str, val: int) -> None:
    record.trace.append("F" if item == "NR_FILE_PAGES" else "N")
    record.stats[item] += val


def _note_lru(record: Record, _folio: Folio) -> None:
    record.trace.append("Q")
    record.lru += 1


_WRAPPERS: Final[dict[str, Callable[[Record, Any], Any]]] = {
    "vma_alloc_folio": _vma,
    "folio_alloc_mpol": _mpol,
    "charge_memcg": _charge,
    "folio_memcg_alloc_deferred": _deferred,
    "_swap_cache_do_add_folio": _noting(_note_insert),
    "_swap_cache_do_del_folio": _noting(_note_delete),
    "folio_unlock": _noting(_note_unlock),
    "folio_put_refs": _noting(_note_put),
    "_folio_put": _noting(_note_free),
    "swap_range_free": _noting(_note_slots),
    "swap_cluster_free_table": _noting(_note_table),
    "count_mthp_stat": _noting(_note_mthp),
    "memcg1_swapin": _noting(_note_memcg1),
    "workingset_refault": _noting(_note_refault),
    "node_stat_mod_folio": _noting(_note_stat),
    "lruvec_stat_mod_folio": _noting(_note_stat),
    "folio_add_lru": _noting(_note_lru),
}


def _out(player: Player) -> dict[str, Any]:
    given, kernel, record = player.given, player.kernel, player.record
    words = player.ci.table or [SWP_TB_NULL] * SWAPFILE_CLUSTER
    end = given.base + WINDOW
    values = (
        _ret(player.result),
        [_to_token(player, word) for word in words[given.base : end]],
        _changed_runs(player, words),
        player.ci.table is not None,
        record.alloc,
        record.charge,
        _by_order(kernel, "SWPIN_FALLBACK"),
        _by_order(kernel, "SWPIN_FALLBACK_CHARGE"),
        record.refault,
        record.memcg1,
        record.locks,
        _returned(player.result),
        record.lru,
        record.freed,
        record.slots_freed,
        record.stats["NR_FILE_PAGES"],
        record.stats["NR_SWAPCACHE"],
        len(kernel.warnings),
        " ".join(record.trace),
    )
    return dict(zip(FIELDS, values, strict=True))


def _ret(result: Folio | Errno | None) -> dict[str, Any]:
    if isinstance(result, Folio):
        return {"order": result.order, "start": swp_offset(result.swap)}
    return {"errno": str(result)}


def _returned(result: Folio | Errno | None) -> dict[str, Any] | None:
    if not isinstance(result, Folio):
        return None
    return {
        "ref": result.refs,
        "locked": result.locked,
        "swapbacked": result.swapbacked,
        "swapcache": result.swapcache,
    }


def _by_order(kernel: Kernel, item: str) -> dict[str, int]:
    return {
        str(order): count for (name, order), count in kernel.vmstat.mthp.items() if name == item
    }


def _changed_runs(player: Player, words: list[int]) -> list[list[Any]]:
    """The slots outside of the window that have changed, in runs that hold the same."""
    base = player.given.base
    runs: list[list[Any]] = []
    for off, (word, before) in enumerate(zip(words, player.before, strict=True)):
        if word == before or base <= off < base + WINDOW:
            continue
        token = _to_token(player, word)
        if runs and runs[-1][0] + runs[-1][1] == off and runs[-1][2] == token:
            runs[-1][1] += 1
        else:
            runs.append([off, 1, token])
    return runs
