# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who has seen whose change: the pairs that executions have shown, and those still unseen.

Each operation on a named object sees the change that was the last one before it, or the state
of the start. That is reads-from for a read and a hand-over for a lock. Places are labels and
not tasks, so that a hundred tasks that do the same count as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from swaptrio.sched.strategies.races import LOOKS, object_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.sched.task import Task

#: An object, a label, the label of the change that it has seen (empty: none yet), and whether
#: that was the task's own.
Pair: TypeAlias = tuple[str, str, str, bool]

#: "At this label see the change of that one, by another task": a pair to be shown.
Wish: TypeAlias = tuple[str, str]


@attrs.define(eq=False)
class ReadsFrom:
    """Pairs over all executions, with how often each was *seen*; *fresh* in the present one.

    *wishes* are pairs of labels of one object that no execution has shown. Whether any can is
    not known. *objects* are those that a label was seen at.
    """

    seen: dict[Pair, int] = attrs.Factory(dict)
    fresh: list[Pair] = attrs.Factory(list)
    wishes: list[Wish] = attrs.Factory(list)
    objects: dict[str, list[str]] = attrs.Factory(dict)
    _shown: dict[Wish, bool] = attrs.field(factory=dict, init=False)
    _tries: dict[Wish, int] = attrs.field(factory=dict, init=False)
    _labels: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    _changes: dict[str, list[str]] = attrs.field(factory=dict, init=False)
    _last: dict[str, tuple[str, int]] = attrs.field(factory=dict, init=False)

    def begin(self) -> None:
        """Nothing has been changed yet."""
        self.fresh = []
        self._last = {}

    def source(self, name: str) -> str:
        """The label of the last change of an object."""
        last = self._last.get(name)
        return "" if last is None else last[0]

    def perform(self, task: Task) -> Pair | None:
        """*task* performs what it has declared; the pair that this shows, if it is one."""
        name = object_of(task)
        if not name:
            return None
        label, changes = task.label, task.kind not in LOOKS
        source, who = self._last.get(name, ("", -1))
        pair = (name, label, source, who == task.index)
        self._see(pair, changes)
        if changes:
            self._last[name] = (label, task.index)
        return pair

    def draw_wish(self, chance: Callable[[], float]) -> Wish | None:
        """A wish that was seldom tried, or one that has been shown, or none.

        Many wishes cannot come true, and nobody knows which. So one that is drawn for the n-th
        time stands with a probability of 2 / n only.
        """
        wish = self._unshown(chance())
        if wish is not None:
            self._tries[wish] = self._tries.get(wish, 0) + 1
            if chance() * self._tries[wish] < 2:
                return wish
        shown = [wish for wish, shown in self._shown.items() if shown]
        place = int(chance() * 2 * len(shown))
        return shown[place] if place < len(shown) else None

    def _unshown(self, chance: float) -> Wish | None:
        while self.wishes:
            place = int(chance * len(self.wishes))
            wish = self.wishes[place]
            if not self._shown[wish]:
                return wish
            self.wishes[place] = self.wishes[-1]
            self.wishes.pop()
        return None

    def _see(self, pair: Pair, changes: bool) -> None:
        times = self.seen.get(pair, 0)
        self.seen[pair] = times + 1
        if times:
            return
        self.fresh.append(pair)
        name, label, source, own = pair
        self._learn(name, label, changes)
        if not own:
            self._shown[label, source] = True

    def _learn(self, name: str, label: str, changes: bool) -> None:
        labels = self._labels.setdefault(name, [])
        sources = self._changes.setdefault(name, [""])
        if label not in labels:
            labels.append(label)
            self.objects.setdefault(label, []).append(name)
            for source in sources:
                self._wish(label, source)
        if changes and label not in sources:
            sources.append(label)
            for each in labels:
                self._wish(each, label)

    def _wish(self, label: str, source: str) -> None:
        if (label, source) not in self._shown:
            self._shown[label, source] = False
            self.wishes.append((label, source))
