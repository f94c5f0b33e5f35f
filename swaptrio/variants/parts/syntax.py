# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the finders of parts ask of syntax trees."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.variants.parts.cut import FunctionNode

Node = TypeVar("Node", bound=ast.AST)


def blocks(function: FunctionNode) -> Iterator[list[ast.stmt]]:
    """All lists of statements in a function, outer ones first."""
    todo: list[ast.AST] = [function]
    while todo:
        node = todo.pop(0)
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield block
                todo += block


def called(node: ast.AST) -> str:
    """The name of the function that an expression calls, awaited or not; empty for none."""
    if isinstance(node, ast.Await):
        node = node.value
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """All calls within a node."""
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def label_of(call: ast.Call) -> str:
    """The label that is among the arguments of a call; empty for none."""
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return argument.value
    return ""


def awaits(node: ast.AST) -> bool:
    """Whether others can come in while a node is run."""
    return any(isinstance(each, ast.Await | ast.AsyncWith) for each in ast.walk(node))


def like(node: Node, model: ast.AST) -> Node:
    """*node*, all of which stands where *model* does."""
    for each in ast.walk(node):
        if isinstance(each, ast.expr | ast.stmt):
            ast.copy_location(each, model)
    return node


def statement(text: str, model: ast.AST) -> ast.stmt:
    """The statement that *text* says, standing where *model* does."""
    return like(ast.parse(text).body[0], model)
