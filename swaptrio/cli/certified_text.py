# SPDX-License-Identifier: MIT OR Apache-2.0
"""The text of a certificate: at most 75 columns, so that a reply can quote it in a mail."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from swaptrio import __version__
from swaptrio.cli.doctor import LIMITS
from swaptrio.scenario.play import BUDGET
from swaptrio.study.certify import Budget, Outcome, Standing
from swaptrio.trace.layout import shell_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.study.certify import Bounds, Certificate, Evidence, Failing, Row, Version

WIDTH: Final = 75

#: Characters of a schedule that a mail bears; the seed says as much as a longer one.
_SHORT: Final = 200

#: What is told of each row in words, as two versions differ in it or fail.
_TOLD: Final = (
    Standing.NEWLY_OPEN,
    Standing.OPEN,
    Standing.NEWLY_CLOSED,
    Standing.NOT_SEEN,
)


def lines_of(console: Console, certificate: Certificate, names: Sequence[str]) -> Iterator[str]:
    """The whole text, line by line."""
    yield from _head(certificate)
    yield ""
    yield from _filled(_sum(certificate), "  ")
    for standing in Standing:
        rows = certificate.of(standing)
        if rows:
            yield ""
            yield from _section(console, certificate, standing, rows)
    if certificate.amiss:
        yield ""
        yield from _amiss(certificate)
    yield ""
    yield from _legend(certificate)
    yield ""
    yield "Repeat it:"
    yield from shell_lines(command_of(console, certificate, names), WIDTH)


def command_of(console: Console, certificate: Certificate, names: Sequence[str]) -> str:
    """What to type to get the same certificate."""
    budget, default = certificate.budget, Budget()
    options = ["--variant", certificate.here.spelled, "--against", certificate.there.spelled]
    if budget.seconds is not None:
        options += ["--time", f"{budget.seconds:g}"]
    if budget.executions not in (None, default.executions):
        options += ["--executions", str(budget.executions)]
    if budget.seeds != default.seeds:
        options += ["--seeds", str(budget.seeds)]
    if budget.strategies != default.strategies:
        options += [word for name in budget.strategies for word in ("--strategy", name)]
    return shlex.join([console.program, "certify", *names, *options])


def _head(certificate: Certificate) -> Iterator[str]:
    here, there = certificate.here, certificate.there
    yield from _filled(f"swaptrio {__version__}: {here.name} against {there.name}", "  ")
    for version in dict.fromkeys((here, there)):
        yield from _filled(_version(version), "  ")
    model = f"model: sha256 {certificate.model} of its code. {' '.join(LIMITS)}"
    yield from _filled(model, "  ")
    yield from _filled(f"of each scenario: {_looked_at(certificate.budget)}", "  ")


def _version(version: Version) -> str:
    if not version.digest:
        return version.summary
    base = f", on top of {version.base}" if version.base != version.name else ""
    return f"{version.name}: sha256 {version.digest} of {PurePath(version.spelled).name}{base}"


def _looked_at(budget: Budget) -> str:
    """How much, in words."""
    parts = []
    if budget.executions is not None:
        parts.append(f"{budget.executions} executions")
    if budget.seconds is not None:
        parts.append(f"{budget.seconds:g} s, so that the counts depend on the machine")
    walks = " and ".join(f"{budget.seeds} of {name}" for name in budget.strategies)
    chance = f"; if these are not all, schedules of chance, {walks}" if budget.seeds else ""
    return (
        "its windows; one execution of each class of interleavings, "
        f"for at most {' or '.join(parts)}{chance}"
    )


def _sum(certificate: Certificate) -> str:
    counts = [f"{count} {standing}" for standing, count in certificate.counts.items() if count]
    cut = len(certificate.rows) < certificate.wanted
    of = f" of {certificate.wanted}, as it was interrupted" if cut else ""
    amiss = len(certificate.amiss)
    unexpected = f"; {amiss} not as expected" if amiss else ""
    told = f": {', '.join(counts)}" if counts else ""
    return f"{_number(len(certificate.rows), 'scenario')}{of}{told}{unexpected}"


def _section(
    console: Console, certificate: Certificate, standing: Standing, rows: tuple[Row, ...]
) -> Iterator[str]:
    yield from _filled(f"{_title(certificate, standing)} ({len(rows)})")
    if standing in _TOLD:
        for row in rows:
            yield from _told(console, certificate, row)
    elif standing is Standing.ABSENT:
        for row in rows:
            yield from _filled(f"{_name(row)}: {row.here.absent}", "  ")
    else:
        yield from _table(rows)


def _title(certificate: Certificate, standing: Standing) -> str:
    here, there = certificate.here.name, certificate.there.name
    return {
        Standing.NEWLY_OPEN: f"NEWLY OPENED: {here} fails in a way {there} was not seen to",
        Standing.OPEN: f"OPEN: {here} fails, and {there} in the same way",
        Standing.NEWLY_CLOSED: f"NEWLY CLOSED: proved of {here}, and {there} fails",
        Standing.NOT_SEEN: f"NO LONGER SEEN: {there} fails, {here} was not seen to",
        Standing.CLOSED: "CLOSED: proved within these bounds",
        Standing.INCONCLUSIVE: "INCONCLUSIVE: nothing failed, and not all was run",
        Standing.ABSENT: f"N/A: means nothing to {here}",
    }[standing]


def _told(console: Console, certificate: Certificate, row: Row) -> Iterator[str]:
    """A row in which something fails, in words."""
    yield _name(row)
    here, there = certificate.here.name, certificate.there.name
    texts = [_failed(failing) for failing in row.here.failing]
    texts.append(f"{here}: {_decided(row.here)}")
    if there != here:
        texts.append(f"{there}: {_decided(row.there)}")
    texts.append(f"bounds: {_bounds(row.here.bounds)}")
    for text in texts:
        yield from _filled(f"  {text}", "    ")
    for command in _commands(console, certificate, row):
        yield from shell_lines(command, WIDTH)


def _failed(failing: Failing) -> str:
    return f"{failing}, {failing.where}: {failing.message}"


def _decided(evidence: Evidence) -> str:
    """What is known, and how."""
    search = evidence.search
    if search is None:
        return f"n/a, {evidence.absent}"
    classes = _number(search.classes, "class", "classes")
    seen = f"{classes}, which is all" if search.complete else classes
    walks = [f"{walk.executions} of {walk.strategy}" for walk in evidence.walks]
    schedules = f", schedules: {', '.join(walks)}" if evidence.schedules else ""
    gave_up = ", where the search gave up" if search.gave_up else ""
    endless = sum(walk.endless for walk in evidence.walks)
    schedules += f" ({endless} without an end)" if endless else ""
    word = evidence.outcome.value
    if evidence.outcome is Outcome.VIOLATED:
        kinds = dict.fromkeys(str(failing) for failing in evidence.failing)
        word = f"fails ({', '.join(kinds)})"
    return f"{word}; {seen}{gave_up}{schedules}"


def _bounds(bounds: Bounds) -> str:
    slots = " and ".join(f"{slots} slots" for slots in bounds.slots)
    orders = " ".join(map(str, bounds.orders))
    failures = " ".join(bounds.failures) or "nothing"
    return f"{_number(bounds.tasks, 'task')}, {slots}, orders {orders}, may fail: {failures}"


def _commands(console: Console, certificate: Certificate, row: Row) -> Iterator[str]:
    """What shows each failure once more: here, or else there."""
    here = bool(row.here.failing)
    version = certificate.here if here else certificate.there
    for failing in (row.here if here else row.there).failing:
        verb, *options = _again(failing)
        words = [console.program, verb, row.name, "--variant", version.spelled, *options]
        yield shlex.join(words)


def _again(failing: Failing) -> list[str]:
    """The command that shows it, and its options."""
    if failing.window:
        return ["replay", "--window", failing.window]
    if len(failing.schedule) <= _SHORT or not failing.strategy:
        return ["replay", "--schedule", failing.schedule]
    return ["fuzz", "--strategy", failing.strategy, "--seeds", str(failing.seed + 1)]


def _table(rows: tuple[Row, ...]) -> Iterator[str]:
    """Rows of which there is nothing to tell but numbers."""
    cells = [("", "classes", "tasks", "slots", "orders", "fail"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for name, *numbers in cells:
        padded = [
            number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)
        ]
        line = " ".join((name.ljust(widths[0]), *padded))
        if len(line) <= WIDTH:
            yield line
        else:
            yield from _filled(name)
            yield " ".join(padded).rjust(WIDTH)


def _cells(row: Row) -> tuple[str, ...]:
    bounds = row.here.bounds
    return (
        _name(row),
        _runs(row.here),
        str(bounds.tasks),
        "+".join(map(str, bounds.slots)),
        ",".join(map(str, bounds.orders)),
        str(len(bounds.failures)),
    )


def _runs(evidence: Evidence) -> str:
    search = evidence.search
    assert search is not None
    schedules = f"+{evidence.schedules}" if evidence.schedules else ""
    return f"{search.classes}{schedules}{'*' if evidence.cut else ''}"


def _amiss(certificate: Certificate) -> Iterator[str]:
    yield f"NOT AS EXPECTED of {certificate.here.base} ({len(certificate.amiss)})"
    for row in certificate.amiss:
        for text in row.here.amiss:
            yield from _filled(f"{_name(row)}: {text}", "  ")


def _legend(certificate: Certificate) -> Iterator[str]:
    """What the words mean, and what nobody has shown."""
    for text in (
        "classes: executions that differ only in the order of independent steps are one "
        "class, and one of each was run. N+M: N classes, M schedules of chance. A star: the "
        "search gave up before its bound, or a schedule of chance had no end in "
        f"{BUDGET} steps; nothing is concluded from that.",
        "tasks, slots (of each device), orders and fail (kinds of call that may fail at any "
        "time) are all that the scenario has. Nothing is said of more tasks, slots, orders "
        "or failures, of what no scenario describes, or of the kernel's code itself: this "
        "is a model of it.",
        "closed is said only where the search came to its end; inconclusive is no proof.",
    ):
        yield from _filled(text)


def _filled(text: str, indent: str = "") -> list[str]:
    """*text* in lines of at most `WIDTH`, all but the first after *indent*."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _name(row: Row) -> str:
    return f"{row.catalogue} {row.scenario}"


def _number(count: int, noun: str, nouns: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}"
