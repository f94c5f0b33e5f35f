# SPDX-License-Identifier: MIT OR Apache-2.0
"""From a drawing to the steps of a variant: which task, which label, which draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.diagram.drawing import Diagram, DiagramError, DrawnStep, Line
from swaptrio.diagram.resolve import Meaning, meaning
from swaptrio.diagram.vocabulary import Vocabulary, vocabulary
from swaptrio.errors import Problem, shown
from swaptrio.mm.injection import FAILURES
from swaptrio.scenario.format import Scenario
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.variants import Variant

#: The options drawn at a label, in order.
Choices = Mapping[str, tuple[str, ...]]

_FAILURE: Final = {label: failure for failure, label in FAILURES.items()}


def to_window(
    diagram: Diagram, scenario: Scenario, variant: Variant
) -> tuple[tuple[DrawnStep, ...], Choices]:
    """What *diagram* asks of *variant*: the steps in their order, and the options of draws.

    Raises:
        DiagramError: lines or names mean nothing here; lists all of them.
    """
    mapper = _Mapper(diagram, scenario, vocabulary(scenario, variant))
    tasks = mapper.tasks()
    steps = tuple(mapper.steps(tasks))
    if not steps and not mapper.problems:
        mapper.wrong("", "", "no line of the drawing is a step of any task")
    if mapper.problems:
        raise DiagramError(sorted(mapper.problems, key=_line_of))
    return steps, {label: tuple(options) for label, options in mapper.choices.items()}


def _line_of(problem: Problem) -> int:
    return int(problem.place.removeprefix("line ") or 0)


@attrs.define
class _Mapper:
    """Goes through one drawing; keeps the choices, the open frames, and what is wrong."""

    diagram: Diagram
    scenario: Scenario
    known: Vocabulary
    problems: list[Problem] = attrs.Factory(list)
    choices: dict[str, list[str]] = attrs.Factory(dict)
    _frames: dict[int, list[tuple[int, str]]] = attrs.Factory(dict)

    def wrong(self, place: str, value: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.diagram.file, place, value, message, hint))

    def tasks(self) -> tuple[str, ...]:
        """The task of each column: who is written there, else the next that is free."""
        names = [task.name for task in self.scenario.task]
        written = [column.task for column in self.diagram.columns]
        free = iter([name for name in names if name not in written])
        tasks = []
        for place, column in enumerate(self.diagram.columns):
            if column.task in written[:place] and column.task:
                self._misnamed(column.line, column.task, "two columns have this task")
            elif column.task and column.task not in names:
                message = f"there is no such task; there are {', '.join(names)}"
                hint = nearest(column.task, names) or ""
                self._misnamed(column.line, column.task, message, hint)
            tasks.append(column.task or next(free, ""))
            if not tasks[-1]:
                message = f"the scenario has no task for this column; there are {len(names)}"
                self._misnamed(column.line, column.name, message)
        return tuple(tasks)

    def _misnamed(self, line: int, name: str, message: str, hint: str = "") -> None:
        self.wrong(f"line {line}", shown(name), message, hint)

    def steps(self, tasks: Sequence[str]) -> Iterator[DrawnStep]:
        """The steps of all lines; what else they say goes into `choices` and `problems`."""
        for place, line in enumerate(self.diagram.lines):
            found = self._meaning(place, line)
            if found.problem:
                place_of = f"line {line.number}"
                self.wrong(place_of, shown(line.text), found.problem, found.hint)
            if found.draw:
                self._draw(line, found)
            if found.labels or found.foreign or found.mode == "ends":
                task = tasks[line.column]
                yield DrawnStep(line.number, task, line.text, found.labels, found.mode)

    def _meaning(self, place: int, line: Line) -> Meaning:
        frames = self._frames.setdefault(line.column, [])
        while frames and frames[-1][0] >= line.indent:
            frames.pop()
        names = [name for _, name in frames]
        found = meaning(line.text, self.known, names, self._below(place, line))
        if found.frame:
            frames.append((line.indent, found.frame))
        return found

    def _below(self, place: int, line: Line) -> list[str]:
        """What stands indented below *line* in its column."""
        below = []
        for other in self.diagram.lines[place + 1 :]:
            if other.column == line.column:
                if other.indent <= line.indent:
                    break
                below.append(other.text)
        return below

    def _draw(self, line: Line, found: Meaning) -> None:
        failure = _FAILURE.get(found.draw)
        if failure is None or failure in self.scenario.kernel.failures:
            self.choices.setdefault(found.draw, []).append(found.option)
        elif found.option == "fail":
            message = f"nothing can fail here unless {failure!r} is among [kernel] failures"
            self.wrong(f"line {line.number}", shown(line.text), message)
