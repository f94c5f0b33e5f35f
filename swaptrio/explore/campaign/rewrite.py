# SPDX-License-Identifier: MIT OR Apache-2.0
"""The text of a scenario with another name and one window in the place of its own.

Some rows of its tables may go. All else stays as its author wrote it, comments included. That
nothing else has changed is not hoped for but looked up: both texts are read, and must say the
same.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from swaptrio.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from swaptrio.scenario.windows import Expect, Window

#: A row of a table: its key, and its number from 0.
Row: TypeAlias = tuple[str, int]

_HEADER: Final = re.compile(r"^\[\[?([^\[\]]+?)\]\]?\s*(#.*)?$")
_NAME: Final = re.compile(r'^name\s*=\s*("[^"]*"|\'[^\']*\')', re.MULTILINE)


def rewritten(
    text: str,
    name: str,
    window: Window,
    variant: str,
    expect: Expect,
    gone: Collection[Row] = (),
) -> str:
    """*text* as a scenario called *name* with *window* alone, in which *variant* ends so.

    The rows that are *gone* are left out.

    Raises:
        ScenarioError: the text is laid out in a way that cannot be changed without risk.
    """
    kept = "".join(_without(text, gone))
    new = _NAME.sub(lambda _: f"name = {json.dumps(name)}", kept, count=1).rstrip("\n")
    new = "\n".join([new, "", *_lines(window, variant, expect), ""])
    if _rest(new) != _less(_rest(text), gone):
        message = "its windows cannot be told from the rest, as the file is laid out"
        raise ScenarioError((Problem(name, "", "", message),))
    return new


def headed(text: str) -> set[Row]:
    """The rows of *text* that have a header of their own, so that they can be left out."""
    return {row for row, _ in _by_row(text) if row is not None}


def _without(text: str, gone: Collection[Row]) -> Iterator[str]:
    """The lines of *text* outside of windows and of what is *gone*."""
    for row, line in _by_row(text):
        if row is None or (row[0] != "window" and row not in gone):
            yield line


def _by_row(text: str) -> Iterator[tuple[Row | None, str]]:
    """The lines of *text*, each with the row that it is in; none above the first header."""
    row, counts = None, Counter[str]()
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line.rstrip("\n"))
        if header:
            key, *below = header[1].strip().split(".")
            counts[key] += not below
            row = key, counts[key] - 1
        yield row, line


def _less(tables: dict[str, Any], gone: Collection[Row]) -> dict[str, Any]:
    """*tables* without the rows that are *gone*, and without those that have none left."""
    less = {
        key: [row for at, row in enumerate(value) if (key, at) not in gone]
        if isinstance(value, list)
        else value
        for key, value in tables.items()
    }
    return {key: value for key, value in less.items() if value != []}


def _rest(text: str) -> dict[str, Any]:
    tables = tomllib.loads(text)
    return {key: value for key, value in tables.items() if key not in ("name", "window")}


def _lines(window: Window, variant: str, expect: Expect) -> Iterator[str]:
    yield "[[window]]"
    yield f"name = {json.dumps(window.name)}"
    yield f"story = {json.dumps(window.story)}"
    yield "steps = ["
    for step in window.steps:
        parts = [f"run = {json.dumps(step.run)}"]
        parts += [f"until = {json.dumps(step.until)}"] if step.until else []
        parts += [f"times = {step.times}"] if step.times > 1 else []
        yield f"    {{ {', '.join(parts)} }},"
    yield "]"
    if window.choices:
        yield ""
        yield "[window.choices]"
        for label, options in window.choices.items():
            yield f"{json.dumps(label)} = {json.dumps(list(options))}"
    yield ""
    yield f"[window.expect.{json.dumps(variant)}]"
    yield f"verdict = {json.dumps(expect.verdict)}"
    if expect.check:
        yield f"check = {json.dumps(expect.check)}"
