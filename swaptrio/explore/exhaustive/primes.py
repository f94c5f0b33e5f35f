# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prime events: an event together with all that had to happen before it, as one number.

Two executions are equivalent if and only if they consist of the same prime events. So a class is
named by the numbers of its tasks' last events, and that is how classes are counted: not assumed
to be as many as the executions, but compared with them.

The numbers also tell the future. What a step accesses depends on its causal past and nothing
else. Whether a reversed race is covered already depends on the accesses of a step that has not
been executed in that place; but if it is covered, its prime event has been executed in another
order and is known here. If no number fits, nothing covers it (see `tree`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from swaptrio.explore.exhaustive.event import Accesses, Path, add_access, entered, followed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.event import Event, Past

#: Accesses in the order of their keys.
Sorted: TypeAlias = tuple[tuple[str, int], ...]

#: A task, the number of its previous event, accesses, numbers of those followed, and draws.
Prime: TypeAlias = tuple[str, int, Sorted, tuple[int, ...], Path]

#: A task, the number of its previous event, and the first draws of its next step.
Step: TypeAlias = tuple[str, int, Path]

#: What a step has accessed, its draws, and how many options each of them had.
Shown: TypeAlias = tuple[Sorted, Path, Path]


@attrs.define(eq=False)
class Primes:
    """Numbers all prime events that were ever executed.

    *outcomes* are what the step after some event of a task has shown.
    """

    numbers: dict[Prime, int] = attrs.Factory(dict)
    outcomes: dict[tuple[str, int], list[Shown]] = attrs.Factory(dict)

    def number(self, task: str, previous: int, event: Event, behind: list[int]) -> int:
        """The number of an executed event; *behind* are those of the events it follows."""
        accesses = tuple(sorted(event.accesses.items()))
        prime = (task, previous, accesses, tuple(sorted(behind)), event.path)
        number = self.numbers.get(prime)
        return self._new(prime, event.options) if number is None else number

    def _new(self, prime: Prime, options: Path) -> int:
        number = self.numbers[prime] = len(self.numbers)
        task, previous, accesses, _, path = prime
        shown = self.outcomes.setdefault((task, previous), [])
        if (accesses, path, options) not in shown:
            shown.append((accesses, path, options))
        return number

    def known(
        self, step: Step, past: Past, trace: Sequence[Event], extra: list[Event]
    ) -> list[Shown]:
        """What the next step of a task is known to do after *past* and *extra*."""
        task, previous, draws = step
        known = []
        for shown in self.outcomes.get((task, previous), ()):
            accesses, path, _ = shown
            if path[: len(draws)] != draws:
                continue
            behind = set()
            for key, mode in accesses:
                behind.update(_followed(key, mode, past, trace, extra))
            if previous >= 0:
                behind.add(previous)
            if (task, previous, accesses, tuple(sorted(behind)), path) in self.numbers:
                known.append(shown)
        return known


def joined(known: list[Shown], draws: Path) -> Accesses | None:
    """What a step accesses that draws *draws* first; None if that is not known of the rest."""
    if not known or _missing(known, draws):
        return None
    accesses: Accesses = {}
    for shown in known:
        for key, mode in shown[0]:
            add_access(accesses, key, mode)
    return accesses


def told_apart(known: list[Shown], draws: Path) -> list[Path]:
    """All draws that begin with *draws*: the known ones, and how unknown ones begin."""
    if not known:
        return [draws]
    return [path for _, path, _ in known] + _missing(known, draws)


def _missing(known: list[Shown], draws: Path) -> list[Path]:
    """Options of draws behind *draws* that are not among these outcomes."""
    heads = {path[:size] for _, path, _ in known for size in range(len(path) + 1)}
    missing = [
        (*path[:size], index)
        for _, path, options in known
        for size, count in enumerate(options)
        for index in range(count)
        if size >= len(draws) and (*path[:size], index) not in heads
    ]
    return list(dict.fromkeys(missing))


def _followed(
    key: str, mode: int, past: Past, trace: Sequence[Event], extra: list[Event]
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


def _numbers(indices: tuple[int, ...], trace: Sequence[Event]) -> tuple[int, ...]:
    return tuple([trace[index].prime for index in indices])


