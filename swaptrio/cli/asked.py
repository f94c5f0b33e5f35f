# SPDX-License-Identifier: MIT OR Apache-2.0
"""The answers to questions: found, and laid out for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from swaptrio.cli.console import LiveLine, filled
from swaptrio.study.ask import Answered, Stopped, ask
from swaptrio.study.ask.page import counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.study.ask import Study, Table

_WIDTH: Final = 100

#: The last column of a table has at least so many, whatever stands before it.
_NARROWEST: Final = 20


def list_questions(console: Console, studies: Sequence[Study]) -> None:
    """Say which questions there are."""
    console.document(
        {
            "questions": [
                {"name": study.name, "question": study.question, "asked": study.asked}
                for study in studies
            ]
        }
    )
    for study in studies:
        for line in filled(f"{study.name:<4}{study.question}", _WIDTH, " " * 4):
            console.say(line)


def answer_all(console: Console, studies: Sequence[Study]) -> list[Answered]:
    """Answer one after the other; those that were answered when somebody asked to stop."""
    line = LiveLine(console)
    answers: list[Answered] = []

    async def work(stop: Callable[[], bool]) -> None:
        for study in studies:
            line.show(f"{study.name}: {study.question}")
            answers.append(await ask(study, line.show, stop))

    try:
        with line, console.interrupts.listening() as stop:
            trio.run(work, stop)
    except Stopped:
        console.tell(f"{len(answers)} of {len(studies)} questions were answered")
    return answers


def lines_of(answers: Sequence[Answered]) -> Iterator[str]:
    """All answers, one below the other."""
    for number, answered in enumerate(answers):
        if number:
            yield ""
        yield from _answered(answered)


def _answered(answered: Answered) -> Iterator[str]:
    study, answer = answered.study, answered.answer
    yield from filled(f"{study.name}: {study.question}", _WIDTH, "    ")
    yield from _labelled("asked", study.asked)
    for table in answer.tables:
        yield ""
        yield from _table(table)
    yield ""
    yield from _labelled("run", f"{counts(answered)}; {answered.decided}")
    yield from _labelled("bounds", answer.bounds)
    for claim in answer.claims:
        label = "answer" if claim.holds else "not as expected"
        yield from _labelled(label, claim.sentence)
    yield from _labelled("repeat", study.command)


def _labelled(label: str, text: str) -> Iterator[str]:
    yield from filled(f"{label}: {text}", _WIDTH, "    ")


def _table(table: Table) -> Iterator[str]:
    yield from (f"  {line}" for line in filled(table.heading, _WIDTH - 2))
    rows = (table.columns, *table.rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    before = 4 + sum(width + 2 for width in widths)
    for row in rows:
        cells = zip(row, widths, strict=False)
        head = "".join(f"{cell.ljust(width)}  " for cell, width in cells)
        first, *rest = list(filled(row[-1], max(_NARROWEST, _WIDTH - before))) or [""]
        yield f"    {head}{first}".rstrip()
        yield from (" " * before + line for line in rest)
