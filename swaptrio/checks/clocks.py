# SPDX-License-Identifier: MIT OR Apache-2.0
"""Vector clocks: which accesses happened before which, by locks and not by chance.

A task's clock counts, for each task, how much of that one's past it has learned of. It learns
when it takes something that another has released: a lock, a message, a wake-up, an end. Two
accesses of which neither task had learned of the other's are ordered by the schedule alone.
"""

from __future__ import annotations

from collections import deque

import attrs

#: How many releases of each task are known, by the task's index.
Clock = dict[int, int]


def join(clock: Clock, other: Clock) -> None:
    """Let *clock* know what *other* knows."""
    for task, time in other.items():
        if clock.get(task, 0) < time:
            clock[task] = time


@attrs.define(eq=False)
class Clocks:
    """The clocks of all tasks, and of what they pass on.

    *objects* are what was released into each object: that by writers, and, for a lock that
    readers share, that by readers. *messages* are the clocks of what is under way.
    """

    tasks: dict[int, Clock] = attrs.Factory(dict)
    objects: dict[object, Clock] = attrs.Factory(dict)
    readers: dict[object, Clock] = attrs.Factory(dict)
    messages: dict[object, deque[Clock]] = attrs.Factory(dict)

    def of(self, task: int) -> Clock:
        """The clock of a task, by its index; it knows of itself."""
        clock = self.tasks.get(task)
        if clock is None:
            clock = self.tasks[task] = {task: 1}
        return clock

    def begin(self, task: int, parent: int) -> None:
        """*parent* starts *task*, which knows what it knows."""
        self.tasks[task] = {**self.of(parent), task: 1}
        self._go_on(parent)

    def acquire(self, task: int, what: object, *, shared: bool = False) -> None:
        """*task* learns what was released into *what*; a reader not what other readers did."""
        clock = self.of(task)
        if what in self.objects:
            join(clock, self.objects[what])
        if not shared and what in self.readers:
            join(clock, self.readers[what])

    def release(self, task: int, what: object, *, shared: bool = False) -> None:
        """Whoever acquires *what* from now on learns what *task* knows."""
        into = self.readers if shared else self.objects
        join(into.setdefault(what, {}), self.of(task))
        self._go_on(task)

    def send(self, task: int, channel: object) -> None:
        """*task* sends a message."""
        self.messages.setdefault(channel, deque()).append(dict(self.of(task)))
        self._go_on(task)

    def receive(self, task: int, channel: object) -> None:
        """*task* receives the oldest message, or learns that the channel is closed."""
        queue = self.messages.get(channel)
        if queue:
            join(self.of(task), queue.popleft())
        else:
            self.acquire(task, channel)

    def end_of(self, task: int, other: int) -> None:
        """*task* learns that *other* has ended, and all that it did."""
        join(self.of(task), self.of(other))

    def knows(self, task: int, other: int, time: int) -> bool:
        """Whether *task* has learned what *other* did at its own *time*."""
        return self.of(task).get(other, 0) >= time

    def now(self, task: int) -> int:
        """The task's own time."""
        return self.of(task)[task]

    def _go_on(self, task: int) -> None:
        self.tasks[task][task] += 1
