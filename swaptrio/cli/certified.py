# SPDX-License-Identifier: MIT OR Apache-2.0
"""A certificate: made of what was typed, and told to a person and to a program."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swaptrio import __version__
from swaptrio.cli.campaign_interest import check_interest
from swaptrio.cli.case import load_cases
from swaptrio.cli.certified_text import command_of, lines_of
from swaptrio.cli.console import LiveLine
from swaptrio.cli.doctor import LIMITS
from swaptrio.errors import BadInput, Problem, VariantError
from swaptrio.explore.campaign import Case as Tried
from swaptrio.explore.campaign import Plan, ProcessPool, matter_of
from swaptrio.explore.campaign.item import code_digest
from swaptrio.scenario.files import DIGITS, digest
from swaptrio.scenario.files import names as scenario_names
from swaptrio.study.certify import Case as Examined
from swaptrio.study.certify import Certificate, Row, Version, examine_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.study.certify import Budget, Evidence, Failing

__all__ = ["certificate_of", "lines_of", "record"]


def certificate_of(
    console: Console,
    names: Sequence[str],
    variant: str,
    against: str,
    budget: Budget,
    jobs: int,
) -> Certificate:
    """Examine the scenarios called *names*, or all of them, in both versions.

    Raises:
        BadInput: a scenario or a version cannot be used; lists all that is wrong.
        WorkerLost: a process has died of what it ran.
    """
    here, there = _loaded(console, names, variant, against)
    _check_interests(console, (*here, *there), budget, jobs)
    rows = _examined(console, here, there, budget, jobs)
    model = code_digest().hex()[:DIGITS]
    wanted = len(here)
    return Certificate(_version(here[0]), _version(there[0]), model, budget, rows, wanted)


def _loaded(
    console: Console, names: Sequence[str], variant: str, against: str
) -> tuple[list[Case], list[Case]]:
    """The cases of both versions, in the same order."""
    problems: list[Problem] = []
    found = []
    for version in (variant, against):
        try:
            found.append(load_cases(console, tuple(names) or scenario_names(), version))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(dict.fromkeys(problems))
    here, there = found
    name = here[0].variant.name
    if variant != against and name == there[0].variant.name:
        message = f"{variant} and {against} are both called {name}"
        raise VariantError((Problem(against, "", "", message),))
    if not names:
        for cases in found:
            cases.sort(key=lambda case: (case.scenario.catalogue, case.name))
    return here, there


def _check_interests(
    console: Console, cases: Sequence[Case], budget: Budget, jobs: int
) -> None:
    """See that what the strategies are told to look at is there, where any will draw."""
    if not budget.seeds:
        return
    matters = {(case.name, case.spelled): matter_of(case.name, case.spelled) for case in cases}
    tried = tuple(Tried(*words, matter) for words, matter in matters.items())
    with closing(ProcessPool(jobs)) as engine:
        for strategy in budget.strategies:
            plan = Plan(strategy, 0, budget.seeds, None, budget.seeds)
            check_interest(console, plan, tried, engine, "stepped")


def _version(case: Case) -> Version:
    variant = case.variant
    own = digest(Path(case.spelled)) if case.spelled.endswith(".py") else ""
    return Version(case.spelled, variant.name, variant.summary, variant.base, own)


def _examined(
    console: Console, here: list[Case], there: list[Case], budget: Budget, jobs: int
) -> tuple[Row, ...]:
    """The rows of all scenarios that were examined in both versions."""
    alone = here[0].spelled == there[0].spelled
    cases = here if alone else [case for pair in zip(here, there, strict=True) for case in pair]
    line = LiveLine(console)

    def progress(done: int, case: Examined) -> None:
        about = f"{case.matter.scenario}, {case.matter.variant}"
        line.show(f"{done} of {len(cases)} done; {about}")

    examined = [
        Examined(matter_of(case.name, case.spelled), simple=case in here) for case in cases
    ]
    with line, console.interrupts.listening() as stop, console.foreign_code():
        found = examine_all(examined, budget, jobs=jobs, stop=stop, progress=progress)
    by_case = {
        (cases[number].name, cases[number].spelled): evidence
        for number, evidence in found.items()
    }
    return tuple(_rows(here, there, by_case))


def _rows(
    here: list[Case], there: list[Case], found: dict[tuple[str, str], Evidence]
) -> list[Row]:
    rows = []
    for case, beside in zip(here, there, strict=True):
        mine = found.get((case.name, case.spelled))
        theirs = found.get((beside.name, beside.spelled))
        if mine is not None and theirs is not None:
            entry, name = case.scenario.catalogue, case.scenario.name
            rows.append(Row(case.name, name, entry, case.digest, mine, theirs))
    return rows


def record(console: Console, certificate: Certificate, names: Sequence[str]) -> dict[str, Any]:
    """For programs: all that the text says, and of each search why it ended."""
    budget = certificate.budget
    return {
        "swaptrio": __version__,
        "model": certificate.model,
        "limits": list(LIMITS),
        "variant": _version_record(certificate.here),
        "against": _version_record(certificate.there),
        "budget": {
            "executions": budget.executions,
            "seconds": budget.seconds,
            "seeds": budget.seeds,
            "strategies": list(budget.strategies),
        },
        "interrupted": len(certificate.rows) < certificate.wanted,
        "counts": {standing.value: count for standing, count in certificate.counts.items()},
        "clean": certificate.clean,
        "scenarios": [_row_record(console, certificate, row) for row in certificate.rows],
        "command": command_of(console, certificate, names),
    }


def _version_record(version: Version) -> dict[str, str]:
    return {
        "variant": version.spelled,
        "name": version.name,
        "summary": version.summary,
        "base": version.base,
        "sha256": version.digest,
    }


def _row_record(console: Console, certificate: Certificate, row: Row) -> dict[str, Any]:
    bounds = row.here.bounds
    return {
        "scenario": row.scenario,
        "catalogue": row.catalogue,
        "digest": row.digest,
        "standing": row.standing.value,
        "bounds": {
            "tasks": bounds.tasks,
            "slots": list(bounds.slots),
            "orders": list(bounds.orders),
            "failures": list(bounds.failures),
        },
        "variant": _evidence_record(console, certificate.here, row, row.here),
        "against": _evidence_record(console, certificate.there, row, row.there),
        "amiss": list(row.here.amiss),
    }


def _evidence_record(
    console: Console, version: Version, row: Row, evidence: Evidence
) -> dict[str, Any]:
    search = evidence.search
    return {
        "outcome": evidence.outcome.value,
        "reason": evidence.absent,
        "windows": {result.window: _ending(result) for result in evidence.windows},
        "classes": None if search is None else search.classes,
        "complete": search is not None and search.complete,
        "ended": "" if search is None else search.reason,
        "schedules": {walk.strategy: walk.executions for walk in evidence.walks},
        "endless": sum(walk.endless for walk in evidence.walks),
        "failing": [
            _failing_record(console, version, row, failing) for failing in evidence.failing
        ],
    }


def _ending(result: Any) -> str:
    return "n/a" if result.verdict is None else str(result.verdict.ending.value)


def _failing_record(
    console: Console, version: Version, row: Row, failing: Failing
) -> dict[str, str]:
    words = ["--variant", version.spelled, "--schedule", failing.schedule]
    return {
        "verdict": failing.ending.value,
        "check": failing.check,
        "message": failing.message,
        "found": failing.where,
        "window": failing.window,
        "schedule": failing.schedule,
        "command": shlex.join([console.program, "replay", row.name, *words]),
    }
