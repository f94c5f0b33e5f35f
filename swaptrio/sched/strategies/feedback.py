# SPDX-License-Identifier: MIT OR Apache-2.0
"""Feedback: Wolff, Shi, Duck, Mathur, Roychoudhury, "Greybox Fuzzing for Concurrency Testing",
ASPLOS 2024 (RFF).

An execution is steered by a few wishes of the form "at this label see the change of that one".
Who would spoil a wish is held back: whoever stands at the first label while another change is
the last one, and, while it is the right one, whoever would change the object. All else is POS.
Wishes that cannot come true cost nothing but time: if all are held back, any may go on.

What showed a pair of labels that no execution had before is kept, and new executions start from
what was kept, with a wish more or less. Pairs that nobody has seen are wished for first. All is
drawn from the seeds: the same seeds in the same order give the same campaign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched.strategies.candidates import drawn, indices
from swaptrio.sched.strategies.pos import Pos
from swaptrio.sched.strategies.races import LOOKS, object_of
from swaptrio.sched.strategies.reads_from import Pair, ReadsFrom, Wish

if TYPE_CHECKING:
    from swaptrio.sched.execution import Execution
    from swaptrio.sched.task import Task

#: How often an execution starts from one that was kept, and how often with its seed too.
FROM_KEPT: Final = 0.5
SAME_SEED: Final = 0.5

#: How often there is one wish more, and how often one of those at hand is dropped.
ONE_MORE: Final = 0.3
ONE_LESS: Final = 0.3


@attrs.define(eq=False)
class Kept:
    """An execution that first showed *pairs*; *used* counts who started from it."""

    seed: int
    wishes: tuple[Wish, ...]
    pairs: tuple[Pair, ...]
    used: int = 0


@attrs.define(eq=False)
class Feedback(Pos):
    """Learns in *reads_from* and *corpus*; *wishes* are those of the present execution."""

    reads_from: ReadsFrom = attrs.Factory(ReadsFrom)
    corpus: list[Kept] = attrs.Factory(list)
    wishes: tuple[Wish, ...] = attrs.field(default=(), init=False)
    _open: list[Wish] = attrs.field(factory=list, init=False)
    _base: int = attrs.field(default=0, init=False)

    def begin(self, execution: Execution) -> None:
        """Keep the last execution if it showed something new, and draw wishes for this one."""
        if self.reads_from.fresh:
            self.corpus.append(Kept(self._base, self.wishes, tuple(self.reads_from.fresh)))
        self.reads_from.begin()
        Pos.begin(self, execution)
        self._base = self.seed
        self.wishes = tuple(self._plan())
        self._open = list(self.wishes)
        if self._base != self.seed:
            self._random.seed(self._base)
            self._readiness = self._random.random()

    def _plan(self) -> list[Wish]:
        wishes = self._inherited()
        if wishes and self._random.random() < ONE_LESS:
            del wishes[self._below(len(wishes))]
        while True:
            wish = self.reads_from.draw_wish(self._random.random)
            if wish is not None and wish not in wishes:
                wishes.append(wish)
            if self._random.random() >= ONE_MORE:
                return wishes

    def _inherited(self) -> list[Wish]:
        """The wishes of a kept execution, those seldom used first; or none."""
        if not self.corpus or self._random.random() >= FROM_KEPT:
            return []
        weights = [1 / (1 + kept.used) for kept in self.corpus]
        kept = self.corpus[drawn(weights, range(len(weights)), self._random.random())]
        kept.used += 1
        if self._random.random() < SAME_SEED:
            self._base = kept.seed
        return list(kept.wishes)

    def _select(self, execution: Execution) -> int:
        among = indices(execution)
        if self._open:
            tasks = execution.tasks
            among = [index for index in among if not self._spoils(tasks[index])] or among
        return max(among, key=self._numbers.__getitem__)

    def _spoils(self, task: Task) -> bool:
        """Whether what *task* is about to do goes against a wish."""
        name = object_of(task)
        if not name:
            return False
        source = self.reads_from.source(name)
        for label, wanted in self._open:
            if task.label == label:
                if source != wanted:
                    return True
            elif source == wanted and task.kind not in LOOKS and self._is_at(label, name):
                return True
        return False

    def _is_at(self, label: str, name: str) -> bool:
        """Whether an operation at *label* has been seen to touch the object of that name."""
        return name in self.reads_from.objects.get(label, ())

    def _remember(self, task: Task) -> None:
        Pos._remember(self, task)
        pair = self.reads_from.perform(task)
        if pair is not None and self._open:
            _, label, source, own = pair
            if not own and (label, source) in self._open:
                self._open.remove((label, source))
