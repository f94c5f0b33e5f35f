# SPDX-License-Identifier: MIT OR Apache-2.0
"""The questions of the reviewers, and how one is answered.

Each question is a module of this package, ``q01`` to ``q13``, whose ``STUDY`` says who asked
what, and finds the answer out.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.errors import BadInput, Problem, shown
from swaptrio.sched import open_scheduler
from swaptrio.study.ask.answer import Answer, Decided
from swaptrio.study.ask.lab import Lab
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swaptrio.variants import Variant

_MODULE: Final = re.compile(r"q(\d\d)")


@attrs.frozen
class Study:
    """A question with its *number*, who *asked* it where, and the function that *answers*."""

    number: int
    question: str
    asked: str
    answers: Callable[[Lab], Awaitable[Answer]]

    @property
    def name(self) -> str:
        """How it is called: ``Q1``."""
        return f"Q{self.number}"

    @property
    def command(self) -> str:
        """What repeats it."""
        return f"swaptrio ask {self.name}"


@attrs.frozen
class Answered:
    """A study with its answer, and what it has run to find it.

    *executions* and *classes* are counted by the lab; *decided* is the answer's own word, but
    for what its executions cannot prove.
    """

    study: Study
    answer: Answer
    executions: int
    classes: int
    decided: Decided

    def record(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "name": self.study.name,
            "question": self.study.question,
            "asked": self.study.asked,
            "tables": [attrs.asdict(table) for table in self.answer.tables],
            "bounds": self.answer.bounds,
            "executions": self.executions,
            "classes": self.classes,
            "decided": self.decided.value,
            "answer": list(self.answer.sentences),
            "as_expected": self.answer.as_expected,
            "command": self.study.command,
        }


async def ask(
    study: Study,
    tell: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    instead: Mapping[str, Variant] | None = None,
) -> Answered:
    """Find the answer to *study*; see `Lab` for the other arguments.

    Raises:
        Stopped: *stop* said so.
    """
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, lambda text: tell(f"{study.name}: {text}"), stop, instead or {})
        answer = await study.answers(lab)
    unproved = answer.decided is Decided.PROVED and not lab.proves
    decided = Decided.SAMPLED if unproved else answer.decided
    return Answered(study, answer, lab.executions, lab.classes, decided)


def names() -> tuple[str, ...]:
    """The names of all questions, in their order."""
    folder = [str(Path(__file__).parent)]
    found = [_MODULE.fullmatch(module.name) for module in pkgutil.iter_modules(folder)]
    return tuple(f"Q{int(match[1])}" for match in found if match)


def studies(*wanted: str) -> list[Study]:
    """The studies called *wanted*, in upper or lower case; all of them for nothing.

    Raises:
        BadInput: there is none of such a name; lists all that are wrong.
    """
    known = names()
    folded = [name.upper() for name in wanted] or list(known)
    problems = [
        _unknown(name, known)
        for name, spelled in zip(wanted, folded, strict=False)
        if spelled not in known
    ]
    if problems:
        raise BadInput(problems)
    return [_load(name) for name in dict.fromkeys(folded)]


def _load(name: str) -> Study:
    module = importlib.import_module(f"swaptrio.study.ask.q{int(name[1:]):02}")
    study: Study = module.STUDY
    return study


def _unknown(name: str, known: tuple[str, ...]) -> Problem:
    message = f"there is no such question; there are {', '.join(known)}"
    return Problem("", "", shown(name), message, nearest(name, known) or "")
