# SPDX-License-Identifier: MIT OR Apache-2.0
"""Dicts and lists that report what is read and written in them; see `accesses`.

A method that is not named here would go on without a word, so a test holds that each method of
dict, list and Counter is.

To a state (see `sched.states`) each is what it holds: how its elements are called and what is
made of them says the owner, and stays the same.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Self, SupportsIndex

from swaptrio.sched import Access
from swaptrio.sched.execution import _current

#: Modules whose looks at the state are no part of the program. This one works for its caller.
_ASIDE: Final = ("swaptrio.checks.", "swaptrio.scenario.picture", "swaptrio.trace.")

#: Those among them that look where a function is called, whatever locks are held there: what
#: they find depends on who came first. Only who orders events is told, and not who looks for
#: data races: a race with an oracle is none of the program's.
_WHEREVER: Final = ("swaptrio.checks.calls", "swaptrio.checks.order_loop")

Touched = list[tuple[object, Access]]

#: What to make of a value that is stored under a key.
Wrap = Callable[[Any, Any], Any]

_READ, _WRITE, _ADD = Access.READ, Access.WRITE, Access.ADD


def listening() -> Touched | None:
    """Where the access is to be reported that the caller's caller makes; none for nobody."""
    execution = _current.get(None)
    if execution is None or execution.touched is None:
        return None
    touched = execution.touched
    who = sys._getframe(2).f_globals.get("__name__", "")
    if not who.startswith(_ASIDE) or who == __name__:
        return touched
    return touched if who in _WHEREVER and type(touched) is list else None


def _telling(
    base: type, method: str, tell: Callable[[Any, Touched], object]
) -> Callable[..., Any]:
    """A *method* of *base* that has *tell* report the access before it."""
    function = getattr(base, method)

    def call(self: Any, *args: Any, **named: Any) -> Any:
        if (touched := listening()) is not None:
            tell(self, touched)
        return function(self, *args, **named)

    return call


class WatchedArray(list[Any]):
    """A list of a fixed length; *element_name* gives the name of an element."""

    __slots__ = ("_element_name", "_wrap")

    def __init__(
        self, values: Iterable[Any], element_name: Callable[[int], str], wrap: Wrap
    ) -> None:
        super().__init__(wrap(index, value) for index, value in enumerate(values))
        self._element_name = element_name
        self._wrap = wrap

    def names(self) -> list[str]:
        """The names of all elements."""
        return [self._element_name(index) for index in range(len(self))]

    def state_parts(self) -> tuple[object, ...]:
        """The elements."""
        return tuple(list.copy(self))

    def _tell(self, touched: Touched, where: SupportsIndex | slice, access: Access) -> None:
        if isinstance(where, slice):
            chosen = range(len(self))[where]
            touched += [(self._element_name(index), access) for index in chosen]
        else:
            touched.append((self._element_name(range(len(self))[where]), access))

    def __getitem__(self, where: Any) -> Any:
        if (touched := listening()) is not None:
            self._tell(touched, where, _READ)
        return super().__getitem__(where)

    def __setitem__(self, where: Any, value: Any) -> None:
        if (touched := listening()) is not None:
            self._tell(touched, where, _WRITE)
        if isinstance(where, slice):
            indexes = range(len(self))[where]
            value = [self._wrap(*each) for each in zip(indexes, value, strict=True)]
        else:
            value = self._wrap(where, value)
        super().__setitem__(where, value)

    def _tell_all(self, touched: Touched) -> None:
        touched += [(name, _READ) for name in self.names()]

    def _refuse(self, *args: Any, **named: Any) -> Any:
        msg = "the length of this list is fixed"
        raise TypeError(msg)


