# SPDX-License-Identifier: MIT OR Apache-2.0
"""The events of a large file, read when they are asked for.

A gigabyte of events would be ten of Python's objects. So where a file is large only the places
of a few of its lines are kept, and whoever goes through the events has as many of them in
memory as lie between two of these places. To go through them once more is to read them once
more, which a program that draws does two or three times and no program does for each event.
"""

from __future__ import annotations

import os
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, overload

import attrs

from swaptrio.trace.events import Event
from swaptrio.trace.problems import trace_error

#: As many lines there are from one place that is kept to the next.
STRIDE: Final = 256

#: As many groups of lines stay in memory once they were read.
_KEPT: Final = 4


class Identity(NamedTuple):
    """What tells a file from another: its *size* in bytes, and its time of *change*."""

    device: int
    inode: int
    size: int
    change: int


def identity_of(descriptor: int) -> Identity:
    """What tells an open file from one that has been changed since."""
    found = os.fstat(descriptor)
    return Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@attrs.frozen
class Store:
    """Where events lie: the *path* of a file with that *identity*, and places in it.

    *places* are those of the lines of events 0, `STRIDE`, twice that and so on, and at last
    that behind the last line. *decode* makes an event of the line of a number, from 0, and
    *tell* hears up to which place lines were read.
    """

    path: str
    identity: Identity
    places: array[int]
    decode: Callable[[bytes, int], Event]
    tell: Callable[[int], None]
    _known: OrderedDict[int, tuple[Event, ...]] = attrs.field(factory=OrderedDict, eq=False)

    def group(self, number: int) -> tuple[Event, ...]:
        """The events from number *number* times `STRIDE` on.

        Raises:
            TraceError: they cannot be read, or somebody has changed the file.
        """
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = self._read(number)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    def _read(self, number: int) -> tuple[Event, ...]:
        begin, end = self.places[number : number + 2]
        try:
            with open(self.path, "rb") as file:
                if identity_of(file.fileno()) != self.identity:
                    raise trace_error(self.path, "", "the file was changed while it was read")
                file.seek(begin)
                lines = file.read(end - begin).split(b"\n")[:-1]
        except OSError as exc:
            message = f"cannot be read: {exc.strerror or exc}"
            raise trace_error(self.path, "", message) from None
        self.tell(end)
        return tuple(
            self.decode(line, place) for place, line in enumerate(lines, number * STRIDE)
        )


@attrs.frozen
class StoredEvents(Sequence[Event]):
    """The events of a *store* whose numbers, from 0, *span* names."""

    store: Store
    span: range

    def __len__(self) -> int:
        return len(self.span)

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> StoredEvents: ...
    def __getitem__(self, place: int | slice) -> Event | StoredEvents:
        if isinstance(place, slice):
            return StoredEvents(self.store, self.span[place])
        number = self.span[place]
        return self.store.group(number // STRIDE)[number % STRIDE]

    def __iter__(self) -> Iterator[Event]:
        for number in self.span:
            yield self.store.group(number // STRIDE)[number % STRIDE]
