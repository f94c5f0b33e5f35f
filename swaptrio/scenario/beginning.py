# SPDX-License-Identifier: MIT OR Apache-2.0
"""Putting a world back to its beginning, instead of making another one.

To make a world and to attach its oracles takes a quarter of a short execution, and the garbage
collector's time on top. All worlds of a set-up begin alike, so it is enough to make one, to
note once what each of its objects and containers holds, and to put that back.

Nothing may be left out: what one execution leaves in a world would decide what the next one
does. So whatever can be reached is noted, and what is of no known type is refused.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from functools import partial
from types import FunctionType, MethodType, NoneType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: A call that puts one object or container back.
_Step: TypeAlias = partial[None]

#: What empties a container, which is its argument.
_Clear: TypeAlias = "Callable[[Any], None]"

#: What never changes, and leads to nothing that does. Functions are code, and keep nothing.
_PLAIN: Final = (int, float, str, bytes, NoneType, Enum, type, FunctionType)


@attrs.frozen
class Beginning:
    """What all that can be reached from some objects was like.

    *_empty* are the containers that held nothing, each with what empties it. Most did, and
    most of these hold nothing still when they are put back.
    """

    _steps: tuple[_Step, ...]
    _empty: tuple[tuple[_Clear, Any], ...]

    @classmethod
    def of(cls, *roots: object) -> Self:
        """Note what *roots* and all that they lead to are like now.

        Raises:
            TypeError: something is of a type that cannot be put back.
        """
        steps: list[_Step] = []
        empty: list[tuple[_Clear, Any]] = []
        seen: dict[int, object] = {}
        ahead: list[object] = list(roots)
        while ahead:
            value = ahead.pop()
            if isinstance(value, _PLAIN) or id(value) in seen:
                continue
            seen[id(value)] = value
            ahead += _attributes(value)
            if isinstance(value, dict | list | deque) and not value:
                empty.append((_clear_of(value), value))
                continue
            own, inside = _noted(value)
            steps += own
            ahead += inside
        return cls(tuple(steps), tuple(empty))

    def state_parts(self) -> tuple[object, ...]:
        """Nothing: no step reads it, and what it holds may have left the world, and changed."""
        return ()

    def restore(self) -> None:
        """Put everything back. What has come since is not touched, and no longer reached."""
        for clear, container in self._empty:
            if container:
                clear(container)
        for step in self._steps:
            step()


def _attributes(value: Any) -> list[object]:
    """What a container of a class of its own keeps beside its entries: that does not change."""
    if not isinstance(value, dict | list | deque):
        return []
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(value, name) for name in slots]


def _clear_of(container: Any) -> _Clear:
    """What empties a container; what a class has of its own would tell others of the change."""
    kinds = (dict, list, deque)
    return next(kind.clear for kind in kinds if isinstance(container, kind))


def _noted(value: Any) -> tuple[list[_Step], Iterable[object]]:
    """How to put *value* itself back, and what it holds."""
    match value:
        case dict():
            entries = dict(value)
            steps = [partial(dict.clear, value), partial(dict.update, value, entries)]
            return steps, (*entries, *entries.values())
        case list():
            return [partial(list.__setitem__, value, slice(None), value.copy())], value.copy()
        case deque():
            held = tuple(value)
            return [partial(value.clear), partial(value.extend, held)], held
        case tuple():
            return [], value
        case partial():
            return [], (value.func, *value.args, *value.keywords.values())
        case MethodType():
            return [], (value.__self__,)
    if not attrs.has(type(value)):
        msg = f"a {type(value).__name__} cannot be put back to what it was"
        raise TypeError(msg)
    return _noted_fields(value)


def _noted_fields(value: Any) -> tuple[list[_Step], Iterable[object]]:
    """As `_noted`, of an object of an attrs class: its constructor sets all fields at once."""
    cls = type(value)
    fields = attrs.fields(cls)
    held = [getattr(value, field.name) for field in fields]
    if not held or _is_frozen(value, fields[0].name):
        return [], held
    plain = all(field.init and not field.kw_only for field in fields)
    if not plain or hasattr(cls, "__attrs_post_init__"):
        msg = f"the constructor of {cls.__name__} does more than to set its fields"
        raise TypeError(msg)
    return [partial(cls.__init__, value, *held)], held


def _is_frozen(value: object, field: str) -> bool:
    try:
        setattr(value, field, getattr(value, field))
    except attrs.exceptions.FrozenInstanceError:
        return True
    return False
