# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio ask``: what reviewers asked about the patch, answered by running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from swaptrio.cli import codes
from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from swaptrio.cli.console import Console


@click.command(epilog=epilog("ask", "ask Q1", "ask q3 q5 --json", "ask --all"))
@click.argument("questions", metavar="[Q..]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Answer all questions.")
@shared
def ask(console: Console, questions: tuple[str, ...], everything: bool) -> int:
    """Answer questions of the review, each by a small study.

    Without a question they are listed. A study tells what it has run and how much of it, and
    answers in two sentences that depend on what it found. The exit code is 1 where a finding
    contradicts the expected answer.
    """
    from swaptrio.cli.asked import answer_all, lines_of, list_questions
    from swaptrio.study.ask import studies

    if questions and everything:
        msg = "name questions or say --all, not both"
        raise click.UsageError(msg)
    wanted = studies(*questions)
    if not questions and not everything:
        list_questions(console, wanted)
        return codes.OK
    answers = answer_all(console, wanted)
    console.document({"questions": [answered.record() for answered in answers]})
    for line in lines_of(answers):
        console.say(line)
    contradicted = any(not answered.answer.as_expected for answered in answers)
    return codes.FAILED if contradicted else codes.OK
