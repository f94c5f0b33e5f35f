# SPDX-License-Identifier: MIT OR Apache-2.0
"""The answers as a page, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.study.ask.answer import Table
    from swaptrio.study.ask.question import Answered

_HEAD: Final = """\
# Questions of the review

What reviewers asked about the patch, and what the model says. Each answer is found by running
it: `swaptrio ask Q1` repeats the first one. Its sentences depend on what was found; where that
is not what the study expects the exit code is 1. *Proved within the bounds* says that all
interleavings of what was run were explored. This page is written by
`python -m swaptrio.study.ask`.
"""


def page(answers: Sequence[Answered]) -> str:
    """The page about *answers*."""
    lines = [_HEAD]
    for answered in answers:
        lines += section(answered)
    return "\n".join(lines)


def section(answered: Answered) -> Iterator[str]:
    """The lines about one question."""
    study, answer = answered.study, answered.answer
    yield f"## {study.name}: {study.question}\n"
    yield f"{' '.join(answer.sentences)}\n"
    yield f"- Asked: {study.asked}"
    yield f"- Decided: {answered.decided}; {counts(answered)}"
    yield f"- Bounds: {answer.bounds}"
    yield f"- Repeat: `{study.command}`\n"
    for table in answer.tables:
        yield from _table(table)


def counts(answered: Answered) -> str:
    """How much was run, in words."""
    executions = (
        "1 execution" if answered.executions == 1 else f"{answered.executions} executions"
    )
    classes = f" in {answered.classes} classes" if answered.classes else ""
    return f"{executions}{classes}"


def _table(table: Table) -> Iterator[str]:
    yield f"{table.heading[:1].upper()}{table.heading[1:]}:\n"
    yield f"| {' | '.join(table.columns)} |"
    yield f"|{'---|' * len(table.columns)}"
    for row in table.rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""
