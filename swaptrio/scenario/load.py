# SPDX-License-Identifier: MIT OR Apache-2.0
"""Read a scenario file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.errors import Problem, ScenarioError, shown
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.mend import OF_THIS_NAME, NotMended, mend
from swaptrio.scenario.source import read_tables
from swaptrio.scenario.structure import structure, windows_of
from swaptrio.scenario.windows import Window

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


#: Times that a file is mended and looked at again; one problem seldom hides two others.
MOST_ROUNDS: Final = 8


@attrs.frozen
class Draft:
    """What a file says: all that is wrong with it, and the scenario if nothing is.

    *windows*, with their numbers, and the names of *memcgs* are there as far as one can tell
    what is meant. Whoever knows the words of the model can look at them.
    """

    problems: tuple[Problem, ...]
    scenario: Scenario | None
    windows: tuple[tuple[int, Window], ...]
    memcgs: tuple[str, ...]


def load(path: str | os.PathLike[str]) -> Scenario:
    """The scenario in the file at *path*.

    The file is data and nothing in it is executed. It is a text of 1 MiB at most, and its name
    is that of the scenario with ``.toml``.

    Raises:
        ScenarioError: nothing else, whatever lies at *path*. It lists what is wrong in the
            file's own terms: with keys and values, and with what does not fit together, as far
            as one can be told behind the other.
    """
    draft = draft_of(path)
    if draft.problems:
        raise ScenarioError(draft.problems)
    assert draft.scenario is not None
    return draft.scenario


def draft_of(path: str | os.PathLike[str]) -> Draft:
    """What the file at *path* says, whether or not it can be used.

    Raises:
        ScenarioError: the file cannot be read, or is no TOML.
    """
    file = Path(path)
    tables = read_tables(file)
    problems = list(_misnamed(tables, file.stem))
    scenario = _told(tables, problems)
    found = tuple(problem.of(str(file)) for problem in problems)
    if scenario is None:
        return Draft(found, None, tuple(windows_of(tables)), tuple(_memcgs(tables)))
    memcgs = tuple(memcg.name for memcg in scenario.memcg)
    whole = None if problems else scenario
    return Draft(found, whole, tuple(enumerate(scenario.window)), memcgs)


def _told(tables: dict[str, Any], problems: list[Problem]) -> Scenario | None:
    """What *tables* say once they are mended, if they can be; adds what is wrong to *problems*.

    Behind a guess only that is told which the guess cannot have done.
    """
    certain, told = True, {problem.place for problem in problems}
    for _ in range(MOST_ROUNDS):
        try:
            return structure(tables)
        except ScenarioError as error:
            new = [problem for problem in error.problems if problem.place not in told]
        problems += (each for each in new if certain or each.message.endswith(OF_THIS_NAME))
        told |= {problem.place for problem in new}
        try:
            certain &= mend(tables, new)
        except NotMended:
            break
        if not new:
            break
    return None


def _memcgs(tables: dict[str, Any]) -> Iterator[str]:
    found = tables.get("memcg")
    if not isinstance(found, list):
        yield "m1"
        return
    for table in found:
        if isinstance(table, dict) and isinstance(table.get("name"), str):
            yield table["name"]


def _misnamed(tables: dict[str, Any], stem: str) -> Iterator[Problem]:
    name = tables.get("name")
    if isinstance(name, str) and name != stem:
        yield Problem("", "name", shown(name), "must be the file's name without .toml", stem)
