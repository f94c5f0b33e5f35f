# SPDX-License-Identifier: MIT OR Apache-2.0
"""Play a case with the recorder on, and keep its trace in a file."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import trio

from swaptrio.cli.case import Case
from swaptrio.cli.console import short
from swaptrio.errors import Problem, TraceError
from swaptrio.scenario.files import folder as scenarios
from swaptrio.scenario.play import Played, Watched, play, script_of
from swaptrio.sched import (
    Carrier,
    Recorded,
    Schedule,
    Scheduler,
    Script,
    Strategy,
    Verdict,
    open_scheduler,
)
from swaptrio.sched.both import Both
from swaptrio.sched.names import NamedSchedule, Naming
from swaptrio.trace import Recorder, Report, Trace, write_trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from swaptrio.cli.console import Console
    from swaptrio.scenario.format import Window

T = TypeVar("T")

#: The folder for traces.
LOGS: Final = "logs"

#: Hexadecimal digits that stand for a schedule in the name of a file.
_DIGITS: Final = 12


@attrs.frozen
class Recording:
    """One recorded execution of a case; *names* is its schedule by names."""

    case: Case
    played: Played
    trace: Trace
    names: NamedSchedule

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        return self.played.verdict


def with_scheduler(
    console: Console, work: Callable[[Scheduler], Awaitable[T]], carrier: Carrier = "trio"
) -> T:
    """What *work* returns, in a Trio run of its own. Code of a user may run in it."""

    async def main() -> T:
        async with open_scheduler(carrier) as scheduler:
            return await work(scheduler)

    with console.foreign_code():
        return trio.run(main)


async def record(
    scheduler: Scheduler, case: Case, strategy: Strategy, *, seed: int | None = None
) -> Recording:
    """Play *case* under *strategy* with the recorder on."""
    tape = Tape()
    played = await play(scheduler, case.setup, strategy, tape.watched)
    return tape.recording(
        case, played, strategy if isinstance(strategy, Script) else None, seed
    )


async def record_failure(
    console: Console, scheduler: Scheduler, case: Case, schedule: Schedule
) -> tuple[Recording, Path | None]:
    """Replay a failure with the recorder on, and keep its trace in the folder for traces.

    Whoever finds a failure calls this, and says where the trace lies with `opening`. There is
    no path where it could not be written; then the console knows.
    """
    recording = await record(scheduler, case, Recorded(schedule))
    path = log_of(case, digest_of(schedule))
    return recording, kept(console, recording.trace, path)


async def record_window(
    console: Console, scheduler: Scheduler, case: Case, window: Window
) -> Path | None:
    """As `record_failure`, for a window that has not ended as it must; where its trace lies."""
    recording = await record(scheduler, case, script_of(window, case.variant))
    return kept(console, recording.trace, log_of(case, window.name))


@attrs.define
class Tape:
    """The observers of one recorded execution; *watched* is to be given to `play`."""

    watched: Watched = attrs.Factory(Watched)
    naming: Naming = attrs.Factory(Naming)
    recorder: Recorder = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.recorder = Recorder(self.watched.snapshot)
        self.watched.inner = Both(self.recorder, self.naming)

    def recording(
        self, case: Case, played: Played, script: Script | None = None, seed: int | None = None
    ) -> Recording:
        """The execution that was *played*, led by a *script* if there was one."""
        trace = self.recorder.trace(
            scenario=case.scenario.name,
            scenario_digest=case.digest,
            variant=case.variant.name,
            window=() if script is None else tuple(_told(script)),
            seed=seed,
            reports=tuple(
                Report(found.check, found.message) for found in played.world.oracles.findings
            ),
        )
        return Recording(case, played, trace, self.naming.schedule)


def log_of(case: Case, what: str) -> Path:
    """Where the trace of *case* lies that *what* tells from others: a window, a seed ..."""
    return log_called(case.scenario.name, case.variant.name, what)


def log_called(scenario: str, variant: str, what: str) -> Path:
    """As `log_of`, by the names of a scenario and a variant."""
    return log_folder() / f"{scenario}-{variant}-{what}.jsonl"


def digest_of(schedule: Schedule | str) -> str:
    """A short name for *schedule*, or for its text."""
    return hashlib.sha256(str(schedule).encode()).hexdigest()[:_DIGITS]


def log_folder() -> Path:
    """``logs`` here, or else that of the checkout, or else one that is yet to be made here."""
    here = Path(LOGS)
    beside = scenarios().parent / LOGS
    return here if here.is_dir() or not beside.is_dir() else beside


def keep(trace: Trace, path: Path) -> None:
    """Write *trace* to *path*, whole or not at all; the folder for traces is made.

    Raises:
        TraceError: it cannot be written.
    """
    if path.parent == Path(LOGS):
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as exc:
            message = f"the folder cannot be made: {exc.strerror or exc}"
            raise TraceError((Problem(LOGS, "", "", message),)) from None
    write_trace(trace, path)


def kept(console: Console, trace: Trace, path: Path) -> Path | None:
    """*path*, where *trace* lies now; none where it cannot be written, which is no end of it.

    What the execution has shown is worth more than its trace, so it is said first.
    """
    try:
        keep(trace, path)
    except TraceError as exc:
        console.regret(str(exc))
        return None
    return path


def opening(console: Console, path: Path | None) -> Iterator[str]:
    """Where a trace lies and how to open it, for a person; nothing without a *path*."""
    if path is not None:
        name = short(path)
        yield f"trace: {name}"
        yield f"open it: {shlex.join([console.program, 'trace', name])}"


def _told(script: Script) -> Iterator[str]:
    """A script in words: one text an entry, and one for each label at which it chooses."""
    for entry in script.window:
        yield f"{entry}, time {entry.times}" if entry.times > 1 else str(entry)
    for label, options in script.choices.items():
        yield f"draw {', '.join(options)} at {label}"
