# SPDX-License-Identifier: MIT OR Apache-2.0
"""The versions by name, and those that a user brings as a file.

A version is a Python file whose functions carry the names of the functions they replace. One
that says ``BASE = "v3"`` builds on that version; one that does not has to bring the functions
of `REQUIRED` itself. Loading a user's file runs it: it is the one kind of input that is code.

``v3~_roll_back.lock1`` is a version less one of its parts; see `swaptrio.variants.parts`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

import attrs

from swaptrio import mm
from swaptrio.errors import Problem, VariantError
from swaptrio.mm.injection import FAILURES
from swaptrio.mm.kernel import FUNCTIONS, labels_in, plain
from swaptrio.variants.mutants import MUTANTS
from swaptrio.variants.parts import Part, parts_of, without
from swaptrio.words import nearest

#: What a version without a base has to define.
REQUIRED: Final = ("swap_cache_alloc_folio", "swap_cache_read_folio", "swapin_sync")

#: The versions of the patch, in the order of time.
VERSIONS: Final = ("old", "pre", "v3", "v4", "v5", "next")

#: What stands between the name of a version and that of the part that it is without.
LESS: Final = "~"

#: Characters that a message shows at most of what a file has raised.
LONGEST_REASON: Final = 200


@attrs.frozen(eq=False)
class Variant:
    """One version of the algorithm.

    *functions* maps the name of a function of the model to what runs in its place. *labels* are
    those of all scheduling points that there are in this version. *base* is the version that it
    builds on, itself where it builds on none: its expectations hold for this one too. *mutant*
    says that it has a mistake that was made on purpose, *races* that it is one that only a look
    at all accesses can find: then its executions are watched for data races. *foreign* says
    that a user has brought it.
    """

    name: str
    summary: str
    base: str
    functions: Mapping[str, Callable[..., Any]]
    labels: frozenset[str]
    mutant: bool = False
    races: bool = False
    foreign: bool = False


def names() -> tuple[str, ...]:
    """The names of all versions and mutants."""
    return (*VERSIONS, *(mutant.name for mutant in MUTANTS))


def load(name: str) -> Variant:
    """The version called *name*, or the one in the file *name* (ending in ``.py``).

    Behind either ``~`` and the name of a part can stand, which it is without then.

    Raises:
        VariantError: there is none of that name, or the file cannot be used.
    """
    if name.endswith(".py"):
        return _from_file(Path(name))
    if LESS in name:
        return _less(name)
    if name in VERSIONS:
        return _from_module(name, importlib.import_module(f"swaptrio.variants.{name}"))
    for mutant in MUTANTS:
        if mutant.name == name:
            base = load(mutant.base)
            functions = {**base.functions, **mutant.functions}
            labels = base.labels | _labels(mutant.functions.values())
            return Variant(name, mutant.summary, base.name, functions, labels, mutant=True)
    known = names()
    message = f"there is no variant of this name; known are {', '.join(known)}"
    raise VariantError((Problem(name, "variant", name, message, nearest(name, known) or ""),))


def _less(name: str) -> Variant:
    """A version without one of its parts."""
    version, _, wanted = name.rpartition(LESS)
    variant = load(version)
    parts = {part.name: part for part in parts_of(variant)}
    if wanted in parts:
        return less(variant, parts[wanted])
    message = f"{version} has no part of this name; 'swaptrio necessity --list' names all"
    raise VariantError((Problem(name, "part", wanted, message, nearest(wanted, parts) or ""),))


def less(variant: Variant, part: Part) -> Variant:
    """*variant* without *part*, as a mutant of it: what `load` gives for both their names."""
    base = variant.name if variant.name in names() else variant.base
    cut = without(variant, part, f"{variant.name}{LESS}{part.name}")
    return attrs.evolve(cut, base=base)


def _from_file(path: Path) -> Variant:
    module = _run(path)
    base = getattr(module, "BASE", None)
    if base is not None and base not in VERSIONS:
        message = f"BASE names no version; known are {', '.join(VERSIONS)}"
        hint = nearest(str(base), VERSIONS) or ""
        raise VariantError((Problem(str(path), "BASE", str(base), message, hint),))
    variant = attrs.evolve(_from_module(path.stem, module), foreign=True)
    _require(path, variant, module)
    return variant


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise VariantError((Problem(str(path), "", "", "there is no such file"),))
    spec = importlib.util.spec_from_file_location(f"swaptrio_variant_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses and the like look for it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:  # a user's file can raise anything
        del sys.modules[spec.name]
        line = _line_in(path, exc)
        reason = f"{type(exc).__name__}: {str(exc)[:LONGEST_REASON]}"
        problem = Problem(str(path), line, "", f"the file cannot be run: {reason}")
        raise VariantError((problem,)) from exc
    return module


def _line_in(path: Path, exc: BaseException) -> str:
    """The last line of the file itself that was being read or run; empty for none."""
    own = str(path.absolute())
    if isinstance(exc, SyntaxError) and exc.filename == own:
        return f"line {exc.lineno}" if exc.lineno else ""
    frames = traceback.extract_tb(exc.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == own]
    return f"line {lines[-1]}" if lines else ""


def _require(path: Path, variant: Variant, module: ModuleType) -> None:
    own = [name for name, _ in _functions_of(module)]
    problems = [
        Problem(
            str(path),
            "",
            name,
            "the file lacks this function, and names no BASE",
            nearest(name, own) or "",
        )
        for name in REQUIRED
        if name not in variant.functions
    ]
    if problems:
        raise VariantError(tuple(problems))


def _from_module(name: str, module: ModuleType) -> Variant:
    own = {key: each for part in _parts_of(module) for key, each in _functions_of(part)}
    replaced = {
        key: plain(function)
        for key, function in own.items()
        if key in FUNCTIONS or key in REQUIRED
    }
    labels = _labels(own.values())
    summary = (module.__doc__ or name).strip().splitlines()[0]
    base = getattr(module, "BASE", None)
    if base is None:
        return Variant(name, summary, name, replaced, labels | _model_labels())
    below = load(base)
    functions = {**below.functions, **replaced}
    return Variant(name, summary, below.name, functions, labels | below.labels)


def _parts_of(module: ModuleType) -> Iterator[ModuleType]:
    """A module, and those in it where it is a package."""
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{module.__name__}."):
        yield importlib.import_module(found.name)


def _functions_of(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield name, value


def _labels(functions: Any) -> frozenset[str]:
    return frozenset(label for function in functions for label in labels_in(plain(function)))


@functools.cache
def _model_labels() -> frozenset[str]:
    """The labels of all modules of the model, but for those of what may fail."""
    names = [found.name for found in pkgutil.walk_packages(mm.__path__, f"{mm.__name__}.")]
    modules = [importlib.import_module(name) for name in names]
    functions = [function for module in modules for _, function in _functions_of(module)]
    return _labels(functions) - frozenset(FAILURES.values())
