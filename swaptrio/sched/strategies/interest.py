# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which operations are interesting: by words for objects and labels, or by a predicate."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.operation import name_of

if TYPE_CHECKING:
    from swaptrio.sched.task import Task

#: Whether the operation that a task has declared is interesting.
Predicate = Callable[["Task"], bool]


@attrs.define(eq=False)
class Words:
    """Operations whose object's name or whose label fits one of *words*.

    A word may have ``*``, ``?`` and ``[...]`` in it, as file names in a shell. *unmatched* are
    the words that have fitted nothing so far: after a campaign they name what no code touches.
    """

    words: tuple[str, ...]
    unmatched: list[str] = attrs.field(init=False)
    _known: dict[tuple[str, str], bool] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.unmatched = list(self.words)

    def __call__(self, task: Task) -> bool:
        """Whether what *task* has declared fits."""
        key = (name_of(task.target), task.label)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._look(key)
        return known

    def _look(self, names: tuple[str, str]) -> bool:
        fits = [w for w in self.words if any(fnmatchcase(name, w) for name in names)]
        self.unmatched = [word for word in self.unmatched if word not in fits]
        return bool(fits)
