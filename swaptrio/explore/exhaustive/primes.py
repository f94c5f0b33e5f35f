# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prime events: an event together with all that had to happen before it, as one number.

Two executions are equivalent if and only if they consist of the same prime events. So a class
is named by the numbers of its tasks' last events, and that is how classes are counted: not
assumed to be as many as the executions, but compared with them.

The numbers also tell the future. What a step accesses depends on its causal past and nothing
else. Whether a reversed race is covered already depends on the accesses of a step that has not
been executed in that place; but if it is covered, its prime event has been executed in another
order and is known here. If no number fits, nothing covers it (see `wish`).

A number is a digest of what it stands for, so processes that share a search agree on it without
a word.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import attrs

from swaptrio.explore.exhaustive.event import Accesses, Path, entered, followed
from swaptrio.explore.exhaustive.place import event_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.event import Event, Past
    from swaptrio.explore.exhaustive.walk import Node

#: Bytes of a number: enough that no two prime events of any search are taken for one.
_WIDTH: Final = 12

#: Accesses in the order of their keys.
Sorted: TypeAlias = tuple[tuple[str, int], ...]

#: A task, the number of its previous event, accesses, numbers of those followed, draws, and
#: whether it has ended everything.
Prime: TypeAlias = tuple[str, int, Sorted, tuple[int, ...], Path, bool]

#: A task, the number of its previous event, and the first draws of its next step.
Step: TypeAlias = tuple[str, int, Path]


class Shown(NamedTuple):
    """What a step has accessed, its draws, and its number."""

    accesses: Accesses
    path: Path
    number: int


@attrs.define(eq=False)
class Primes:
    """Numbers all prime events that were ever executed.

    *outcomes* are what the step after some event of a task has shown.
    """

    numbers: dict[Prime, int] = attrs.Factory(dict)
    outcomes: dict[tuple[str, int], dict[tuple[Sorted, Path], Accesses]] = attrs.Factory(dict)

    def number(self, task: str, previous: int, event: Event, behind: list[int]) -> int:
        """The number of an executed event; *behind* are those of the events it follows."""
        accesses = tuple(sorted(event.accesses.items()))
        prime = (task, previous, accesses, tuple(sorted(behind)), event.path, event.fatal)
        number = self.numbers.get(prime)
        return self.add(prime) if number is None else number

    def add(self, prime: Prime) -> int:
        """The number of *prime*, which is new."""
        digest = blake2b(repr(prime).encode(), digest_size=_WIDTH).digest()
        number = self.numbers[prime] = int.from_bytes(digest)
        task, previous, accesses, _, path, _ = prime
        self.outcomes.setdefault((task, previous), {})[accesses, path] = dict(accesses)
        return number

    def known(
        self, step: Step, past: Past, trace: Sequence[Node], extra: Sequence[Event]
    ) -> list[Shown]:
        """What the next step of a task is known to do after *past* and *extra*.

        One that ends everything is not among it: it follows all that was there.
        """
        task, previous, draws = step
        known = []
        shown = self.outcomes.get((task, previous), {})
        for (accesses, path), by_key in shown.items():
            if path[: len(draws)] != draws:
                continue
            behind: set[int] = set()
            for key, mode in accesses:
                behind.update(_followed(key, mode, past, trace, extra))
            if previous >= 0:
                behind.add(previous)
            prime = (task, previous, accesses, tuple(sorted(behind)), path, False)
            number = self.numbers.get(prime)
            if number is not None:
                known.append(Shown(by_key, path, number))
        return known


def _followed(
    key: str, mode: int, past: Past, trace: Sequence[Node], extra: Sequence[Event]
) -> tuple[int, ...]:
    """The numbers of the events that an access after *past* and *extra* has to follow."""
    group = past.groups.get(key)
    if group is not None:
        group = (group[0], _numbers(group[1], trace), _numbers(group[2], trace))
    for event in extra:
        against = event.accesses.get(key)
        if against is not None:
            group = entered(group, against, event.prime)
    return followed(group, mode)


def _numbers(indices: tuple[int, ...], trace: Sequence[Node]) -> tuple[int, ...]:
    return tuple([event_of(trace[index]).prime for index in indices])
