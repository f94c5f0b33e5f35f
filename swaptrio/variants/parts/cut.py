# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a part of a function is, and the edit that takes it out."""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias

import attrs

#: A function as the parser has it.
FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

#: Characters of source that say what a part is, at most.
LONGEST: Final = 68


class PartKind(StrEnum):
    """The kinds of parts, by the words that their names have."""

    LOCK = "lock"
    CHECK = "check"
    REFERENCE = "ref"
    ORDER = "order"


@attrs.frozen
class Part:
    """One part: the *number*-th of its *kind* in *function*, at a *line* of *file*.

    *what* says in words of the source what it is. *races* is true where others cannot come in
    without it either, so that only a look at all accesses can tell that it has gone.
    """

    function: str
    kind: PartKind
    number: int
    file: str
    line: int
    what: str
    races: bool = False

    @property
    def name(self) -> str:
        """What it is called behind the name of a version."""
        return f"{self.function}.{self.kind}{self.number}"


@attrs.frozen
class Cut:
    """What can be cut from the tree of a function; *make* does it, in place. See `Part`."""

    kind: PartKind
    line: int
    what: str
    make: Callable[[], None]
    races: bool = False


def shown(node: ast.AST) -> str:
    """The source of a node in one line, shortened."""
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
