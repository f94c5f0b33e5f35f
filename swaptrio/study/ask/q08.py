# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q8: whether a loop over lookup and allocation can starve.

The loop runs in one task. The other one does nothing but insert a folio in the slot, in one
step, and take it out again, in another: nobody can disturb the loop more cheaply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import plain
from swaptrio.mm.page_alloc import folio_put, folio_unlock, new_folio
from swaptrio.mm.swap_h import swp_entry
from swaptrio.mm.swap_state import _swap_cache_do_add_folio, _swap_cache_do_del_folio
from swaptrio.mm.swap_table import swap_table_get, swp_tb_is_shadow
from swaptrio.mm.swapfile import get_swap_device
from swaptrio.scenario.deeds import TaskSetup
from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.sched import Ending, WaitQueue, current
from swaptrio.study.ask.answer import Answer, Claim, Decided, Table
from swaptrio.study.ask.question import Study
from swaptrio.study.ask.short import Arranged, all_ends, shortened
from swaptrio.study.ask.spelling import listed
from swaptrio.variants.v3 import folio_put_allocated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.mm_types import Folio
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry
    from swaptrio.scenario.world import World
    from swaptrio.sched import Execution, Verdict
    from swaptrio.study.ask.lab import Lab

VERSIONS: Final = ("pre", "v3", "v4", "v5", "next")

#: Most insertions by the other task.
MOST: Final = 2

#: A loop that does not sleep while another task has claimed the slot, from before the series.
SPINNING: Final = "no-tick"

_SLOT: Final = 17
_LOOP: Final = "loser"
_OTHERS: Final = "others"

_INSERTS: Final = "inserts a folio"
_REMOVES: Final = "takes it out"
_REFUSED: Final = "EEXIST"
_NOTHING: Final = "looks, and finds nothing"
_FOUND: Final = "looks, and finds a folio"


@attrs.frozen
class End:
    """What happened to the slot in one execution, who did what in order; and the *result*."""

    log: tuple[tuple[str, str], ...]
    result: str

    @property
    def rounds(self) -> int:
        """How often the loop was refused."""
        return [what for _, what in self.log].count(_REFUSED)

    @property
    def insertions(self) -> int:
        """How many folios the other task has inserted."""
        return self.log.count((_OTHERS, _INSERTS))

    @property
    def paid(self) -> bool:
        """Whether an insertion comes before each refusal, after the one before that."""
        credit = False
        for step in self.log:
            if step == (_LOOP, _REFUSED):
                if not credit:
                    return False
                credit = False
            credit = credit or step == (_OTHERS, _INSERTS)
        return True


@attrs.frozen
class Disturbed:
    """All *ends* of the loop in a *version* beside *insertions*; and what is *broken*."""

    version: str
    insertions: int
    ends: tuple[End, ...]
    broken: tuple[str, ...]

    @property
    def rounds(self) -> int:
        """Most rounds in vain of one execution."""
        return max((end.rounds for end in self.ends), default=0)

    @property
    def paid(self) -> bool:
        """Whether each of these has cost an insertion, and nothing is broken."""
        return not self.broken and all(end.paid for end in self.ends)


@attrs.frozen
class Preempted:
    """What becomes of a fault beside a task that stops for ever after its insertion.

    *results* are what it returns. *waits* are what it may wait for in vain, and *circles* says
    that it can go round for ever.
    """

    version: str
    results: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    circles: bool = False

    @property
    def sleeps(self) -> bool:
        """Whether it may wait for a folio, and nothing else can keep it."""
        return bool(self.waits) and all(wait.startswith("folio ") for wait in self.waits)


async def _answer(lab: Lab) -> Answer:
    disturbed = [
        await disturb(lab, version, insertions)
        for version in VERSIONS
        for insertions in range(MOST + 1)
    ]
    preempted = [await preempt(lab, version) for version in VERSIONS]
    preempted.append(await spin(lab))
    return Answer(
        (_rounds(disturbed), _way(disturbed), _preempted(preempted)),
        claims(disturbed, preempted),
        Decided.PROVED,
        f"1 slot, 1 loop, 1 other task with 0 to {MOST} insertions of one step each; or 1 fault"
        " and 1 task that stops after its insertion; a charge and a read take one step",
    )


