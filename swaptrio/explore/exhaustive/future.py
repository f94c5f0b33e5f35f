# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tasks may still do from a state on, as sets of accesses.

A set is a number with one bit for each access that was ever seen: a task, the key of an object,
and a mode. So the futures of thousands of states cost a few bytes each, and to join two is one
operation.

A task that waits counts as one that does what its operation will do to its object, if it ever
can. A step that ended the execution while others could have gone on conflicts with everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.explore.exhaustive.event import ADD, READ, WRITE, Accesses
from swaptrio.sched import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What each access of a step that conflicts with everything is to.
FATAL: Final = "the end of the execution"


#: What a task has declared: the kind, the key of its object, the label; whether it can go on.
Pending: TypeAlias = tuple[Kind, str, str, bool]


@attrs.define(eq=False)
class Futures:
    """Numbers accesses, and tells which of them conflict."""

    _bits: dict[tuple[str, str, int], int] = attrs.Factory(dict)
    _tasks: dict[str, int] = attrs.Factory(dict)
    _modes: dict[str, list[int]] = attrs.Factory(dict)

    @classmethod
    def after(cls, known: Iterable[tuple[str, str, int]]) -> Futures:
        """Those that give what is *known* the same numbers again."""
        futures = cls()
        for task, key, mode in known:
            futures._new(task, key, mode)
        return futures

    def known(self) -> list[tuple[str, str, int]]:
        """All accesses in the order of their numbers: a task, a key and a mode."""
        return list(self._bits)

    def of(self, task: str, accesses: Accesses) -> int:
        """The set of what *task* does in one step."""
        found = 0
        for key, mode in accesses.items():
            bit = self._bits.get((task, key, mode))
            found |= self._new(task, key, mode) if bit is None else bit
        return found

    def _new(self, task: str, key: str, mode: int) -> int:
        bit = self._bits[task, key, mode] = 1 << len(self._bits)
        self._tasks[task] = self._tasks.get(task, 0) | bit
        self._modes.setdefault(key, [0, 0, 0, 0])[mode] |= bit
        return bit

    def against(self, task: str, accesses: Accesses, future: int) -> Iterator[str]:
        """The other tasks whose *future* conflicts with *accesses* of *task*."""
        if FATAL in accesses:
            return self._who(future, task)
        modes = self._modes.get(FATAL)
        conflicting = modes[WRITE] if modes else 0
        for key, mode in accesses.items():
            modes = self._modes.get(key)
            if modes is not None:
                conflicting |= modes[WRITE]
                conflicting |= modes[READ] if mode != READ else 0
                conflicting |= modes[ADD] if mode != ADD else 0
        return self._who(future & conflicting, task)

    def changing(self, key: str, task: str, future: int) -> Iterator[str]:
        """The other tasks whose *future* changes the object that *task* waits for."""
        modes = self._modes.get(key)
        return self._who(0 if modes is None else future & (modes[ADD] | modes[WRITE]), task)

    def all_of(self, tasks: Iterable[str]) -> int:
        """Everything that was ever seen of *tasks*."""
        found = 0
        for task in tasks:
            found |= self._tasks.get(task, 0)
        return found

    def _who(self, found: int, but: str) -> Iterator[str]:
        if not found:
            return
        for task, bits in self._tasks.items():
            if found & bits and task != but:
                yield task


@attrs.define(eq=False)
class Ahead:
    """What was seen to come from a state on.

    *everything* is that, *others* what comes without a given task: all that is done by others
    and does not happen after one of its steps.
    """

    everything: int = 0
    others: dict[str, int] = attrs.Factory(dict)

    def without(self, task: str) -> int:
        """What the others do while *task* does nothing."""
        return self.others.get(task, self.everything)

    def step(self, task: str, done: int) -> None:
        """*task* does something here."""
        self.everything |= done
        for other in self.others:
            if other != task:
                self.others[other] |= done

    def below(self, task: str, ahead: Ahead, hidden: int) -> None:
        """Add what lies behind a step of *task*, after which all that is *hidden* happens."""
        self.everything |= ahead.everything
        for other in self.others:
            more = ahead.without(other)
            self.others[other] |= more & ~hidden if other == task else more

    def join(self, ahead: Ahead) -> None:
        """Add what comes from the same state on."""
        self.everything |= ahead.everything
        for task in self.others:
            self.others[task] |= ahead.without(task)

    def forget(self) -> None:
        """Keep no more than that it comes."""
        self.others.clear()


@attrs.define(eq=False)
class Habits:
    """What tasks have done so far at a label, and from there on: good for a guess.

    *steps* go by task and label, *futures* by a task, its label, and the one that does nothing.
    """

    steps: dict[tuple[str, str], Accesses] = attrs.Factory(dict)
    futures: dict[tuple[str, str, str], int] = attrs.Factory(dict)

    def step(self, task: str, pending: Mapping[str, Pending], accesses: Accesses) -> None:
        """*task* has done something from where it stood."""
        place = task, pending[task][2]
        self.steps[place] = joined(accesses, [self.steps.get(place, {})])

    def ahead(self, pending: Mapping[str, Pending], ahead: Ahead, futures: Futures) -> None:
        """What was seen to come where the tasks stand at *pending*."""
        for other, (_, _, label, _) in pending.items():
            mine = futures.all_of([other])
            for task in pending:
                if task != other:
                    key = other, label, task
                    seen = ahead.without(task) & mine
                    self.futures[key] = self.futures.get(key, 0) | seen

    def expect(self, pending: Mapping[str, Pending]) -> tuple[dict[str, Accesses], Ahead]:
        """The next steps, and what will come, where the tasks stand at *pending*."""
        steps = {task: self.steps.get((task, at[2]), {}) for task, at in pending.items()}
        ahead = Ahead()
        for task in pending:
            found = 0
            for other, at in pending.items():
                found |= self.futures.get((other, at[2], task), 0)
            ahead.others[task] = found
        return steps, ahead


def joined(one: Accesses, others: Iterable[Accesses]) -> Accesses:
    """What a step does that has several outcomes."""
    accesses = dict(one)
    for other in others:
        for key, mode in other.items():
            known = accesses.get(key)
            accesses[key] = mode if known is None or known == mode else WRITE
    return accesses
