# SPDX-License-Identifier: MIT OR Apache-2.0
"""Strict access to the values of a record that was read from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import attrs

from swaptrio.errors import place, shown
from swaptrio.words import nearest


class Malformed(Exception):
    """A value is wrong: where, what stands there, what it must be, what was probably meant.

    The reader of a file makes a `TraceError` of it.
    """

    def __init__(self, place: str, value: object, message: str, hint: str = "") -> None:
        super().__init__(place, value, message, hint)
        self.place = place
        self.value = shown(value)
        self.message = message
        self.hint = hint


@attrs.frozen
class Fields:
    """A record known to have the keys that it should; *path* is where it stands."""

    record: Mapping[str, Any]
    path: tuple[str | int, ...] = ()

    @classmethod
    def of(
        cls,
        value: object,
        keys: Sequence[str],
        path: tuple[str | int, ...] = (),
        *,
        more: bool = False,
    ) -> Fields:
        """*value* as a record with exactly *keys*, or with *more* than these.

        Raises:
            Malformed: it is no record, or a key is missing or unknown.
        """
        if not isinstance(value, dict):
            raise Malformed(place(*path), value, "must be a JSON object")
        fields = cls(value, path)
        for key in keys:
            if key not in value:
                raise Malformed(fields.place(key), None, "the key is missing")
        for key in () if more else value:
            if key not in keys:
                hint = nearest(key, keys) or ""
                raise Malformed(fields.place(key), value[key], "unknown key", hint)
        return fields

    def place(self, *keys: str | int) -> str:
        """Where the value that *keys* lead to stands."""
        return place(*self.path, *keys)

    def text(self, key: str) -> str:
        """A text."""
        value = self.record[key]
        return value if isinstance(value, str) else self._bad(key, "must be a text")

    def text_or_none(self, key: str) -> str | None:
        """A text, or null."""
        return None if self.record[key] is None else self.text(key)

    def number(self, key: str) -> int:
        """A whole number that is not negative."""
        value = self.record[key]
        if type(value) is int and value >= 0:
            return value
        return self._bad(key, "must be a whole number, 0 or more")

    def integer_or_none(self, key: str) -> int | None:
        """A whole number of any sign, or null."""
        value = self.record[key]
        if value is None or type(value) is int:
            return value
        return self._bad(key, "must be a whole number or null")

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.record[key]
        return value if isinstance(value, bool) else self._bad(key, "must be true or false")

    def one_of(self, key: str, words: Sequence[str]) -> str:
        """One of *words*."""
        value = self.text(key)
        if value in words:
            return value
        hint = nearest(value, words) or ""
        raise Malformed(self.place(key), value, "unknown word", hint)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.record[key]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        return self._bad(key, "must be a list of texts")

    def mapping(self, key: str) -> Mapping[str, Any]:
        """An object with any keys."""
        value = self.record[key]
        return value if isinstance(value, dict) else self._bad(key, "must be a JSON object")

    def part(self, key: str, keys: Sequence[str]) -> Fields:
        """A record inside this one, with exactly *keys*."""
        return Fields.of(self.record[key], keys, (*self.path, key))

    def parts(self, key: str, shape: type[attrs.AttrsInstance]) -> list[Fields]:
        """A list of records whose keys are the attributes of *shape*."""
        keys = [field.name for field in attrs.fields(shape)]
        value = self.record[key]
        if not isinstance(value, list):
            self._bad(key, "must be a list")
        return [
            Fields.of(item, keys, (*self.path, key, number))
            for number, item in enumerate(value)
        ]

    def _bad(self, key: str, message: str) -> NoReturn:
        raise Malformed(self.place(key), self.record[key], message)
