# SPDX-License-Identifier: MIT OR Apache-2.0
"""The values that a drawing is made of, once it has been read."""

from __future__ import annotations

from typing import Literal

import attrs

from swaptrio.errors import BadInput

#: What a line asks of its task: to perform the step, to stand before it, or to run to its end.
Mode = Literal["performs", "waits", "ends"]


class DiagramError(BadInput):
    """A drawing cannot be read, or says something that means nothing here."""


@attrs.frozen
class Column:
    """One column: its *name* (``CPU0``), and the *task* that is written under it, at *line*.

    *task* is empty where nothing is written there; then the order of the tasks decides.
    """

    name: str
    task: str = ""
    line: int = 0


@attrs.frozen
class Line:
    """One thing that a column does: *number* of the line, *indent* in its column, *text*."""

    number: int
    column: int
    indent: int
    text: str


@attrs.frozen
class Diagram:
    """A drawing: its *columns*, its *lines* from top to bottom, and the *claim* at its end.

    The claim is what stands between the stars, and is empty where there is none. *file* is the
    path as its user named it, for messages.
    """

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    claim: str = ""
    file: str = ""


@attrs.frozen
class DrawnStep:
    """A line in the words of a variant.

    *task* comes to one of *labels*, and performs the step or only stands there, by *mode*. No
    labels at all mean that this variant has no such step though another one has.
    """

    line: int
    task: str
    text: str
    labels: tuple[str, ...] = ()
    mode: Mode = "performs"

    @property
    def wanted(self) -> str:
        """What is to happen, for messages."""
        return "its end" if self.mode == "ends" else " or ".join(self.labels)
