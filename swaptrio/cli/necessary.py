# SPDX-License-Identifier: MIT OR Apache-2.0
"""The parts of a version as a table, and who notices that they have gone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from swaptrio.cli.case import variant_of
from swaptrio.cli.console import LiveLine, filled
from swaptrio.cli.recording import with_scheduler
from swaptrio.errors import Problem, VariantError, shown
from swaptrio.study.necessity import Row, study
from swaptrio.study.necessity.page import because, summary
from swaptrio.variants import LESS
from swaptrio.variants.parts import Part, parts_of
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.sched import Scheduler
    from swaptrio.study.necessity import Studied
    from swaptrio.variants import Variant

#: Columns of a terminal that texts fill.
_WIDTH: Final = 80


def parts_called(
    console: Console, variant: str, names: Sequence[str]
) -> tuple[Variant, tuple[Part, ...]]:
    """A version, and its parts called *names*; all of them for no names.

    Raises:
        VariantError: there is no such version, or it has no such part.
    """
    version = variant_of(console, variant)
    known = {part.name: part for part in parts_of(version)}
    problems = [_unknown(variant, name, known) for name in names if name not in known]
    if problems:
        raise VariantError(tuple(problems))
    return version, tuple(known[name] for name in names or known)


def _unknown(variant: str, name: str, known: Iterable[str]) -> Problem:
    message = "there is no part of this name; --list names all"
    return Problem(variant, "part", shown(name), message, nearest(name, known) or "")


def list_parts(console: Console, variant: str, parts: Sequence[Part]) -> None:
    """Name parts, and say what they are."""
    for part in parts:
        console.say(f"{part.name}  {_place(part)} {part.what}")
    records = [_part(part) for part in parts]
    console.document({"variant": variant, "parts": records})


def run(console: Console, spelled: str, variant: Variant, parts: tuple[Part, ...]) -> bool:
    """Take parts out of a version and tell who notices; whether that is in order."""
    line = LiveLine(console)

    def progress(number: int, part: Part) -> None:
        line.show(f"{number + 1} of {len(parts)}: {variant.name} without {part.name}")

    with line, console.interrupts.listening() as stop:

        async def work(scheduler: Scheduler) -> Studied:
            return await study(scheduler, variant, parts, stop=stop, progress=progress)

        studied = with_scheduler(console, work, "stepped")
    console.document(_record(console, spelled, studied))
    for text in _lines(console, spelled, studied):
        console.say(text)
    return studied.in_order


def _lines(console: Console, spelled: str, studied: Studied) -> Iterator[str]:
    for row in studied.rows:
        yield from _row(console, spelled, row)
    cut = " (interrupted)" if studied.interrupted else ""
    yield f"{studied.variant.name}: {summary(studied)}{cut}"
    for row in studied.wrong:
        yield from _indented(f"{row.part.name}: {row.wrong}")


def _row(console: Console, spelled: str, row: Row) -> Iterator[str]:
    part, notice = row.part, row.notice
    yield f"{part.name}  {_place(part)} {part.what}"
    if notice is not None and notice.window:
        yield f"  {notice.scenario}, window {notice.window}: {notice.message}"
    elif notice is not None:
        deviations = f"deviations: {notice.deviations}"
        yield f"  {notice.scenario}: {notice.check}: {notice.message} ({deviations})"
    elif not row.well_formed:
        yield f"  the code does not hang together without it ({row.broken} errors)"
    elif row.reason is not None:
        yield from _indented(f"nobody notices: {row.reason.kind}. {because(row)}")
    else:
        yield f"  nobody notices, in {row.executions} executions"
    command = _command(console, spelled, row)
    if command:
        yield f"  {command}"


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in filled(text, _WIDTH - 2))


def _command(console: Console, spelled: str, row: Row) -> str:
    """What replays a notice; empty where there is none."""
    if row.notice is None:
        return ""
    variant = f"{spelled}{LESS}{row.part.name}"
    words = ["replay", row.notice.scenario, "--variant", variant, *row.notice.options]
    return shlex.join([console.program, *words])


def _place(part: Part) -> str:
    return f"{Path(part.file).name}:{part.line}"


def _part(part: Part) -> dict[str, Any]:
    return {
        "part": part.name,
        "kind": part.kind.value,
        "function": part.function,
        "file": Path(part.file).name,
        "line": part.line,
        "what": part.what,
    }


def _record(console: Console, spelled: str, studied: Studied) -> dict[str, Any]:
    return {
        "variant": studied.variant.name,
        "parts": [_row_record(console, spelled, row) for row in studied.rows],
        "noticed": len(studied.noticed),
        "unnoticed": len(studied.unnoticed),
        "malformed": len(studied.malformed),
        "interrupted": studied.interrupted,
        "in_order": studied.in_order,
    }


def _row_record(console: Console, spelled: str, row: Row) -> dict[str, Any]:
    record = {**_part(row.part), "executions": row.executions, "noticed": None, "reason": None}
    notice, reason = row.notice, row.reason
    if notice is not None:
        record["noticed"] = {
            "scenario": notice.scenario,
            "check": notice.check,
            "message": notice.message,
            "window": notice.window,
            "schedule": notice.schedule,
            "deviations": notice.deviations,
            "command": _command(console, spelled, row),
        }
    if reason is not None:
        record["reason"] = {
            "kind": reason.kind,
            "text": reason.text,
            "explored": [result.statement for result in row.explored],
        }
    return record
