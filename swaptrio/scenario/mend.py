# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a broken file would say without its mistakes, so that those behind them are told too.

A file is checked in steps: its keys and values, how its tables fit together, the words of the
model. Each needs what the one before has made. So mistakes are mended as their messages say,
and the rest is looked at; nothing that is mended here is ever run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from swaptrio.errors import place, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.errors import Problem

Container: TypeAlias = dict[str, Any] | list[Any]

#: What is said of a key that no table has.
UNKNOWN_KEY: Final = "unknown key"

#: What is said of a key that a table needs.
MISSING_KEY: Final = "this key is missing"

#: What is said of a value that is no number.
WHOLE_NUMBER: Final = "must be a whole number"

#: How it ends what is said of a name that nothing has; no guess at a value makes it wrong.
OF_THIS_NAME: Final = "of this name"

#: Mistakes that hide more than one value: what stands behind them cannot be guessed.
_HIDING: Final = ("must be a list", "must be a table")


class NotMended(Exception):
    """Nobody can tell what was meant."""


def mend(tables: dict[str, Any], problems: Iterable[Problem]) -> bool:
    """Change *tables* such that *problems* are gone; whether all were mended for certain.

    A word becomes the one that was probably meant, and so does a key that no table has. Any
    other entry becomes another or none, which is a guess: what depends on it may look wrong by
    that alone.

    Raises:
        NotMended: a problem is none of these.
    """
    certain = True
    # A key that was misspelt is also missed where it should be, so that one comes first.
    for problem in sorted(problems, key=lambda problem: problem.message != UNKNOWN_KEY):
        certain &= _mend(tables, problem)
    return certain


def _mend(tables: dict[str, Any], problem: Problem) -> bool:
    container, key = _spot(tables, problem.place)
    if problem.message == UNKNOWN_KEY:
        value = container.pop(key)
        if problem.hint:
            container.setdefault(problem.hint, value)
        return True
    if problem.message == MISSING_KEY:
        return True  # it is there by now: another one was meant to be it
    if problem.hint and shown(container[key]) == problem.value:
        container[key] = problem.hint
        return True
    if isinstance(container, list) or problem.message in _HIDING:
        raise NotMended
    if problem.message == WHOLE_NUMBER or isinstance(container[key], int):
        container[key] = 1  # many a number is needed, and hardly any may not be this one
    else:
        del container[key]
    return False


def _spot(tables: dict[str, Any], where: str) -> tuple[Any, Any]:
    """The table or list, and the key or index in it, that the place *where* names."""
    container: Container = tables
    path: tuple[str | int, ...] = ()
    while isinstance(container, dict | list):
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            here = place(*path, key)
            if here == where:
                return container, key
            if where.startswith((f"{here}.", f"{here}[")):
                container, path = container[key], (*path, key)  # type: ignore[index]  # a key of it
                break
        else:
            break
    raise NotMended
