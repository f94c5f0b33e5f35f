# SPDX-License-Identifier: MIT OR Apache-2.0
"""The traces of what a certificate says to fail: kept here, and no part of what is mailed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from swaptrio.cli.case import load_cases
from swaptrio.cli.console import short
from swaptrio.cli.recording import record_failure, with_scheduler
from swaptrio.sched import Schedule

if TYPE_CHECKING:
    from swaptrio.cli.console import Console
    from swaptrio.sched import Scheduler
    from swaptrio.study.certify import Certificate, Row


def keep_traces(console: Console, certificate: Certificate) -> None:
    """Keep the trace of each failure of the version in question, and say how to open it.

    It is said on the standard error: the certificate itself is the same on each machine.
    """
    rows = [row for row in certificate.rows if row.here.failing]

    async def work(scheduler: Scheduler) -> None:
        for row in rows:
            await _keep(console, scheduler, certificate.here.spelled, row)

    if rows:
        with_scheduler(console, work, "stepped")


async def _keep(console: Console, scheduler: Scheduler, variant: str, row: Row) -> None:
    [case] = load_cases(console, [row.name], variant)
    for failing in row.here.failing:
        schedule = Schedule.parse(failing.schedule)
        _, path = await record_failure(console, scheduler, case, schedule)
        if path is not None:
            command = shlex.join([console.program, "trace", short(path)])
            console.tell(f"trace of {row.scenario}, {failing}: {command}")
