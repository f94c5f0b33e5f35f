# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which operations are interesting: by words for objects and labels, or by a predicate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.operation import name_of

if TYPE_CHECKING:
    from swaptrio.sched.task import Task

#: Executions whose steps are listened to, for words that no declared operation fits.
PROFILED: Final = 20

#: Whether the operation that a task has declared is interesting.
Predicate = Callable[["Task"], bool]


@attrs.define(eq=False)
class Words:
    """Operations that fit one of *words*: by their object's name, their label, or a window.

    A word may have ``*``, ``?`` and ``[...]`` in it, as file names in a shell. It also fits
    what has touched something of that name before, if somebody tells (`touched`). Where a word
    fits nothing declared that is asked for in the first executions; *heard* counts them. Two
    labels with a slash between them are a window: those labels, and all operations on their
    objects.
    """

    words: tuple[str, ...]
    heard: int = attrs.field(default=0, init=False)
    _undeclared: set[str] = attrs.field(init=False)
    _missing: dict[str, set[str]] = attrs.field(init=False)
    _objects: dict[str, set[str]] = attrs.field(init=False)
    _known: dict[tuple[str, str], bool] = attrs.field(factory=dict, init=False)
    _touching: set[tuple[str, str]] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self._missing = {word: set(word.split("/")) for word in self.words}
        self._objects = {word: set() for word in self.words if "/" in word}
        self._undeclared = {word for word in self.words if "/" not in word}

    @property
    def unmatched(self) -> list[str]:
        """The words that fit nothing so far: after a campaign, what no code touches."""
        return [word for word in self.words if self._missing[word]]

    @property
    def listens(self) -> bool:
        """Whether to be told what the steps of the next execution touch."""
        return self.heard < PROFILED and bool(self._undeclared)

    def __call__(self, task: Task) -> bool:
        """Whether what *task* has declared fits."""
        key = (name_of(task.target), task.label)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._look(*key)
        return known or (task.name, task.label) in self._touching

    def touched(self, task: str, label: str, names: Iterable[str]) -> None:
        """The task of that name has touched what *names* says, in its step from *label* on."""
        for word, missing in self._missing.items():
            if word not in self._objects and any(fnmatchcase(name, word) for name in names):
                self._touching.add((task, label))
                missing.clear()

    def _look(self, name: str, label: str) -> bool:
        fits = [self._fits(word, name, label) for word in self.words]  # all have a look
        return any(fits)

    def _fits(self, word: str, name: str, label: str) -> bool:
        objects = self._objects.get(word)
        if objects is not None:
            return self._is_inside(word, name, label) or name in objects
        fits = fnmatchcase(name, word) or fnmatchcase(label, word)
        if fits:
            self._missing[word].clear()
            self._undeclared.discard(word)
        return fits

    def _is_inside(self, window: str, name: str, label: str) -> bool:
        """Whether *label* is one of a window's; then the object is one of its objects."""
        ends = [end for end in window.split("/") if fnmatchcase(label, end)]
        self._missing[window].difference_update(ends)
        if ends and name and name not in self._objects[window]:
            self._objects[window].add(name)
            self._known.clear()
        return bool(ends)
