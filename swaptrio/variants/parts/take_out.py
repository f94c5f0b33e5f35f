# SPDX-License-Identifier: MIT OR Apache-2.0
"""Finding the parts of a version, and making the version without one."""

from __future__ import annotations
import __future__

import ast
import copy
import functools
from collections import Counter
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.mm.kernel import FUNCTIONS, plain
from swaptrio.sched import point
from swaptrio.variants.parts.checks import checks
from swaptrio.variants.parts.cut import Cut, FunctionNode, Part
from swaptrio.variants.parts.locks import POINT, locks
from swaptrio.variants.parts.orders import orders
from swaptrio.variants.parts.references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swaptrio.variants.registry import Variant

#: What versions share of the way from a fault to its folio. Whatever of it a version has for
#: itself is its own, as all that it brings.
PATH: Final = (
    "do_swap_page",
    "_folio_lock_or_retry",
    "swap_cache_get_folio",
    "_swap_cache_do_add_folio",
    "_swap_cache_do_del_folio",
)

_FINDERS: Final = (locks, checks, references, orders)

#: The model's files say so at their top, and it is not in the tree of a function.
_FLAGS: Final = __future__.annotations.compiler_flag


def parts_of(variant: Variant) -> tuple[Part, ...]:
    """All parts of a version, in the order of its files."""
    return tuple(
        part
        for function in _functions_of(variant)
        for part, _ in _found_in(copy.deepcopy(_tree_of(function)), function)
    )


def without(variant: Variant, part: Part, name: str) -> Variant:
    """*variant* less *part*, called *name*. Its labels are those of *variant*."""
    function = next(each for each in _functions_of(variant) if each.__name__ == part.function)
    tree = copy.deepcopy(_tree_of(function))
    next(cut for found, cut in _found_in(tree, function) if found == part).make()
    functions = _replacing(variant, function, tree)
    summary = f"{variant.name} without {part.what}"
    return attrs.evolve(
        variant,
        name=name,
        summary=summary,
        functions={**variant.functions, **functions},
        mutant=True,
        races=part.races,
    )


def _functions_of(variant: Variant) -> Iterator[FunctionType]:
    """The functions that a version brings, then those of `PATH`, each with its helpers."""
    shared = {name: plain(FUNCTIONS[name]) for name in PATH}
    seen: dict[FunctionType, None] = {}
    for function in {**variant.functions, **shared, **variant.functions}.values():
        if isinstance(function, FunctionType):
            for each in (function, *_helpers_of(function)):
                seen.setdefault(each)
    yield from seen


def _helpers_of(function: FunctionType) -> Iterator[FunctionType]:
    """The functions of the same module that it calls, and nobody can replace, at any depth."""
    seen: dict[FunctionType, None] = {}
    todo = [function]
    while todo:
        caller = todo.pop()
        for name in caller.__code__.co_names:
            helper: Any = caller.__globals__.get(name)
            if _is_helper(helper, function.__module__) and helper not in seen:
                seen[helper] = None
                todo.append(helper)
    yield from seen


def _is_helper(value: Any, module: str) -> bool:
    return (
        isinstance(value, FunctionType)
        and value.__module__ == module
        and plain(value) is value
        and value.__name__ not in FUNCTIONS
    )


def _found_in(tree: FunctionNode, function: FunctionType) -> Iterator[tuple[Part, Cut]]:
    numbers: Counter[str] = Counter()
    for finder in _FINDERS:
        for cut in sorted(finder(tree), key=lambda cut: cut.line):
            numbers[cut.kind] += 1
            yield (
                Part(
                    function.__name__,
                    cut.kind,
                    numbers[cut.kind],
                    function.__code__.co_filename,
                    cut.line,
                    cut.what,
                    cut.races,
                ),
                cut,
            )


def _tree_of(function: FunctionType) -> FunctionNode:
    """The function as its file has it. It is shared: whoever edits it makes a copy first."""
    code = function.__code__
    for node in _parsed(code.co_filename).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == function.__name__:
                return node
    msg = f"{code.co_filename} has no function {function.__name__}"
    raise LookupError(msg)


@functools.cache
def _parsed(file: str) -> ast.Module:
    return ast.parse(Path(file).read_text(encoding="utf-8"), file)


def _replacing(
    variant: Variant, function: FunctionType, tree: FunctionNode
) -> dict[str, Callable[..., Any]]:
    """What takes the place of which function of the kernel, where *function* reads *tree*."""
    scope = dict(function.__globals__)
    scope[POINT] = point
    for name, value in function.__globals__.items():
        if _is_helper(value, function.__module__):
            scope[name] = _moved(value, scope)
    tree.decorator_list = []
    module = ast.fix_missing_locations(ast.Module([tree], []))
    file = function.__code__.co_filename
    code = compile(module, file, "exec", _FLAGS, dont_inherit=True)
    exec(code, scope)
    cut = scope[function.__name__]
    if not _is_helper(function, function.__module__):
        return {function.__name__: cut}
    return {name: _moved(each, scope) for name, each in _callers(variant, function)}


def _callers(variant: Variant, helper: FunctionType) -> Iterator[tuple[str, FunctionType]]:
    """The functions of the kernel that reach a helper, by name."""
    shared = {name: plain(FUNCTIONS[name]) for name in PATH}
    for name, function in {**shared, **variant.functions}.items():
        if isinstance(function, FunctionType) and helper in _helpers_of(function):
            yield name, function


def _moved(function: FunctionType, scope: dict[str, Any]) -> FunctionType:
    """*function* as one that looks names up in *scope*."""
    moved = FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    moved.__kwdefaults__ = function.__kwdefaults__
    return moved
