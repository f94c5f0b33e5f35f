# SPDX-License-Identifier: MIT OR Apache-2.0
"""Schedules by names: who stands where when somebody else goes on.

A token such as ``12:1@zap/start`` counts steps, so any point that is added to the program makes
it another schedule. A `NamedSchedule` says the same in the words of the program::

    fault#1@swap_cache_alloc.recheck -> zap#1@swap_put_entries.lock -> fault
    fault#1@vma_alloc_folio.alloc = fail

"When *fault* comes to that label for the first time, *zap* goes on; when *zap* comes to its
label, *fault* does." and "what *fault* draws at that label for the first time is *fail*". Parts
stand one after the other, with commas between. All else happens by default: the running task
goes on for as long as it can, then the first that can, and each draw is its first option. Who
begins is said by ``start -> zap``; else it is the task that is named first.

The number behind ``#`` may be left out where a task comes to a label only once. A task that has
ended stands at the label ``end``. As in tokens, names are written as in a URL where they would
be misread.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from swaptrio.sched.schedule import EMPTY, BadSchedule, read_name, written_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task

#: Where a task stands that has ended.
END: Final = "end"

_ARROW: Final = "->"
_BEGIN: Final = "start"
_NAME: Final = r"((?:[\w.+-]|%[0-9A-Fa-f]{2})+?)"
_PLACE: Final = re.compile(rf"{_NAME}(?:#([1-9]\d{{0,5}}))?@{_NAME}", re.ASCII)
_TASK: Final = re.compile(_NAME, re.ASCII)


@attrs.frozen
class Place:
    """Where *task* stands: at *label*, for the *time*-th time (from 1; 0 says the only one)."""

    task: str
    label: str
    time: int = 0

    def __str__(self) -> str:
        number = f"#{self.time}" if self.time else ""
        return f"{written_name(self.task)}{number}@{written_name(self.label)}"


@attrs.frozen
class Turn:
    """When the running task stands *at* a place, the task *to* goes on; None is the start."""

    at: Place | None
    to: str


@attrs.frozen
class Draw:
    """What is drawn *at* a place is *option*, by its text."""

    at: Place
    option: str

    def __str__(self) -> str:
        return f"{self.at} = {written_name(self.option)}"


#: One part of a schedule by names.
Entry: TypeAlias = Turn | Draw


@attrs.frozen
class NamedSchedule:
    """What leaves the default in one execution, in order."""

    entries: tuple[Entry, ...] = ()

    def __str__(self) -> str:
        return ", ".join(_clauses(self.entries)) or EMPTY

    def __len__(self) -> int:
        return len(self.entries)

    @classmethod
    def parse(cls, text: str) -> NamedSchedule:
        """Read a schedule back; the inverse of ``str``.

        Raises:
            BadSchedule: the text is no schedule by names; says which part is wrong.
        """
        if text.strip() in ("", EMPTY):
            return cls()
        entries: list[Entry] = []
        for number, clause in enumerate(text.split(","), 1):
            try:
                entries += _parse_clause(clause.strip(), first=number == 1)
            except BadSchedule as exc:
                msg = f"schedule part {number}: {clause.strip()[:80]!r} {exc}"
                raise BadSchedule(msg) from None
        return cls(tuple(entries))


def is_named(text: str) -> bool:
    """Whether *text* looks like a schedule by names and not like a token or a path."""
    return _ARROW in text or " = " in text


def _clauses(entries: tuple[Entry, ...]) -> Iterator[str]:
    chain: list[str] = []
    last = ""
    for entry in entries:
        if chain and not (isinstance(entry, Turn) and entry.at and entry.at.task == last):
            yield _chained(chain, last)
            chain = []
        if isinstance(entry, Draw):
            yield str(entry)
            continue
        chain.append(_BEGIN if entry.at is None else str(entry.at))
        last = entry.to
    if chain:
        yield _chained(chain, last)


def _chained(places: list[str], last: str) -> str:
    return f" {_ARROW} ".join([*places, written_name(last)])


def _parse_clause(clause: str, *, first: bool) -> Iterator[Entry]:
    if _ARROW not in clause:
        place, equals, option = (part.strip() for part in clause.partition("="))
        if not equals or not option:
            msg = "is not TASK#N@LABEL -> TASK, nor TASK#N@LABEL = OPTION"
            raise BadSchedule(msg)
        yield Draw(_parse_place(place), _read(option))
        return
    *places, last = (part.strip() for part in clause.split(_ARROW))
    begins = first and places[0] == _BEGIN
    stops = [None if begins else _parse_place(places[0]), *map(_parse_place, places[1:])]
    final = _parse_place(last) if "@" in last else None
    tasks = [stop.task for stop in stops[1:] if stop is not None]
    tasks.append(final.task if final else _parse_task(last))
    yield from (Turn(stop, task) for stop, task in zip(stops, tasks, strict=True))
    if final is not None:
        yield Turn(final, final.task)


def _parse_place(text: str) -> Place:
    match = _PLACE.fullmatch(text)
    if match is None:
        msg = f"has no place TASK#N@LABEL in {text[:60]!r}"
        raise BadSchedule(msg)
    task, time, label = match.groups()
    return Place(_read(task), _read(label), int(time or 0))


def _parse_task(text: str) -> str:
    if not _TASK.fullmatch(text):
        msg = f"has no task in {text[:60]!r}"
        raise BadSchedule(msg)
    return _read(text)


def _read(name: str) -> str:
    try:
        return read_name(name)
    except UnicodeDecodeError:
        msg = "has a name that is no text"
        raise BadSchedule(msg) from None


@attrs.define(eq=False)
class Naming:
    """An observer that tells the schedule of one execution by names.

    Args:
        entries: what has left the default so far.
    """

    entries: list[Entry] = attrs.Factory(list)
    _first: str = ""
    _performed: dict[tuple[str, str], int] = attrs.Factory(dict)
    _drawn: dict[tuple[str, str], int] = attrs.Factory(dict)

    @property
    def schedule(self) -> NamedSchedule:
        """The schedule; it says who begins wherever that is not the task named first."""
        entries = tuple(self.entries)
        named = entries[0].at if entries else None
        if named is not None and named.task != self._first:
            entries = (Turn(None, self._first), *entries)
        return NamedSchedule(entries)

    def step(self, execution: Execution, task: Task) -> None:
        """*task* goes on, by default or not."""
        running = execution.running
        self._first = self._first or task.name
        if _deviates(execution):
            self.entries.append(Turn(self._place(running), task.name))
        key = (task.name, task.label)
        self._performed[key] = self._performed.get(key, 0) + 1

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """*task* has drawn *option*, by default or not."""
        time = self._drawn[task.name, label] = self._drawn.get((task.name, label), 0) + 1
        if _deviates(execution):
            self.entries.append(Draw(Place(task.name, label, time), str(option)))

    def end(self, execution: Execution) -> None:
        """Nothing more will leave the default."""

    def _place(self, running: Task | None) -> Place | None:
        if running is None:
            return None
        if running.finished:
            return Place(running.name, END, 1)
        time = self._performed.get((running.name, running.label), 0) + 1
        return Place(running.name, running.label, time)


def _deviates(execution: Execution) -> bool:
    return bool(execution.deviations) and execution.deviations[-1][0] == execution.step