class WatchedQueue(list[Any]):
    """A list that is one thing as a whole, *name*; *write* is what a change counts as."""

    __slots__ = ("_name", "_wrap", "_write")

    def __init__(
        self, values: Iterable[Any], name: str, wrap: Wrap, write: Access = _WRITE
    ) -> None:
        super().__init__(wrap(None, value) for value in values)
        self._name = name
        self._wrap = wrap
        self._write = write

    def names(self) -> list[str]:
        """The name of the whole."""
        return [self._name]

    def state_parts(self) -> tuple[object, ...]:
        """The elements."""
        return tuple(list.copy(self))

    def append(self, value: Any) -> None:
        """As `list.append`."""
        if (touched := listening()) is not None:
            self._tell_change(touched)
        super().append(self._wrap(None, value))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """As `list.insert`."""
        if (touched := listening()) is not None:
            self._tell_change(touched)
        super().insert(index, self._wrap(None, value))

    def extend(self, values: Iterable[Any]) -> None:
        """As `list.extend`."""
        if (touched := listening()) is not None:
            self._tell_change(touched)
        super().extend(self._wrap(None, value) for value in values)

    def __iadd__(self, values: Iterable[Any]) -> Self:  # type: ignore[misc]  # as list has it
        if (touched := listening()) is not None:
            self._tell_change(touched)
        super().extend(self._wrap(None, value) for value in values)
        return self

    def __setitem__(self, where: Any, value: Any) -> None:
        if (touched := listening()) is not None:
            self._tell_change(touched)
        several = isinstance(where, slice)
        value = (
            [self._wrap(None, each) for each in value] if several else self._wrap(None, value)
        )
        super().__setitem__(where, value)

    def _tell_look(self, touched: Touched) -> None:
        touched.append((self._name, _READ))

    def _tell_change(self, touched: Touched) -> None:
        touched.append((self._name, self._write))

    def _refuse(self, *args: Any, **named: Any) -> Any:
        msg = f"nothing watches this of {self._name}"
        raise TypeError(msg)


