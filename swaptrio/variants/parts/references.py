# SPDX-License-Identifier: MIT OR Apache-2.0
"""References that go."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from swaptrio.variants.parts.cut import Cut, PartKind, shown
from swaptrio.variants.parts.syntax import blocks, called, like, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants.parts.cut import FunctionNode

#: What drops references of a folio.
_PUTS: Final = ("folio_put", "folio_put_refs", "folio_put_allocated")


def references(function: FunctionNode) -> Iterator[Cut]:
    """Each reference that is taken, each that is dropped, and each pair of both."""
    for block in blocks(function):
        for index, node in enumerate(block):
            if _is(node, "get_swap_device"):
                what = f"the reference of {shown(node)}"
                make = _dropped_at_once(function, block, index)
                yield Cut(PartKind.REFERENCE, node.lineno, what, make)
            if any(_is(node, name) for name in _PUTS) or _counts(node):
                what = shown(node)
                yield Cut(PartKind.REFERENCE, node.lineno, what, _gone(block, index))
            if isinstance(node, ast.If) and called(node.test) == "folio_try_get":
                make = _not_taken(node)
                yield Cut(PartKind.REFERENCE, node.lineno, shown(node.test), make)


def _is(node: ast.stmt, name: str) -> bool:
    """Whether a statement is a call of the function *name*, whatever becomes of the result."""
    return isinstance(node, ast.Expr | ast.Assign) and called(node.value) == name


def _counts(node: ast.stmt) -> bool:
    target = node.target if isinstance(node, ast.AugAssign) else None
    return isinstance(target, ast.Attribute) and target.attr == "refs"


def _gone(block: list[ast.stmt], index: int) -> Callable[[], None]:
    def make() -> None:
        block[index] = statement("pass", block[index])

    return make


def _not_taken(node: ast.If) -> Callable[[], None]:
    """The folio is used if it has a reference, and gets none."""

    def make() -> None:
        assert isinstance(node.test, ast.Call)
        folio = ast.unparse(node.test.args[1])
        node.test = like(ast.parse(f"{folio}.refs != 0", mode="eval").body, node)

    return make


def _dropped_at_once(
    function: FunctionNode, block: list[ast.stmt], index: int
) -> Callable[[], None]:
    def make() -> None:
        taken = block[index]
        for each in blocks(function):
            for place, node in enumerate(each):
                if _is(node, "put_swap_device"):
                    each[place] = statement("pass", node)
        assert isinstance(taken, ast.Assign)
        device = ast.unparse(taken.targets[0])
        text = f"if {device} is not None: await put_swap_device(kernel, {device})"
        block.insert(index + 1, statement(text, taken))

    return make
