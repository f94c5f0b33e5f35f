# SPDX-License-Identifier: MIT OR Apache-2.0
"""The values that a trace is made of.

A `Trace` is one execution told whole: a `Header` that says what ran and how it ended, and one
`Event` for each step. The header holds the state before the first step and every event what its
step changed, so that a trace alone is enough to draw any picture of the execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from swaptrio.sched import Kind, Verdict

#: The name by which a trace file is known; it opens the first line.
FORMAT: Final = "swaptrio-trace"

#: The version of the format that this swaptrio writes and reads.
VERSION: Final = 1

#: What a key of a snapshot can have as its value.
Value: TypeAlias = str | int

#: The old and the new value of a key; none where the key is absent.
Change: TypeAlias = tuple[Value | None, Value | None]


@attrs.frozen
class TracedTask:
    """A task of the execution: its *name*, and whether it is a *daemon*.

    *since* is the number of the step that spawned it, 0 if it was there before the first.
    """

    name: str
    daemon: bool = False
    since: int = 0


@attrs.frozen
class Report:
    """A finding that did not end the execution: the rule *check*, and what was seen."""

    check: str
    message: str


@attrs.frozen
class Event:
    """One step, with all that it changed.

    *seq* is the number of the step, from 1, as in schedules; *time* is virtual, in nanoseconds.
    *task* performed the operation *kind* on *object* at *label*; *option* is what a data choice
    drew, none for any other kind. *changes* maps a key to its old and new value, and *held* are
    the names of the locks that the task holds after the step, in the order of acquisition.

    What a later swaptrio wrote is kept as it stands: a *kind* that is not known here is its
    word, and *more* holds keys that are not known, each with its value as JSON.
    """

    seq: int
    time: int
    task: str
    kind: Kind | str
    object: str
    label: str
    option: str | None = None
    changes: Mapping[str, Change] = attrs.field(factory=dict)
    held: tuple[str, ...] = ()
    more: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def word(self) -> str:
        """The word for its kind."""
        return self.kind.value if isinstance(self.kind, Kind) else self.kind


@attrs.frozen(kw_only=True)
class Header:
    """What ran, under which decisions, and how it ended.

    *scenario*, *scenario_digest* and *variant* name the program; *window* is the script that
    was asked for, one text an entry, and *seed* what fed the strategy, if anything did.
    *verdict* holds the ending, the schedule that leads there and the number of steps. *reports*
    are the findings that did not end it, *tasks* everybody in the order of creation, and
    *world* the state before the first step. *tool* is the version of swaptrio that recorded it.
    """

    tool: str
    verdict: Verdict
    scenario: str = ""
    scenario_digest: str = ""
    variant: str = ""
    window: tuple[str, ...] = ()
    seed: int | None = None
    reports: tuple[Report, ...] = ()
    tasks: tuple[TracedTask, ...] = ()
    world: Mapping[str, Value] = attrs.field(factory=dict)
    format: str = FORMAT
    version: int = VERSION

    @property
    def schedule(self) -> str:
        """The schedule as one token."""
        return str(self.verdict.schedule)

    @property
    def steps(self) -> int:
        """How many decisions the execution took; the last may have no event (see `Trace`)."""
        return self.verdict.steps


@attrs.frozen
class Trace:
    """One execution: *header*, and *events* numbered from 1 without a gap.

    There is one event a step, except that a decision that could not be carried out (an
    execution that diverged, or a window that was not reached) counts as a step and leaves no
    event.

    *missing* is how many events stand at the end of the execution and not here, as the file was
    cut there; 0 for a whole trace. *flaws* says in words what is wrong with the file that it
    was read from: it was cut, or edited. What was recorded here has none.

    Of a large file the *events* are read when they are asked for (see `stored`), so whoever
    goes through them goes from the first to the last, and does not keep them.
    """

    header: Header
    events: Sequence[Event]
    missing: int = 0
    flaws: tuple[str, ...] = ()
