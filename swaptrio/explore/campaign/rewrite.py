# SPDX-License-Identifier: MIT OR Apache-2.0
"""The text of a scenario with another name and one window in the place of its own.

All else stays as its author wrote it, comments included. That nothing else has changed is not
hoped for but looked up: both texts are read, and must say the same.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Final

from swaptrio.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.scenario.windows import Expect, Window

_HEADER: Final = re.compile(r"^\[\[?([^\[\]]+?)\]\]?\s*(#.*)?$")
_NAME: Final = re.compile(r'^name\s*=\s*("[^"]*"|\'[^\']*\')', re.MULTILINE)


def rewritten(text: str, name: str, window: Window, variant: str, expect: Expect) -> str:
    """*text* as a scenario called *name* with *window* alone, in which *variant* ends so.

    Raises:
        ScenarioError: the text is laid out in a way that cannot be changed without risk.
    """
    kept = "".join(_without_windows(text))
    new = _NAME.sub(lambda _: f"name = {json.dumps(name)}", kept, count=1).rstrip("\n")
    new = "\n".join([new, "", *_lines(window, variant, expect), ""])
    if _rest(new) != _rest(text):
        message = "its windows cannot be told from the rest, as the file is laid out"
        raise ScenarioError((Problem(name, "", "", message),))
    return new


def _without_windows(text: str) -> Iterator[str]:
    inside = False
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line.rstrip("\n"))
        if header:
            inside = header[1].split(".")[0].strip() == "window"
        if not inside:
            yield line


def _rest(text: str) -> dict[str, object]:
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
