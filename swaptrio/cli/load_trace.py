# SPDX-License-Identifier: MIT OR Apache-2.0
"""The trace of a load that has failed: of its last steps, as all of them are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.cli.recording import digest_of, kept, log_called
from swaptrio.trace import Recorder, Report, Trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.explore.load import Loaded, Look
    from swaptrio.sched import Execution, Task

#: Steps that are recorded, up to the one that failed.
RECORDED: Final = 1000


@attrs.define(eq=False)
class End:
    """An observer that records what comes behind step *after*."""

    after: int
    recorder: Recorder

    def step(self, execution: Execution, task: Task) -> None:
        """Record the step, if it is one of the last."""
        if execution.step > self.after:
            self.recorder.step(execution, task)

    def choice(self, execution: Execution, task: Task, label: str, option: object) -> None:
        """Record what was drawn, if it is among the last."""
        if execution.step > self.after:
            self.recorder.choice(execution, task, label, option)

    def end(self, execution: Execution) -> None:
        """Record the end."""
        self.recorder.end(execution)


async def keep_end(
    console: Console,
    failed: Loaded,
    again: Callable[[Callable[[Look], End]], Awaitable[Loaded]],
    *,
    variant: str,
    seed: int,
    command: str,
) -> Path | None:
    """Run a load that has *failed* *again*, and keep the trace of its end in logs/.

    Its steps are numbered from 1; its window says which they are, and the *command* that takes
    all of them. There is no path where it could not be written; then the console knows.
    """
    ends: list[End] = []

    def observed(look: Look) -> End:
        ends.append(End(max(0, failed.verdict.steps - RECORDED), Recorder(look)))
        return ends[0]

    loaded = await again(observed)
    [end] = ends
    last = min(RECORDED, loaded.verdict.steps)
    trace = end.recorder.trace(
        scenario="load",
        variant=variant,
        window=(f"the last {last} of {loaded.verdict.steps} steps of: {command}",),
        seed=seed,
        reports=tuple(Report(found.check, found.message) for found in loaded.findings),
    )
    return kept(console, _numbered_anew(trace), log_called("load", variant, digest_of(command)))


def _numbered_anew(trace: Trace) -> Trace:
    """*trace* with steps from 1 on, as a file must have them."""
    before = trace.events[0].seq - 1 if trace.events else 0
    verdict = attrs.evolve(trace.header.verdict, steps=trace.header.steps - before)
    events = tuple(attrs.evolve(event, seq=event.seq - before) for event in trace.events)
    return Trace(attrs.evolve(trace.header, verdict=verdict), events)