async def disturb(lab: Lab, version: str, insertions: int) -> Disturbed:
    """All interleavings of the loop with so many insertions and removals."""
    log: list[tuple[str, str]] = []

    async def others(kernel: Kernel) -> None:
        for _ in range(insertions):
            folio = await _insert(kernel)
            if folio is None:
                return
            await _remove(kernel, folio)

    setup = _setup(lab, version, _readahead(), others, log)
    ends, broken = await all_ends(lab, setup)
    return Disturbed(version, insertions, tuple(ends), tuple(broken))


async def preempt(lab: Lab, version: str) -> Preempted:
    """All interleavings of a fault with a task that never goes on after its insertion."""
    log: list[tuple[str, str]] = []

    async def others(kernel: Kernel) -> None:
        if await _insert(kernel) is not None:
            await WaitQueue("its turn").wait("others.preempted")

    base = load_checked(find("eexist-loop-progress"))
    setup = _setup(lab, version, base.task[0], others, log)
    result = await lab.explore(setup)
    verdicts = [found.verdict for found in result.violations]
    return Preempted(
        version,
        tuple(dict.fromkeys(end.result for end in setup.ends)),
        tuple(_waited_for(verdict) for verdict in verdicts),
        any(verdict.ending is Ending.LIVELOCK for verdict in verdicts),
    )


def _waited_for(verdict: Verdict) -> str:
    """What the fault waits for where nobody can go on."""
    waits = [f"{edge.object} at {edge.label}" for edge in verdict.waiting if edge.task == _LOOP]
    return waits[0] if waits else str(verdict)


async def spin(lab: Lab) -> Preempted:
    """The loop from before the series, as a window leads it, beside a task that has claimed."""
    played = await lab.window(lab.setup("readahead-has-cache-livelock", SPINNING))
    circles = played.verdict.ending is Ending.LIVELOCK
    return Preempted(SPINNING, tuple(played.world.results.values()), circles=circles)


def _readahead() -> TaskSetup:
    return TaskSetup(name=_LOOP, run="readahead", device="swap0", slot=_SLOT)


def _setup(
    lab: Lab,
    version: str,
    loop: TaskSetup,
    others: Callable[[Kernel], Coroutine[Any, Any, None]],
    log: list[tuple[str, str]],
) -> Arranged[End]:
    """The world of the shipped scenario (A20), with *loop* and *others*, and a *log*."""

    def arrange(world: World, execution: Execution) -> None:
        log.clear()
        _keep_log(world.kernel, log)
        execution.spawn(_OTHERS, others, world.kernel)

    def tell(world: World) -> End:
        return End(tuple(log), world.results[_LOOP])

    base = load_checked(find("eexist-loop-progress"))
    window = attrs.evolve(base.window[0], steps=(), instead={}, expect={})
    scenario = attrs.evolve(base, task=(loop,), window=(window,))
    return Arranged(scenario, shortened(lab.variant(version)), arrange, tell)


def _keep_log(kernel: Kernel, log: list[tuple[str, str]]) -> None:
    """Note who looks, is refused, inserts and takes out."""
    functions = kernel.functions
    look, check = functions["swap_cache_get_folio"], functions["_swap_cache_add_check"]

    def note(what: str) -> None:
        log.append((current().me().name, what))

    async def looking(kernel: Kernel, entry: SwpEntry) -> Folio | None:
        folio: Folio | None = await look(kernel, entry)
        note(_NOTHING if folio is None else _FOUND)
        return folio

    def checking(kernel: Kernel, ci: SwapClusterInfo, *more: Any, **named: Any) -> Any:
        answer = check(kernel, ci, *more, **named)
        if answer[0] is Errno.EEXIST:
            note(_REFUSED)
        return answer

    def adding(kernel: Kernel, *more: Any) -> None:
        plain(_swap_cache_do_add_folio)(kernel, *more)
        note(_INSERTS)

    def deleting(kernel: Kernel, *more: Any) -> None:
        plain(_swap_cache_do_del_folio)(kernel, *more)
        note(_REMOVES)

    functions["swap_cache_get_folio"] = looking
    functions["_swap_cache_add_check"] = checking
    functions["_swap_cache_do_add_folio"] = adding
    functions["_swap_cache_do_del_folio"] = deleting


