# SPDX-License-Identifier: MIT OR Apache-2.0
"""Values from a JSON document that know their place, and say what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.errors import Problem, place, shown
from swaptrio.words import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALLED: Final = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list",
    dict: "a table",
    type(None): "null",
}


class Malformed(Exception):
    """A document does not hold what it should; *problem* says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@attrs.frozen
class Value:
    """One value, and the keys and indices that lead to it.

    All methods raise `Malformed` where the value is not what they are asked for.
    """

    value: Any
    path: tuple[str | int, ...] = ()

    def wrong(self, message: str, hint: str = "") -> Malformed:
        """What to raise about this value."""
        return Malformed(Problem("", place(*self.path), shown(self.value), message, hint))

    def a(self, *kinds: type) -> Any:
        """The value itself, which is of one of *kinds* exactly: true is no number."""
        if type(self.value) not in kinds:
            raise self.wrong(f"expected {' or '.join(_CALLED[kind] for kind in kinds)}")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        return bool(self.a(bool))

    def text(self) -> str:
        """A text."""
        return str(self.a(str))

    def number(self, least: int, most: int) -> int:
        """A whole number from *least* to *most*."""
        number: int = self.a(int)
        if not least <= number <= most:
            raise self.wrong(f"expected {least} to {most}")
        return number

    def one_of(self, words: Sequence[str]) -> str:
        """One of *words*."""
        word = self.text()
        if word not in words:
            known = ", ".join(repr(known) for known in words)
            raise self.wrong(f"expected one of {known}", nearest(word, words) or "")
        return word

    def items(self) -> list[Value]:
        """The items of a list."""
        return [Value(item, (*self.path, index)) for index, item in enumerate(self.a(list))]

    def items_named(self, *names: str) -> list[Value]:
        """The items of a list that has one for each of *names*."""
        items = self.items()
        if len(items) != len(names):
            raise self.wrong(f"expected {len(names)} items: {', '.join(names)}")
        return items

    def table(self) -> dict[str, Any]:
        """A table."""
        table: dict[str, Any] = self.a(dict)
        return table

    def entries(self) -> list[tuple[Value, Value]]:
        """The keys of a table with their values."""
        return [(Value(key, self.path), self[key]) for key in self.table()]

    def only(self, needed: Sequence[str], allowed: Sequence[str]) -> None:
        """See to it that a table has all keys that are *needed*, and no unknown ones."""
        for key in needed:
            self[key]
        known = (*needed, *allowed)
        for key in self.table():
            if key not in known:
                unknown = Value(key, self.path)
                raise unknown.wrong("there is no such key", nearest(key, known) or "")

    def __getitem__(self, key: str) -> Value:
        """What a table has for *key*."""
        if key not in self.table():
            raise Value(None, (*self.path, key)).wrong("missing")
        return Value(self.value[key], (*self.path, key))

    def get(self, key: str, default: object) -> Value:
        """What a table has for *key*, or *default*."""
        return self[key] if key in self.table() else Value(default, (*self.path, key))
