# SPDX-License-Identifier: MIT OR Apache-2.0
"""From a store back to what can be run: failures with their cases, promoted and traced."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from swaptrio.cli import codes
from swaptrio.cli.campaign_status import all_failures
from swaptrio.cli.case import Case, load_cases
from swaptrio.cli.console import short
from swaptrio.cli.recording import record_failure, with_scheduler
from swaptrio.errors import Problem, StoreError, shown
from swaptrio.explore.campaign import CRASHED, Store, matter_of
from swaptrio.explore.campaign.promote import minimised, promote
from swaptrio.explore.campaign.resume import spelled
from swaptrio.sched import Schedule, Verdict
from swaptrio.trace.write import write_whole
from swaptrio.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Failure, Known
    from swaptrio.explore.campaign.promote import Promoted
    from swaptrio.sched import Scheduler


@attrs.frozen
class Traced:
    """A failure made short: its *verdict*, and where its trace lies if it could be written."""

    verdict: Verdict
    path: Path | None


def run_promote(
    console: Console, store: Path, fingerprint: str, files: Sequence[str], out: Path | None
) -> int:
    """Write the scenario of a failure; the exit code."""
    opened = Store.open(store)
    known, failure = find_failure(opened, fingerprint)
    case = unchanged_case(console, opened, known, files)
    name = known.scenario[:40] + f"-{failure.kind.fingerprint(*known.name)[:8]}"
    path = out or Path(f"{name}.toml")
    _check_name(path)

    async def work(scheduler: Scheduler) -> Promoted:
        matter = matter_of(case.name, case.spelled)
        return await promote(scheduler, case.setup, matter, failure, path.stem)

    promoted = with_scheduler(console, work, "stepped")
    write_whole([promoted.text.encode()], path)
    command = [console.program, "replay", short(path), "--variant", case.spelled]
    console.say(f"{short(path)} is there: {promoted.verdict}")
    console.say(f"  {shlex.join(command)}")
    console.document(
        {
            "path": str(path),
            "schedule": str(promoted.verdict.schedule),
            "command": shlex.join(command),
        }
    )
    return codes.OK


def find_failure(store: Store, text: str) -> tuple[Known, Failure]:
    """The failure whose fingerprint begins with *text*.

    Raises:
        StoreError: there is none, or more than one.
    """
    names = {
        failure.kind.fingerprint(*case.name): (case, failure)
        for case, failure in all_failures(store)
    }
    found = [name for name in names if name.startswith(text)]
    if len(found) == 1 and text:
        return names[found[0]]
    message = "several failures begin so" if found else "there is no failure of this name"
    hint = did_you_mean(text, names)
    problem = Problem(short(store.path), "", shown(text), f"{message}{hint}")
    raise StoreError((problem,))


def unchanged_case(console: Console, store: Store, known: Known, files: Sequence[str]) -> Case:
    """The case *known*, ready to be run.

    Raises:
        StoreError: it has changed since, or is in a file that *files* does not name.
    """
    variant = spelled(known, {Path(file).stem: file for file in files})
    [case] = load_cases(console, [known.typed[0]], variant)
    matter = matter_of(case.name, variant)
    if (matter.scenario_digest, matter.variant_digest) != known.digests:
        message = f"{' and '.join(known.name)} are not what the campaign ran any more"
        raise StoreError((Problem(short(store.path), "", "", message),))
    return case


def keep_traces(console: Console, store: Store, files: Sequence[str]) -> None:
    """Keep the trace of each failure's shortest schedule in logs/, where `kept_trace` looks.

    Variants in files take part only where *files* names them.
    """

    async def work(scheduler: Scheduler) -> None:
        for _, failure, case in _replayable(console, store, files):
            await record_failure(console, scheduler, case, Schedule.parse(failure.schedule))

    with_scheduler(console, work, "stepped")


def traced(
    console: Console, store: Store, files: Sequence[str]
) -> dict[tuple[int, Failure], Traced]:
    """Each failure that can still be replayed, made short, with its trace in logs/.

    Variants in files take part only where *files* names them.
    """
    found = {}

    async def work(scheduler: Scheduler) -> None:
        for known, failure, case in _replayable(console, store, files):
            verdict = (await minimised(scheduler, case.setup, failure)).verdict
            _, path = await record_failure(console, scheduler, case, verdict.schedule)
            found[known.id, failure] = Traced(verdict, path)

    with_scheduler(console, work, "stepped")
    return found


def _replayable(
    console: Console, store: Store, files: Sequence[str]
) -> Iterator[tuple[Known, Failure, Case]]:
    for known, failure in all_failures(store):
        if failure.kind.ending == CRASHED:
            continue
        try:
            case = unchanged_case(console, store, known, files)
        except StoreError as exc:
            console.tell(f"not replayed: {exc}")
        else:
            yield known, failure, case


def _check_name(path: Path) -> None:
    from swaptrio.scenario.rules import LOWER_NAME

    problems = [problem.of(str(path)) for problem in LOWER_NAME(path.stem)]
    if path.suffix != ".toml":
        problems.append(Problem(str(path), "", "", "must end in .toml"))
    if path.exists():
        problems.append(Problem(str(path), "", "", "is there already, and is left alone"))
    if problems:
        raise StoreError(problems)
