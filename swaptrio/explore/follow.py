# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two ways to run something like a schedule, that need not fit and never diverge."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs

from swaptrio.sched import Task
from swaptrio.sched.names import Draw, Entry, Place, Turn
from swaptrio.sched.strategies.named import Arrivals, number_of_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched import Execution

#: Draws by place, as options by their text.
Draws: TypeAlias = dict[Place, str]


@attrs.define(eq=False)
class Guide:
    """Takes the default everywhere but where *entries* say otherwise, in whatever order.

    An entry whose place never comes, or whose task cannot go on then, is passed over. Since
    places are names, what is left when entries are dropped still means what it meant.

    Where *prompt* is set, a task that waits is served before others go on: daemons first, and
    then that task again. What differs from the default is among the entries *used*, as is what
    *entries* brought about. *switches* counts how often another task went on, and *offers*
    lists the entries that could be added, if *offering* is set.
    """

    asks_always: ClassVar[bool] = True

    entries: tuple[Entry, ...] = ()
    offering: bool = False
    prompt: bool = False
    used: list[Entry] = attrs.field(factory=list, init=False)
    offers: list[Entry] = attrs.field(factory=list, init=False)
    switches: int = attrs.field(default=0, init=False)
    _turns: dict[Place | None, str] = attrs.field(factory=dict, init=False)
    _draws: Draws = attrs.field(factory=dict, init=False)
    _arrivals: Arrivals = attrs.field(factory=Arrivals, init=False)
    _served: Task | None = attrs.field(default=None, init=False)
    _stands: str = attrs.field(default="", init=False)

    @property
    def settled(self) -> bool:
        """Whether no entry is left that the running task may still come to."""
        left = (*self._turns, *self._draws)
        return not any(place is not None and place.task == self._stands for place in left)

    def begin(self, execution: Execution) -> None:
        """Start afresh."""
        self._served = None
        self.used, self.offers, self.switches = [], [], 0
        self._turns = {entry.at: entry.to for entry in self.entries if isinstance(entry, Turn)}
        self._draws = {
            entry.at: entry.option for entry in self.entries if isinstance(entry, Draw)
        }
        self._arrivals = Arrivals()

    def pick(self, execution: Execution, count: int) -> int:
        """Who is to go on, if it can."""
        place = self._arrivals.standing(execution)
        self._stands = "" if place is None else place.task
        running = execution.running
        waits = running is not None and not running.enabled
        number = self._wanted(execution, place)
        if not number and waits and self.prompt:
            number = self._serve(execution)
        if number:
            self.used.append(Turn(place, execution.candidates()[number].name))
        elif self.offering and count > 1:
            self.offers += [Turn(place, task.name) for task in execution.candidates()[1:]]
        self.switches += waits or (running is not None and number > 0)
        return number

    def _wanted(self, execution: Execution, place: Place | None) -> int:
        to = self._turns.pop(place, None)
        return 0 if to is None else number_of_task(execution, to) or 0

    def _serve(self, execution: Execution) -> int:
        """A daemon with work, or else the last task that was no daemon."""
        running, candidates = execution.running, execution.candidates()
        if running is not None and not running.daemon:
            self._served = running
        for number, task in enumerate(candidates):
            if task.daemon:
                return number
        return candidates.index(self._served) if self._served in candidates else 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What is to be drawn, if it is offered."""
        place = self._arrivals.drawing(execution.me(), label)
        names = [str(option) for option in options]
        wanted = self._draws.pop(place, None)
        if wanted is not None and wanted in names[1:]:
            self.used.append(Draw(place, wanted))
            return names.index(wanted)
        if self.offering:
            self.offers += [Draw(place, name) for name in names[1:]]
        return 0


@attrs.define(eq=False)
class InOrder:
    """Lets *tasks* go on one after the other, and draws what *draws* say.

    A task that cannot go on in its turn keeps it, and goes on as soon as it can. Then, and
    where the list has ended, the default is taken.
    """

    asks_always: ClassVar[bool] = True

    tasks: list[str]
    draws: Draws = attrs.Factory(dict)
    _left: list[str] = attrs.field(factory=list, init=False)
    _arrivals: Arrivals = attrs.field(factory=Arrivals, init=False)

    @property
    def settled(self) -> bool:
        """Whether the list has ended."""
        return not self._left

    def begin(self, execution: Execution) -> None:
        """Start with the first."""
        self._left = list(self.tasks)
        self._arrivals = Arrivals()

    def pick(self, execution: Execution, count: int) -> int:
        """The first of those left that can go on."""
        numbers = {task.name: number for number, task in enumerate(execution.candidates())}
        for place, name in enumerate(self._left):
            if name in numbers:
                del self._left[place]
                return numbers[name]
        return 0

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What is to be drawn, if it is offered."""
        place = self._arrivals.drawing(execution.me(), label)
        names = [str(option) for option in options]
        wanted = self.draws.get(place)
        return names.index(wanted) if wanted in names else 0


def draws_of(entries: Sequence[Entry]) -> Draws:
    """The draws among *entries*, by place."""
    return {entry.at: entry.option for entry in entries if isinstance(entry, Draw)}
