# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio campaign report``: what a campaign has found, for people, programs and CI."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from swaptrio.cli import codes
from swaptrio.cli.campaign_failures import Traced, traced
from swaptrio.cli.campaign_html import to_html
from swaptrio.cli.campaign_status import bounds_of, given_up, kept_trace, replay_command
from swaptrio.cli.console import short
from swaptrio.errors import harmless
from swaptrio.explore.campaign import Store
from swaptrio.explore.campaign.account import Account, accounts_of
from swaptrio.trace.formats import Result
from swaptrio.trace.formats.junit import to_junit
from swaptrio.trace.write import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Failure


def run_report(
    console: Console,
    store: Path,
    name: str,
    out: Path | None,
    files: Sequence[str],
    *,
    with_traces: bool,
) -> int:
    """Write the report in the format *name*, to *out* or to standard output."""
    opened = Store.open(store)
    traces = traced(console, opened, files) if with_traces else {}
    report = report_of(console, opened, traces, out)
    data = FORMATS[name](report).encode()
    if out is None:
        console.raw(data)
        return codes.OK
    write_whole([data], out)
    console.say(f"{short(out)} is there")
    console.document({"path": str(out), "format": name})
    return codes.OK


def report_of(
    console: Console,
    store: Store,
    traces: dict[tuple[int, Failure], Traced],
    out: Path | None,
) -> dict[str, Any]:
    """All there is to tell, as JSON has it; the other formats are drawn from it."""
    plan = store.plan
    accounts = accounts_of(store)
    return {
        "store": short(store.path),
        "version": store.version,
        "strategy": plan.strategy,
        "first": plan.first,
        "seeds": plan.seeds,
        "time": plan.time,
        "chunk": plan.chunk,
        "items_total": plan.total(map(store.covered, store.cases)),
        "items_done": sum(len(store.done(case)) for case in store.cases),
        "executions": sum(each.executions for each in accounts),
        "seconds": store.seconds(),
        "sessions": [
            {
                "begun": session.begun,
                "machine": session.machine,
                "engine": session.engine,
                "jobs": session.jobs,
                "executions": session.executions,
                "seconds": session.seconds,
            }
            for session in store.sessions
        ],
        "cases": [
            {
                **_case(console, each, traces, out),
                "pct": bounds_of(plan.strategy, each).record(),
                "bounds": bounds_of(plan.strategy, each).text() + given_up(each),
            }
            for each in accounts
        ],
    }


def _case(
    console: Console,
    account: Account,
    traces: dict[tuple[int, Failure], Traced],
    out: Path | None,
) -> dict[str, Any]:
    case = account.case
    return {
        "scenario": case.scenario,
        "scenario_digest": case.digests[0],
        "variant": case.variant,
        "variant_digest": case.digests[1],
        "executions": account.executions,
        "steps": account.steps,
        "worker_seconds": account.seconds,
        "items_given_up": account.given_up,
        "windows": account.windows,
        "coverage": [list(point) for point in account.coverage],
        "distinct": [list(point) for point in account.distinct],
        "failures": [
            _failure(console, account, each, traces.get((case.id, each)), out)
            for each in account.failures
        ],
    }


def _failure(
    console: Console,
    account: Account,
    failure: Failure,
    trace: Traced | None,
    out: Path | None,
) -> dict[str, Any]:
    shortest = str(trace.verdict.schedule) if trace else failure.schedule
    path = trace.path if trace else kept_trace(account.case, failure)
    return {
        "fingerprint": failure.kind.fingerprint(*account.case.name),
        "ending": failure.kind.ending,
        "check": failure.kind.rule,
        "labels": list(failure.kind.labels),
        "message": failure.message,
        "count": failure.count,
        "first_seed": failure.first,
        "schedule": shortest,
        "deciding": _deciding(trace),
        "command": replay_command(console, account.case, failure, shortest),
        "trace": None if path is None else _from(path, out),
        "open": path and shlex.join([console.program, "trace", short(path)]),
    }


def _deciding(trace: Traced | None) -> list[str]:
    """The labels of the events that decide it, where it was made short."""
    decisions = trace.verdict.schedule.decisions if trace else ()
    return [f"{each.task}/{each.label}" for each in decisions]


def _from(path: Path, out: Path | None) -> str:
    """*path* as it is reached from the folder of the report."""
    return os.path.relpath(path, out.parent if out else Path())


def to_json(report: dict[str, Any]) -> str:
    """For programs."""
    return json.dumps(report, indent=2) + "\n"


def to_markdown(report: dict[str, Any]) -> str:
    """For a mail or the summary of a CI job."""
    return "".join(f"{line}\n" for line in _markdown(report))


def _markdown(report: dict[str, Any]) -> Iterator[str]:
    yield f"# Campaign {_cell(report['store'])}"
    yield ""
    yield (
        f"{report['executions']} executions of {len(report['cases'])} cases in"
        f" {report['seconds']:.1f} s, strategy {_cell(report['strategy'])}."
    )
    yield ""
    yield "| Scenario | Variant | Executions | Windows | Failures |"
    yield "|---|---|---:|---:|---:|"
    for case in report["cases"]:
        names = f"{_cell(case['scenario'])} | {_cell(case['variant'])}"
        counts = f"{case['executions']} | {case['windows']} | {len(case['failures'])}"
        yield f"| {names} | {counts} |"
    yield ""
    for case in report["cases"]:
        about = f"{case['scenario']}, {case['variant']}: {case['bounds']}"
        yield f"- {_cell(about)}"
    for case in report["cases"]:
        for failure in case["failures"]:
            yield from _markdown_failure(case, failure)


def _markdown_failure(case: dict[str, Any], failure: dict[str, Any]) -> Iterator[str]:
    about = f"{failure['ending']} of {failure['check']}"
    yield ""
    yield f"## {_cell(case['scenario'])}, {_cell(case['variant'])}: {_cell(about)}"
    yield ""
    yield f"{failure['count']} times, first with seed {failure['first_seed']}."
    yield _cell(failure["message"])
    yield ""
    yield f"    {failure['command']}"
    if failure["open"] is not None:
        yield f"    {failure['open']}"


def _cell(text: str) -> str:
    """*text* so that Markdown takes nothing in it for its own."""
    flat = harmless(" ".join(text.split()))
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#&" else char for char in flat)


def _junit(report: dict[str, Any]) -> str:
    results = []
    for case in report["cases"]:
        names = (case["scenario"], case["variant"], "passed")
        seconds = case["worker_seconds"]
        for failure in case["failures"]:
            verdict = f"{failure['ending']} of {failure['check']}"
            message = f"{failure['command']}: {failure['message']}"
            notes = () if failure["open"] is None else (f"open it: {failure['open']}",)
            results.append(Result(*names, verdict, message, seconds, notes))
            seconds = None
        if not case["failures"]:
            worth = (_worth(case),)
            results.append(Result(*names, "passed", seconds=seconds, notes=worth))
    return to_junit(results).decode()


def _worth(case: dict[str, Any]) -> str:
    """What it is worth that nothing failed."""
    return (
        f"{case['executions']} executions; {case['windows']} windows were entered, and no "
        f"other one was sampled; {case['bounds']}"
    )


#: What a report can be written as.
FORMATS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "html": to_html,
    "markdown": to_markdown,
    "json": to_json,
    "junit": _junit,
}