class WatchedMap(dict[Any, Any]):
    """A dict; *key_name* gives the name of a key's value, *name* is that of the map.

    *shape* is what it counts as that a key comes or goes: `Access.ADD` where nobody cares in
    which order they came. *twin* is what goes on watching the changes of a key for itself: it
    is a dict that gets each of them as well.
    """

    __slots__ = ("_key_name", "_name", "_shape", "_twin", "_wrap")

    def __init__(
        self,
        values: dict[Any, Any],
        name: str,
        key_name: Callable[[Any], str],
        wrap: Wrap,
        shape: Access = _WRITE,
        twin: dict[Any, Any] | None = None,
    ) -> None:
        super().__init__((key, wrap(key, value)) for key, value in values.items())
        self._twin = twin
        self._name = name
        self._key_name = key_name
        self._wrap = wrap
        self._shape = shape

    def names(self) -> list[str]:
        """The names of the map, and of all values."""
        return [self._name, *[self._key_name(key) for key in dict.__iter__(self)]]

    def state_parts(self) -> tuple[object, ...]:
        """The twin, the keys and the values."""
        return (self._twin, *dict.keys(self), *dict.values(self))

    def _tell_key(self, touched: Touched, key: Any) -> None:
        touched.append((self._key_name(key), _READ))

    def _tell_write(self, touched: Touched, key: Any, *, stays: bool) -> None:
        touched.append((self._key_name(key), _WRITE))
        if super().__contains__(key) is not stays:
            touched.append((self._name, self._shape))

    def _tell_size(self, touched: Touched) -> None:
        touched.append((self._name, _READ))

    def _tell_all(self, touched: Touched) -> None:
        touched += [(name, _READ) for name in self.names()]

    def __getitem__(self, key: Any) -> Any:
        if (touched := listening()) is not None:
            self._tell_key(touched, key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """As `dict.get`."""
        if (touched := listening()) is not None:
            self._tell_key(touched, key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        if (touched := listening()) is not None:
            self._tell_key(touched, key)
        return super().__contains__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if (touched := listening()) is not None:
            self._tell_write(touched, key, stays=True)
        super().__setitem__(key, self._wrap(key, value))
        if self._twin is not None:
            self._twin[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As `dict.setdefault`."""
        there = super().__contains__(key)
        if (touched := listening()) is not None:
            self._tell_key(touched, key)
            if not there:
                self._tell_write(touched, key, stays=True)
        return super().setdefault(key, None if there else self._wrap(key, default))

    def __delitem__(self, key: Any) -> None:
        if (touched := listening()) is not None:
            self._tell_write(touched, key, stays=False)
        super().__delitem__(key)
        if self._twin is not None:
            del self._twin[key]

    def pop(self, key: Any, *default: Any) -> Any:
        """As `dict.pop`."""
        if (touched := listening()) is not None:
            if super().__contains__(key):
                self._tell_write(touched, key, stays=False)
            else:
                self._tell_key(touched, key)
        if self._twin is not None:
            self._twin.pop(key, None)
        return super().pop(key, *default)

    def clear(self) -> None:
        """As `dict.clear`."""
        if (touched := listening()) is not None:
            for key in dict.__iter__(self):
                self._tell_write(touched, key, stays=False)
        super().clear()

    def update(self, *args: Any, **named: Any) -> None:
        """As `dict.update`."""
        touched = listening()
        for key, value in dict(*args, **named).items():
            if touched is not None:
                self._tell_write(touched, key, stays=True)
            super().__setitem__(key, self._wrap(key, value))

    def _refuse(self, *args: Any, **named: Any) -> Any:
        msg = f"nothing watches this of {self._name}"
        raise TypeError(msg)


class WatchedTally(Counter[Any]):
    """Counters that nobody in the model reads: each change adds, and commutes with others."""

    def __init__(self, values: Counter[Any], key_name: Callable[[Any], str]) -> None:
        super().__init__()
        dict.update(self, values)
        self._key_name = key_name

    def state_parts(self) -> tuple[object, ...]:
        """The keys and the values."""
        return (*dict.keys(self), *dict.values(self))

    def __setitem__(self, key: Any, value: int) -> None:
        if (touched := listening()) is not None:
            touched.append((self._key_name(key), _ADD))
        super().__setitem__(key, value)

    def _refuse(self, *args: Any, **named: Any) -> Any:
        msg = "counters of this kind are only added to"
        raise TypeError(msg)


_COMPARE: Final = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
_LIST_LOOKS: Final = (
    *_COMPARE, "__iter__", "__contains__", "__reversed__", "__add__", "__mul__", "__rmul__",
    "index", "count", "copy",
)  # fmt: skip
_LIST_CHANGES: Final = ("__delitem__", "pop", "remove", "clear", "sort", "reverse")
_LIST_GROWS: Final = ("append", "insert", "extend", "__iadd__", "__imul__")
_MAP_LOOKS: Final = (
    *_COMPARE, "__iter__", "__reversed__", "__or__", "__ror__", "keys", "values", "items",
    "copy",
)  # fmt: skip
_TALLY_REFUSED: Final = (
    "__delitem__", "__iadd__", "__isub__", "__ior__", "__iand__", "subtract", "clear", "pop",
    "popitem", "setdefault",
)  # fmt: skip


def _define(cls: type, methods: Iterable[str], tell: Callable[[Any, Touched], object]) -> None:
    for method in methods:
        setattr(cls, method, _telling(cls.__mro__[1], method, tell))


def _refuse(cls: Any, methods: Iterable[str]) -> None:
    for method in methods:
        setattr(cls, method, cls._refuse)


_define(WatchedArray, _LIST_LOOKS, WatchedArray._tell_all)
_refuse(WatchedArray, (*_LIST_CHANGES, *_LIST_GROWS))
_define(WatchedQueue, (*_LIST_LOOKS, "__getitem__", "__len__"), WatchedQueue._tell_look)
_define(WatchedQueue, _LIST_CHANGES, WatchedQueue._tell_change)
_refuse(WatchedQueue, ("__imul__",))
_define(WatchedMap, _MAP_LOOKS, WatchedMap._tell_all)
_define(WatchedMap, ("__len__",), WatchedMap._tell_size)
_refuse(WatchedMap, ("popitem", "__ior__"))
_refuse(WatchedTally, _TALLY_REFUSED)
