# SPDX-License-Identifier: MIT OR Apache-2.0
"""Orders that go."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.variants.parts.cut import Cut, PartKind, shown
from swaptrio.variants.parts.syntax import awaits, blocks, called, calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants.parts.cut import FunctionNode

#: Counters that nobody in the model reads.
_COUNTERS: Final = ("count_mthp_stat", "count_vm_event")

#: Marks of a folio by which nobody in the model decides anything.
_HINTS: Final = ("readahead",)

#: What tells the oracles who holds a reference. It goes with what follows.
_BOOKS: Final = ("hold", "let_go", "folio_handed_to_ptes")


@attrs.frozen
class _Step:
    """Statements that go together, from *start* up to *end* in their block."""

    start: int
    end: int


def orders(function: FunctionNode) -> Iterator[Cut]:
    """Each pair of neighbours that could as well stand the other way round."""
    for block in blocks(function):
        steps = list(_steps(block))
        for first, second in pairwise(steps):
            before, after = block[first.start : first.end], block[second.start : second.end]
            if _can_swap(before, after):
                what = f"{_head(before)}, before {_head(after)}"
                make = _swapped(block, first, second)
                yield Cut(PartKind.ORDER, before[0].lineno, what, make)


def _steps(block: list[ast.stmt]) -> Iterator[_Step]:
    """The statements of a block: a scheduling point goes with what is done at it."""
    start = 0
    while start < len(block):
        end = start + 1
        if _is_point(block[start]):
            while end < len(block) and not awaits(block[end]) and _stays(block[end]):
                end += 1
        elif _calls_one_of(block[start], _BOOKS) and end < len(block):
            end += 1
        yield _Step(start, end)
        start = end


def _is_point(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and called(node.value) == "point"


def _stays(node: ast.stmt) -> bool:
    """Whether a statement does nothing but what it does at its point."""
    return not isinstance(node, ast.Return | ast.Break | ast.Continue | ast.If)


def _calls_one_of(node: ast.stmt, names: tuple[str, ...]) -> bool:
    return isinstance(node, ast.Expr) and called(node.value) in names


def _can_swap(before: list[ast.stmt], after: list[ast.stmt]) -> bool:
    """Whether others could see it: both do something, and none needs the other's result."""
    both = (before, after)
    if not any(awaits(node) for part in both for node in part):
        return False
    if not all(any(_acts(node) for node in part) for part in both):
        return False
    if any(_leaves(node) for part in both for node in part):
        return False
    stored = [_names(part, ast.Store) for part in both]
    if stored[0] & (_names(after, ast.Load) | stored[1]):
        return False
    if stored[1] & _names(before, ast.Load):
        return False
    objects = [_objects(part) for part in both]
    return None in objects or bool(set(objects[0] or ()) & set(objects[1] or ()))


def _acts(node: ast.stmt) -> bool:
    """Whether a statement does anything that others can see."""
    if awaits(node):
        return True
    if isinstance(node, ast.If | ast.For):
        return any(_acts(each) for each in node.body)
    if isinstance(node, ast.Expr):
        return bool(called(node.value)) and called(node.value) not in _COUNTERS
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(_is_shared(target) for target in targets)
    return False


def _is_shared(target: ast.expr) -> bool:
    """Whether what is assigned to can be of interest to others."""
    if isinstance(target, ast.Attribute):
        return target.attr not in _HINTS
    return isinstance(target, ast.Subscript)


def _leaves(node: ast.stmt) -> bool:
    """Whether a statement can end the function before anything is done by it."""
    if isinstance(node, ast.If) and awaits(node.test):
        return False
    return any(isinstance(each, ast.Return | ast.Break) for each in ast.walk(node))


def _names(part: list[ast.stmt], use: type[ast.expr_context]) -> set[str]:
    return {
        each.id
        for node in part
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, use)
    }


def _objects(part: list[ast.stmt]) -> tuple[str, ...] | None:
    """The objects that all points of some statements declare; None where one declares none."""
    found: list[str] = []
    for node in part:
        if isinstance(node, ast.AsyncWith):
            return None
        for each in ast.walk(node):
            if isinstance(each, ast.Await):
                call = next(calls(each), None)
                if call is None or called(call) != "point" or len(call.args) < 3:
                    return None
                found.append(ast.unparse(call.args[2]))
    return tuple(found) or None


def _head(part: list[ast.stmt]) -> str:
    """A few words for what some statements do."""
    first = part[0]
    glued = _is_point(first) or _calls_one_of(first, _BOOKS)
    node = part[-1] if glued and len(part) == 2 else first
    return shown(node.items[0] if isinstance(node, ast.AsyncWith) else node)


def _swapped(block: list[ast.stmt], first: _Step, second: _Step) -> Callable[[], None]:
    def make() -> None:
        before, after = block[first.start : first.end], block[second.start : second.end]
        block[first.start : second.end] = [*after, *before]

    return make
