# SPDX-License-Identifier: MIT OR Apache-2.0
"""From what was typed to a scenario and a variant."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import attrs

from swaptrio.errors import BadInput, Problem, ScenarioError, VariantError, shown
from swaptrio.scenario.files import digest, find
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.parts import parts, without
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.world import Setup
from swaptrio.variants import Variant
from swaptrio.variants import load as load_variant
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.sched import Schedule


@attrs.frozen
class Case:
    """A scenario and a variant, with the words *name* and *spelled* that somebody typed.

    *without* are the parts that are taken out of the scenario.
    """

    name: str
    spelled: str
    scenario: Scenario
    variant: Variant
    digest: str
    without: tuple[str, ...] = ()

    @property
    def setup(self) -> Setup:
        """Both, ready to run."""
        scenario = self.scenario
        if self.without:
            scenario = without(scenario, self.without)
        return Setup(scenario, self.variant)

    def command(self, console: Console, schedule: Schedule, verb: str = "replay") -> str:
        """What to type to see the execution of *schedule*, or what else *verb* does with it."""
        options = ["--variant", self.spelled, *self.less, "--schedule", str(schedule)]
        return shlex.join([console.program, verb, self.name, *options])

    @property
    def less(self) -> list[str]:
        """The options that take out what this case is without."""
        return [word for name in self.without for word in ("--without", name)]

    def taking_out(self, names: Sequence[str]) -> Case:
        """This case without the parts called *names*.

        Raises:
            BadInput: there is none of such a name, no task would be left, or what would be left
                does not fit together.
        """
        known = parts(self.scenario)
        problems = [_unknown(name, known) for name in names if name not in known]
        if not problems and all(task.name in names for task in self.scenario.task):
            problems.append(Problem("", "--without", "", "no task would be left"))
        if problems:
            raise ScenarioError(tuple(problems))
        less = attrs.evolve(self, without=tuple(dict.fromkeys((*self.without, *names))))
        without(self.scenario, less.without)
        return less


def _unknown(name: str, known: Sequence[str]) -> Problem:
    message = f"there is nothing of this name to take out; there are {', '.join(known)}"
    return Problem("", "--without", shown(name), message, nearest(name, known) or "")


def load_cases(console: Console, names: Sequence[str], variant: str) -> list[Case]:
    """The cases for each of *names*.

    Raises:
        BadInput: lists what is wrong with any of the files.
    """
    problems: list[Problem] = []
    found = None
    try:
        found = variant_of(console, variant)
    except BadInput as error:
        problems += error.problems
    cases = []
    for name in names:
        try:
            path = find(name)
            scenario = load_checked(path, found)
            if found is not None:
                cases.append(Case(name, variant, scenario, found, digest(path)))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return cases


def variant_of(console: Console, variant: str) -> Variant:
    """The variant of that name, or in that file, which runs.

    Raises:
        VariantError: there is none, or the file cannot be used.
    """
    try:
        with console.foreign_code():
            return load_variant(variant)
    except OSError as exc:
        message = f"cannot be read: {exc.strerror or exc}"
        raise VariantError((Problem(variant, "", "", message),)) from None


def is_file(path: Path) -> bool:
    """Whether there is a file at *path*, however long or odd its name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
