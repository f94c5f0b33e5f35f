# SPDX-License-Identifier: MIT OR Apache-2.0
"""From a schedule to a window: who runs until where, by names and labels and never by numbers.

A schedule is tied to the numbers of its steps; a window survives a change of the code. What a
failing execution did until its last deviation is told as runs of tasks, one entry each, and
what was drawn as choices. Daemons cannot be named in a window: they run where a task waits for
them. So not every schedule has a window. Each attempt is played, and only what fails as the
schedule does is an answer; then entries that nobody needs are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.fingerprint import Fingerprint
from swaptrio.scenario.play import play, script_of
from swaptrio.scenario.windows import Window, WindowStep
from swaptrio.sched import Recorded, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.scenario.world import Setup
    from swaptrio.sched import Execution, Schedule, Scheduler, Verdict


async def window_of(
    scheduler: Scheduler, setup: Setup, verdict: Verdict, name: str
) -> Window | None:
    """A window called *name* that leads *setup* to the failure of *verdict*; None for none."""
    steps = await _steps_of(scheduler, setup, verdict.schedule)
    wanted = Fingerprint.of(setup, verdict)

    async def fails(window: Window) -> bool:
        played = await play(scheduler, setup, script_of(window, setup.variant))
        return Fingerprint.of(setup, played.verdict) == wanted

    window = Window(name=name, steps=tuple(steps.entries()), choices=steps.choices())
    if not await fails(window):
        return None
    for without in (_without_entry, _without_label):
        for position in reversed(range(len(without(window)))):
            attempt = without(window)[position]
            if await fails(attempt):
                window = attempt
    return window


def _without_entry(window: Window) -> list[Window]:
    """*window* without its first entry, without its second, and so on."""
    steps = window.steps
    return [
        attrs.evolve(window, steps=steps[:position] + steps[position + 1 :])
        for position in range(len(steps))
    ]


def _without_label(window: Window) -> list[Window]:
    """*window* with nothing drawn at the first label of its choices, at the second ..."""
    choices = window.choices
    return [
        attrs.evolve(window, choices={key: choices[key] for key in choices if key != label})
        for label in choices
    ]


async def _steps_of(scheduler: Scheduler, setup: Setup, schedule: Schedule) -> Steps:
    decisions = schedule.decisions
    steps = Steps(decisions[-1].step if decisions else 0)
    await play(scheduler, setup, Recorded(schedule), steps)
    return steps


@attrs.define
class Stretch:
    """Some steps of one task in a row; *stood* is where it stood after each, if anywhere."""

    task: Task
    stood: list[str] = attrs.Factory(list)


@attrs.define(eq=False)
class Steps:
    """An observer: who made the steps up to number *last*, and what was drawn until then."""

    last: int
    _stretches: list[Stretch] = attrs.Factory(list)
    _open: dict[str, Stretch] = attrs.Factory(dict)
    _drawn: dict[str, list[str]] = attrs.Factory(dict)
    _defaults: dict[str, int] = attrs.Factory(dict)

    def step(self, execution: Execution, task: Task) -> None:
        """*task* makes a step."""
        self._arrived(task)
        if execution.step > self.last:
            return
        stretches = self._stretches
        if not stretches or stretches[-1].task is not task:
            stretches.append(Stretch(task))
        self._open[task.name] = stretches[-1]

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """*option* was drawn."""
        if execution.step <= self.last:
            self._drawn.setdefault(label, []).append(str(option))

    def end(self, execution: Execution) -> None:
        """Note where the others stand."""
        for task in execution.tasks:
            self._arrived(task)

    def entries(self) -> Iterator[WindowStep]:
        """The steps of a window that make these steps."""
        for stretch in self._stretches:
            if stretch.task.daemon:
                continue
            if not stretch.stood or not stretch.stood[-1]:
                yield WindowStep(run=stretch.task.name)
                continue
            until = stretch.stood[-1]
            yield WindowStep(
                run=stretch.task.name, until=until, times=stretch.stood.count(until)
            )

    def choices(self) -> dict[str, tuple[str, ...]]:
        """What a window has to draw."""
        return {label: tuple(options) for label, options in self._drawn.items()}

    def _arrived(self, task: Task) -> None:
        """*task* stands somewhere after its last step, or has ended."""
        stretch = self._open.pop(task.name, None)
        if stretch is not None:
            stretch.stood.append("" if task.finished else task.label)
