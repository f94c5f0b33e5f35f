# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which tasks and which steps of a trace a drawing shows.

The steps of tasks that are no daemons fall into turns. Of each turn is drawn what matters, and
its end: either the step that the task performed last, or that it waits. Where a label that is
drawn comes up several times in a turn, all of these steps are drawn, so that a reader who
counts finds the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from swaptrio.diagram.deeds import deed_words, matters
from swaptrio.diagram.story import Story
from swaptrio.sched import Kind
from swaptrio.trace.words import Step, ascii_only, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.events import Event, Trace


@attrs.frozen
class Drawn:
    """One line: *task* at *label* with *words* behind it, in the call of *root*."""

    task: str
    root: str
    label: str
    words: str


def chosen(trace: Trace) -> tuple[tuple[str, ...], tuple[Drawn, ...]]:
    """The tasks that get a column, in the order in which they begin, and all lines."""
    story = Story(trace)
    return story.tasks, tuple(_Choice(story, _joined(tuple(steps_of(trace)))).lines())


def _joined(steps: Sequence[Step]) -> Sequence[Step]:
    """All steps; what came of an option is told of the step in which it was drawn."""
    joined: list[Step] = []
    place = 0
    for step in steps:
        if step.event.kind is Kind.CHOOSE and joined:
            joined[place] = _with_changes(joined[place], step)
            step = Step(attrs.evolve(step.event, changes={}), (), step.quiet)
        else:
            place = len(joined)
        joined.append(step)
    return joined


def _with_changes(step: Step, draw: Step) -> Step:
    changes = {**step.event.changes, **draw.event.changes}
    event = attrs.evolve(step.event, changes=changes)
    return Step(event, (*step.effects, *draw.effects), step.quiet)


@attrs.frozen
class _Choice:
    """Chooses from the *steps* of one trace."""

    story: Story
    steps: Sequence[Step]

    def lines(self) -> Iterator[Drawn]:
        """All lines of the tasks that have a column, and the draws of daemons for them."""
        turns = [
            (task, [step for _, step in turn])
            for task, turn in groupby(self._shown(), lambda pair: pair[0])
        ]
        for number, (task, turn) in enumerate(turns, 1):
            yield from self._turn(task, turn, last=number == len(turns))

    def _shown(self) -> Iterator[tuple[str, Step]]:
        """The steps with the task whose turn it is; a daemon's draw falls into any."""
        turn = next(iter(self.story.tasks), "")
        for step in self.steps:
            if step.event.task in self.story.tasks:
                turn = step.event.task
                yield turn, step
            elif turn and step.event.task in self.story.daemons:
                yield turn, step

    def _turn(self, task: str, turn: Sequence[Step], *, last: bool) -> Iterator[Drawn]:
        own = [step for step in turn if _is_step_of(task, step)]
        stands = None if last or not own else self.story.blocked_after(own[-1].event)
        labels = self._labels(own, stands, last)
        for step in turn:
            if self.story.draws(step.event):
                yield self._draw(step.event)
            elif _is_step_of(task, step) and step.event.label in labels:
                yield self._line(step)
        if stands:
            yield Drawn(task, self.story.roots[task], stands.label, "waits")

    def _labels(self, own: Sequence[Step], stands: Event | None, last: bool) -> Sequence[str]:
        """What of a turn's *own* steps is drawn, by label."""
        labels = [step.event.label for step in own if matters(step)]
        if stands:
            return [*labels, stands.label]
        if own and (self._orders(last) or not labels):
            labels.append(own[-1].event.label)
        return labels

    def _orders(self, last: bool) -> bool:
        """Whether a turn's end must be told: others follow, or something broke there."""
        return not last or not self.story.trace.header.verdict.passed

    def _line(self, step: Step) -> Drawn:
        event = step.event
        following = self.story.following(event)
        words = deed_words(step, following.label if following else "")
        return Drawn(event.task, self.story.roots[event.task], event.label, words)

    def _draw(self, event: Event) -> Drawn:
        own = event.task not in self.story.daemons
        task = event.task if own else self.story.client(event)
        option = "fails" if event.option == "fail" else event.option or ""
        return Drawn(task, self.story.roots[task], event.label, ascii_only(option))


def _is_step_of(task: str, step: Step) -> bool:
    return step.event.task == task and step.event.kind is not Kind.CHOOSE
