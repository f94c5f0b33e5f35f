# SPDX-License-Identifier: MIT OR Apache-2.0
"""Locks that go."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from swaptrio.variants.parts.cut import Cut, PartKind, shown
from swaptrio.variants.parts.syntax import awaits, blocks, calls, label_of, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants.parts.cut import FunctionNode

#: What takes the lock of a folio. It is given back by others, so only the taking goes.
_TAKES: Final = ("folio_lock", "folio_trylock", "take_free")

#: The name by which a function that has lost a lock calls a scheduling point.
POINT: Final = "_point"


def locks(function: FunctionNode) -> Iterator[Cut]:
    """Each section under a spinlock, and each place that locks a folio."""
    for block in blocks(function):
        for index, node in enumerate(block):
            label = _section(node)
            if label:
                yield Cut(
                    PartKind.LOCK,
                    node.lineno,
                    f"the lock section at {label}",
                    _opened(block, index, label),
                    races=_is_one_step(node),
                )
            for call in _head_calls(node):
                if _name(call) in _TAKES:
                    what = f"locking the folio: {shown(call)}"
                    make = _not_taken(block, index, label_of(call))
                    yield Cut(PartKind.LOCK, node.lineno, what, make)


def _is_one_step(section: ast.stmt) -> bool:
    assert isinstance(section, ast.AsyncWith)
    return len(section.body) == 1 and not awaits(section.body[0])


def _section(node: ast.stmt) -> str:
    """The label at which a section takes its lock; empty if this is none."""
    if not isinstance(node, ast.AsyncWith):
        return ""
    call = node.items[0].context_expr
    assert isinstance(call, ast.Call), "sections are written lock.hold(label)"
    return label_of(call)


def _head_calls(node: ast.stmt) -> Iterator[ast.Call]:
    """The calls of a statement itself, or of its condition."""
    if isinstance(node, ast.Expr):
        yield from calls(node)
    elif isinstance(node, ast.If):
        yield from calls(node.test)


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def _opened(block: list[ast.stmt], index: int, label: str) -> Callable[[], None]:
    def make() -> None:
        section = block[index]
        assert isinstance(section, ast.AsyncWith)
        steps = [
            each
            for inner in section.body
            for each in (statement(f"await {POINT}({label!r})", inner), inner)
        ]
        block[index : index + 1] = steps

    return make


def _not_taken(block: list[ast.stmt], index: int, label: str) -> Callable[[], None]:
    def make() -> None:
        text = f"await {POINT}({label!r})" if label else "pass"
        block[index] = statement(text, block[index])

    return make
