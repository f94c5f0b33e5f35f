# SPDX-License-Identifier: MIT OR Apache-2.0
"""Checks that go."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from swaptrio.variants.parts.cut import Cut, PartKind, shown
from swaptrio.variants.parts.syntax import blocks, called, calls, like

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants.parts.cut import FunctionNode

#: What a variable with an error number is called in the model.
_ERRORS: Final = ("err", "error", "ret")

#: Enumerations whose members say that something was refused.
_REFUSALS: Final = ("Errno", "VmFaultReason")


def checks(function: FunctionNode) -> Iterator[Cut]:
    """Each cause for which something is refused, and each loop that looks again."""
    for block in blocks(function):
        for index, node in enumerate(block):
            if not isinstance(node, ast.If) or _warns(node.test):
                continue
            if _asks_for_a_type(node.test):
                continue
            if _retries(node):
                what = f"looking again unless {shown(node.test)}"
                yield Cut(PartKind.CHECK, node.lineno, what, _at_once(block, index))
            elif _refuses(node):
                yield from _causes(block, index, node)


def _causes(block: list[ast.stmt], index: int, node: ast.If) -> Iterator[Cut]:
    """The whole condition, or each of those of which one is enough."""
    if not isinstance(node.test, ast.BoolOp) or not isinstance(node.test.op, ast.Or):
        yield Cut(PartKind.CHECK, node.lineno, f"if {shown(node.test)}", _passed(block, index))
        return
    for cause in node.test.values:
        what = f"if {shown(cause)}"
        yield Cut(PartKind.CHECK, cause.lineno, what, _not_asked(node.test, cause))


def _passed(block: list[ast.stmt], index: int) -> Callable[[], None]:
    """Nothing is refused; what the condition does is done, and what else there is to do."""

    def make() -> None:
        node = block[index]
        assert isinstance(node, ast.If)
        test: ast.stmt = like(ast.Expr(node.test), node.test)
        asked = [test] if any(calls(node.test)) else []
        block[index : index + 1] = [*asked, *node.orelse] or [like(ast.Pass(), node)]

    return make


def _not_asked(test: ast.BoolOp, cause: ast.expr) -> Callable[[], None]:
    def make() -> None:
        test.values.remove(cause)
        if len(test.values) == 1:
            test.values.append(like(ast.Constant(value=False), cause))

    return make


def _at_once(block: list[ast.stmt], index: int) -> Callable[[], None]:
    def make() -> None:
        block[index] = like(ast.Break(), block[index])

    return make


def _warns(test: ast.expr) -> bool:
    """Whether this only holds the callers to what they are to pass."""
    return any(called(call) == "warn_on" for call in calls(test))


def _asks_for_a_type(test: ast.expr) -> bool:
    """Whether this only tells an error, or nothing, from a result of use."""
    if isinstance(test, ast.UnaryOp):
        return _asks_for_a_type(test.operand)
    if isinstance(test, ast.BoolOp):
        return any(_asks_for_a_type(each) for each in test.values)
    if isinstance(test, ast.Call):
        return isinstance(test.func, ast.Name) and test.func.id == "isinstance"
    if not isinstance(test, ast.Compare) or ast.unparse(test.comparators[0]) != "None":
        return False
    if isinstance(test.ops[0], ast.Is) or not isinstance(test.left, ast.Name):
        return isinstance(test.left, ast.Name)
    return test.left.id not in _ERRORS


def _retries(node: ast.If) -> bool:
    return isinstance(node.body[-1], ast.Break) and not node.orelse


def _refuses(node: ast.If) -> bool:
    """Whether the body of a condition says no, in place of what stands behind it."""
    last = node.body[-1]
    if isinstance(last, ast.Return):
        return not node.orelse and _is_refusal(last.value)
    if isinstance(last, ast.Pass):
        return bool(node.orelse)
    return isinstance(last, ast.Assign) and bool(node.orelse) and _is_refusal(last.value)


def _is_refusal(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Tuple):
        return _is_refusal(value.elts[0]) and ast.unparse(value.elts[0]) != "None"
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return value.value.id in _REFUSALS
    if isinstance(value, ast.Name):
        return value.id in _ERRORS
    return isinstance(value, ast.Constant) and value.value in (None, False)
