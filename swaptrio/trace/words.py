# SPDX-License-Identifier: MIT OR Apache-2.0
"""Events in words: what a step did, short enough for one line of a mail.

Everything that comes out of here is printable ASCII.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Kind
from swaptrio.trace.changes import Census, changes_words
from swaptrio.trace.events import Event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from swaptrio.trace.events import Trace

_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")

#: Kinds whose words come from the locks that are held before and after the step.
_LOCKING: Final = frozenset({Kind.LOCK, Kind.UNLOCK, Kind.TRYLOCK})

#: Kinds that say nothing which the label and the changes do not say.
_SILENT: Final = frozenset({Kind.START, Kind.STEP, Kind.CHOOSE})

#: Kinds that tell nothing to any other task, unless they change something.
_LOCAL: Final = frozenset({Kind.START, Kind.STEP, Kind.READ, Kind.WRITE})

#: Kinds that need no word of their own where the changes tell what was done.
_TOLD_BY_CHANGES: Final = frozenset({Kind.READ, Kind.WRITE})


@attrs.frozen
class Step:
    """An event with what can be said of it only in its place.

    *effects* are the words for what it did. A *quiet* step changed nothing, drew nothing, and
    had to do with no lock and no other task.
    """

    event: Event
    effects: tuple[str, ...]
    quiet: bool


def steps_of(trace: Trace, wanted: Collection[int] | None = None) -> Iterator[Step]:
    """The events of *trace* as steps: all, or those whose numbers are *wanted*."""
    held: dict[str, tuple[str, ...]] = {}
    census = Census.of(trace.header.world)
    last = None if wanted is None else max(wanted, default=0)
    for event in trace.events[:last]:
        if wanted is None or event.seq in wanted:
            before = held.get(event.task, ())
            yield Step(event, _effects(event, before, census), _quiet(event, before))
        held[event.task] = event.held
        census.follow(event.changes)


def locks_moved(event: Event, before: Sequence[str]) -> tuple[list[str], list[str]]:
    """The locks that *event* took and gave back, where its task held those *before*.

    A lock that was taken and given back within the step is in both. One that another task has
    handed over and that is given back at once is only among the latter.
    """
    taken = [name for name in event.held if name not in before]
    given = [name for name in before if name not in event.held]
    if event.kind is Kind.LOCK and event.object not in event.held:
        taken, given = [*taken, event.object], [*given, event.object]
    if event.kind is Kind.UNLOCK and event.object not in (*before, *event.held):
        given = [*given, event.object]
    return taken, given


def _effects(event: Event, before: Sequence[str], census: Census) -> tuple[str, ...]:
    """What *event* did, in words; its task held the locks *before*."""
    taken, given = locks_moved(event, before)
    deeds = [*_deed(event, [*taken, *given]), *changes_words(event.changes, census)]
    if not deeds and len(given) == 1 and taken == given and not event.more:
        return (ascii_only(f"lock/unlock {given[0]}"),)
    words = [f"lock {name}" for name in taken]
    words += deeds
    words += [f"unlock {name}" for name in given]
    words += [f"{key} {value}" for key, value in event.more.items()]
    return tuple(ascii_only(word) for word in words)


def ascii_only(text: str) -> str:
    r"""*text* in printable ASCII: a control character or a foreign letter becomes ``\x1b``."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _quiet(event: Event, before: Sequence[str]) -> bool:
    idle = event.kind in _LOCAL and not event.changes and not event.more
    return idle and tuple(before) == event.held


def _deed(event: Event, moved: Sequence[str]) -> list[str]:
    """The word for the operation itself, where no other words tell of it."""
    if event.option is not None:
        return [f"chose {event.option}"]
    if event.kind in _LOCKING:
        failed = event.kind is Kind.TRYLOCK and event.object not in moved
        return [f"trylock {event.object} failed"] if failed else []
    if event.kind in _SILENT or (event.kind in _TOLD_BY_CHANGES and event.changes):
        return []
    if event.kind is Kind.SLEEP:
        return ["sleep"]
    return [f"{event.word} {event.object}".rstrip()]
