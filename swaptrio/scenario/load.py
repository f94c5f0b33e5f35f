# SPDX-License-Identifier: MIT OR Apache-2.0
"""Read a scenario file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from swaptrio.errors import Problem, ScenarioError, shown
from swaptrio.scenario.source import read_tables
from swaptrio.scenario.structure import structure

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from swaptrio.scenario.format import Scenario


def load(path: str | os.PathLike[str]) -> Scenario:
    """The scenario in the file at *path*.

    The file is data and nothing in it is executed. It is a text of 1 MiB at most, and its name
    is that of the scenario with ``.toml``.

    Raises:
        ScenarioError: nothing else, whatever lies at *path*. It lists what is wrong in the
            file's own terms: all that is wrong with keys and values, and if these are right,
            all that does not fit together.
    """
    file = Path(path)
    tables = read_tables(file)
    problems = list(_misnamed(tables, file.stem))
    try:
        scenario = structure(tables)
    except ScenarioError as error:
        problems += error.problems
    if problems:
        raise ScenarioError(problem.of(str(file)) for problem in problems)
    return scenario


def _misnamed(tables: dict[str, Any], stem: str) -> Iterator[Problem]:
    name = tables.get("name")
    if isinstance(name, str) and name != stem:
        yield Problem("", "name", shown(name), "must be the file's name without .toml", stem)
