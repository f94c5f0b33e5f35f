# SPDX-License-Identifier: MIT OR Apache-2.0
"""One caller of the loop over orders, and surroundings in which each order fails as planned.

Everything that runs is the model's own, in the version that is asked about: the loop, the
attempts, the checks, the rollback. Only what lies around them is arranged: before an attempt
at an order the slots are brought into the state that makes it fail as the plan says, and the
allocation or the charge is refused. No oracle watches, so that what goes wrong goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.mm.errno import Errno
from swaptrio.mm.kernel import Config, Kernel
from swaptrio.mm.setup import start_daemons
from swaptrio.mm.swap_h import SWAPFILE_CLUSTER, SwpEntry, swp_entry
from swaptrio.mm.swap_table import SWP_TB_NULL
from swaptrio.sched import Ending
from swaptrio.study.ask.small_world import SmallWorld, folio_named, small_world
from swaptrio.variants import Variant

if TYPE_CHECKING:
    from swaptrio.mm.mm_types import Folio
    from swaptrio.sched import Execution, Verdict

Function = Callable[..., Any]

#: The slot that is swapped in; it is the first of its range at every order up to 4.
TARGET: Final = 16

#: Slots in use around the target: as many as the highest order covers.
_USED: Final = 16

#: Attempts that are shown of a caller that does not come back.
_SHOWN: Final = 6


class Fate(StrEnum):
    """What an attempt at an order comes to."""

    FOLIO = "folio"
    EBUSY = "EBUSY"
    ALLOC = "ENOMEM(alloc)"
    CHARGE = "ENOMEM(charge)"
    EEXIST = "EEXIST"
    ENOENT = "ENOENT"


#: The fates after which the next order has its turn.
NEXT: Final = (Fate.EBUSY, Fate.ALLOC, Fate.CHARGE)

#: What can become of a large order, and of order 0, which has no neighbours.
FATES: Final = tuple(Fate)
FATES_OF_0: Final = tuple(fate for fate in Fate if fate is not Fate.EBUSY)

_REFUSED: Final = {"alloc": Fate.ALLOC, "charge": Fate.CHARGE}


@attrs.frozen
class Outcome:
    """What one call came to.

    *attempts* are the orders that were tried, with what each came to; only the first few where
    there is no end. *ending* is what the caller got, or why it got nothing. *counters* are
    those of large orders, without any 0, and *warnings* the kernel's own.
    """

    attempts: tuple[tuple[int, str], ...]
    ending: str
    counters: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]

    @property
    def endless(self) -> bool:
        """Whether the same state came back, so that the loop never ends."""
        return self.ending == Ending.LIVELOCK

    @property
    def below_0(self) -> bool:
        """Whether an order below 0 was tried."""
        return any(order < 0 for order, _ in self.attempts)

    @property
    def past_the_table(self) -> bool:
        """Whether the range check has left the words of the cluster."""
        return "past the table" in self.ending

    def __str__(self) -> str:
        tried = ", ".join(f"order {order}: {answer}" for order, answer in self.attempts)
        return f"{tried}; {self.ending}"


@attrs.define(eq=False)
class _Plan:
    """Says what fails; *order* is the one that is being tried.

    An order below 0 that no plan knows meets what order 0 would have met.
    """

    fates: Mapping[int, Fate]
    order: int = 0

    @property
    def fate(self) -> Fate:
        return self.fates.get(max(self.order, 0), Fate.FOLIO)

    async def fails(self, what: str) -> bool:
        return self.fate is _REFUSED.get(what)


@attrs.define(eq=False)
class OrderLoop:
    """Calls ``swap_cache_alloc_folio`` of *variant* once, with the allowed *orders*.

    *fates* says for each order what its attempt comes to. *thp*: CONFIG_TRANSPARENT_HUGEPAGE.
    *full*: all other slots of the cluster are in use as well.
    """

    variant: Variant
    orders: int
    fates: Mapping[int, Fate]
    thp: bool = True
    full: bool = False
    _attempts: list[tuple[int, str]] = attrs.Factory(list)
    _plan: _Plan = attrs.field(init=False)
    _world: SmallWorld = attrs.field(init=False)
    _ended: str = ""

    def __call__(self, execution: Execution) -> None:
        """Make the world, and the task that calls."""
        attempt = self.variant.functions["_swap_cache_alloc"]

        async def attempting(
            kernel: Kernel, targ_entry: SwpEntry, gfp: str, order: int, *more: Any
        ) -> Folio | Errno:
            return await self._attempt(attempt, kernel, targ_entry, gfp, order, *more)

        functions = {**self.variant.functions, "_swap_cache_alloc": attempting}
        self._plan = _Plan(self.fates)
        self._world = small_world(
            attrs.evolve(self.variant, functions=functions),
            range(1, SWAPFILE_CLUSTER) if self.full else range(TARGET, TARGET + _USED),
            config=Config(thp=self.thp),
            injection=self._plan,
        )
        start_daemons(self._world.kernel, execution)
        execution.spawn("caller", self._call)

    async def _call(self) -> None:
        self._ended = await self._world.allocate(self._world.fault(TARGET), self.orders)

    async def _attempt(
        self,
        attempt: Function,
        kernel: Kernel,
        targ_entry: SwpEntry,
        gfp: str,
        order: int,
        *more: Any,
    ) -> Folio | Errno:
        self._plan.order = order
        in_the_way = await self._arrange()
        got: Folio | Errno = await attempt(kernel, targ_entry, gfp, order, *more)
        self._attempts.append((order, _named(got)))
        for grows in (self._attempts, self._world.kernel.warnings):
            del grows[_SHOWN:]  # or a loop without an end would have no state twice
        if in_the_way is not None:
            await self._world.remove(in_the_way)
        return got

    async def _arrange(self) -> Folio | None:
        """Bring the slots into the state that goes with the fate; what was put there."""
        match self._plan.fate:
            case Fate.EBUSY:
                return await self._world.cache(TARGET + (1 << self._plan.order) // 2)
            case Fate.EEXIST:
                return await self._world.cache(TARGET)
            case Fate.ENOENT:
                table = self._world.cluster(swp_entry(0, TARGET)).table
                assert table is not None
                table[TARGET] = SWP_TB_NULL
        return None

    def state(self) -> Hashable:
        """All that the loop can depend on beyond its own variables."""
        return (self._world.words, self._world.counters)

    def outcome(self, verdict: Verdict) -> Outcome:
        """What came of the call, whose execution ended with *verdict*."""
        ending = self._ended or verdict.message or str(verdict.ending)
        if verdict.ending is Ending.LIVELOCK:
            ending = str(verdict.ending)
        warnings = tuple(self._world.kernel.warnings)
        return Outcome(tuple(self._attempts), ending, self._world.counters, warnings)


def _named(got: Folio | Errno) -> str:
    return str(got) if isinstance(got, Errno) else folio_named(got)
