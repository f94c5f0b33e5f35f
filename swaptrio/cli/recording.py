# SPDX-License-Identifier: MIT OR Apache-2.0
"""Play a case with the recorder on, and keep its trace in a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import trio

from swaptrio.cli.case import Case
from swaptrio.errors import Problem, TraceError
from swaptrio.explore import Both
from swaptrio.scenario.files import folder as scenarios
from swaptrio.scenario.play import Played, Watched, play
from swaptrio.sched import (
    Carrier,
    Schedule,
    Scheduler,
    Script,
    Strategy,
    Verdict,
    open_scheduler,
)
from swaptrio.sched.names import NamedSchedule, Naming
from swaptrio.trace import Recorder, Report, Trace, write_trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from swaptrio.cli.console import Console

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
    watched = Watched()
    recorder = Recorder(watched.snapshot)
    naming = Naming()
    watched.inner = Both(recorder, naming)
    played = await play(scheduler, case.setup, strategy, watched)
    trace = recorder.trace(
        scenario=case.scenario.name,
        scenario_digest=case.digest,
        variant=case.variant.name,
        window=tuple(_told(strategy)) if isinstance(strategy, Script) else (),
        seed=seed,
        reports=tuple(
            Report(found.check, found.message) for found in played.world.oracles.findings
        ),
    )
    return Recording(case, played, trace, naming.schedule)


def log_of(case: Case, what: str) -> Path:
    """Where the trace of *case* lies that *what* tells from others: a window, a seed ..."""
    return log_folder() / f"{case.scenario.name}-{case.variant.name}-{what}.jsonl"


def digest_of(schedule: Schedule) -> str:
    """A short name for *schedule*."""
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


def _told(script: Script) -> Iterator[str]:
    """A script in words: one text an entry, and one for each label at which it chooses."""
    for entry in script.window:
        yield f"{entry}, time {entry.times}" if entry.times > 1 else str(entry)
    for label, options in script.choices.items():
        yield f"draw {', '.join(options)} at {label}"