async def _insert(kernel: Kernel) -> Folio | None:
    """Put a locked folio in the slot in one step; none if it is cached or free."""
    entry, ci = swp_entry(0, _SLOT), kernel.devices[0].clusters[0]
    await get_swap_device(kernel, entry)
    folio = new_folio(kernel, 0)
    folio.holders[_OTHERS] += 1
    async with ci.lock.hold("others.insert"):
        if swp_tb_is_shadow(swap_table_get(ci, _SLOT)):
            folio.lock.take_free()
            folio.swapbacked = True
            _swap_cache_do_add_folio(kernel, ci, folio, entry)
            return folio
    folio_put(kernel, folio)
    return None


async def _remove(kernel: Kernel, folio: Folio) -> None:
    """Take the folio out again in one step, and let go of it."""
    ci = kernel.devices[0].clusters[0]
    async with ci.lock.hold("others.remove"):
        _swap_cache_do_del_folio(kernel, ci, folio, folio.swap, 0)
    await folio_unlock(kernel, folio, "others.unlock")
    folio_put_allocated(kernel, folio)


def _rounds(disturbed: list[Disturbed]) -> Table:
    rows = tuple(
        (version, *(_cell(each) for each in disturbed if each.version == version))
        for version in dict.fromkeys(each.version for each in disturbed)
    )
    columns = ("version", *(f"{number} insertions" for number in range(MOST + 1)))
    return Table("most rounds in vain, by how often the other task inserts", columns, rows)


def _cell(each: Disturbed) -> str:
    return f"{each.rounds}" if each.paid else f"{each.rounds}, not paid for"


def _way(disturbed: list[Disturbed]) -> Table:
    """The first execution of v3 with the most rounds."""
    ends = [end for each in disturbed if each.version == "v3" for end in each.ends]
    longest = max(ends, key=lambda end: end.rounds)
    return Table("a way to the most rounds, in v3", ("who", "does"), longest.log)


def claims(disturbed: list[Disturbed], preempted: list[Preempted]) -> tuple[Claim, Claim]:
    """The two sentences about the loop beside one that goes on, and one that does not."""
    unpaid = [each.version for each in disturbed if not each.paid]
    unlike = [each.version for each in disturbed if each.rounds != each.insertions]
    awake = [each.version for each in preempted if each.version in VERSIONS and not each.sleeps]
    circling = [each.version for each in preempted if each.circles]
    return (
        Claim(
            not unpaid and not unlike,
            "Only for as long as others go on: in all interleavings each EEXIST has cost an"
            " insertion of its own, so that a loop makes as many rounds in vain as there are"
            " insertions, and none more.",
            "There are rounds in vain that cost no insertion, or fewer than insertions, in"
            f" {listed(list(dict.fromkeys((*unpaid, *unlike))))}.",
        ),
        Claim(
            not awake and circling == [SPINNING],
            "One preempted task starves nobody: what it has inserted is found, and a fault"
            " sleeps until it is unlocked; a slot that was claimed and not cached, as before"
            f" the series, made a loop that does not sleep ({SPINNING}) go round for ever.",
            f"Beside a preempted task {listed(circling) or 'no version'} can go round for ever,"
            f" and {listed(awake) or 'no version'} waits for something else than a folio.",
        ),
    )


def _preempted(preempted: list[Preempted]) -> Table:
    rows = tuple(
        (
            each.version,
            ", ".join(each.results) or "-",
            ", ".join(each.waits) or "-",
            "yes" if each.circles else "-",
        )
        for each in preempted
    )
    columns = ("version", "the fault", "or waits for", "or goes round")
    heading = "the other task is preempted for ever once it has inserted, or claimed"
    return Table(heading, columns, rows)


STUDY: Final = Study(
    8,
    "Can a loop that tries again on EEXIST starve?",
    "implied by v3 04/12",
    _answer,
)
