# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which tasks get a column of the picture, and which share one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Kind
from swaptrio.trace.words import Step, ascii_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.trace.events import Trace

#: The narrowest column in which a task's steps can still be read.
_NARROWEST: Final = 14

#: The narrowest columns that may become for the sake of a column for the daemons.
_ROOMY: Final = 18

_GAP: Final = 2


@attrs.frozen
class Column:
    """A column headed *title* for *tasks*; where it is *shared*, each line names its task."""

    title: str
    tasks: tuple[str, ...]
    shared: bool = False


def plan_columns(
    trace: Trace, steps: Sequence[Step], room: int, daemons: bool
) -> tuple[list[Column], list[str]]:
    """The columns for *steps* in *room*, and the names of daemons that are left out.

    Tasks without a step have no column, nor have daemons that only started to wait. Where the
    tasks do not fit side by side, all share one column.
    """
    own, serving = _split(trace, steps, daemons)
    if not _fits(len(own), room, _NARROWEST):
        return [Column("all tasks", (*own, *serving), shared=True)], []
    columns = [Column(ascii_only(name), (name,)) for name in own]
    if serving and _fits(len(own) + 1, room, _ROOMY):
        title = ascii_only(serving[0]) if len(serving) == 1 else "daemons"
        return [*columns, Column(title, tuple(serving), len(serving) > 1)], []
    return columns, serving


def _split(trace: Trace, steps: Sequence[Step], daemons: bool) -> tuple[list[str], list[str]]:
    """The tasks with a column of their own, and the daemons without, in order of creation."""
    active = {step.event.task: True for step in steps}
    busy = {step.event.task: True for step in steps if not _idling(step)}
    own: list[str] = []
    serving: list[str] = []
    for task in trace.header.tasks:
        if task.daemon and task.name in busy:
            (own if daemons else serving).append(task.name)
        elif not task.daemon and task.name in active:
            own.append(task.name)
    return own, serving


def _idling(step: Step) -> bool:
    return step.quiet and step.event.kind is Kind.START


def _fits(columns: int, room: int, narrowest: int) -> bool:
    return columns * (narrowest + _GAP) - _GAP <= room
