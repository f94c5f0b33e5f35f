# SPDX-License-Identifier: MIT OR Apache-2.0
"""Changes in words, as short as they can be said.

Nothing is known here of what a key means; only its shape counts. ``folio 0x1000.refs`` is the
field ``refs`` of the object ``folio 0x1000``, and a key without a point stands for itself. From
the shape alone follow four savings:

  * a field called ``flags`` is a set of words: ``folio 0x1000 +lru -locked``;
  * an object that was not there and gets two or more fields at once, a text among them, is new:
    ``new folio 0x1000 (refs 1, data 4 x ?)``;
  * an object that loses two or more fields at once, and keeps none, is freed;
  * a key that is absent was, or becomes, ``0`` if it counts and ``-`` if it is a text.

Numbers alone make no object, for counters that are 0 may be absent: a group that is charged for
the first time is not new. Nor do the fields of a key that has a value itself, as slots have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from swaptrio.trace.events import Change, Value

#: The field whose value is a set of words.
FLAGS: Final = "flags"

#: Initial values that say nothing about a new object.
_DULL: Final = (0, "", "none")

#: The longest initial value that is told.
_SHORT: Final = 16


def split_key(key: str) -> tuple[str, str]:
    """The object and the field of *key*; the field is empty where the key is no ``a.b``."""
    thing, _, field = key.rpartition(".")
    return (thing, field) if thing and field else (key, "")


@attrs.define
class Census:
    """How many keys each object has, at one moment of a trace."""

    _count: dict[str, int] = attrs.Factory(dict)

    @classmethod
    def of(cls, keys: Iterable[str]) -> Census:
        """The census of a state with *keys*."""
        census = cls()
        for key in keys:
            census._add(key, 1)
        return census

    def keys_of(self, thing: str) -> int:
        """How many keys the object *thing* has."""
        return self._count.get(thing, 0)

    def follow(self, changes: Mapping[str, Change]) -> None:
        """Count what *changes* brought and took."""
        for key, (old, new) in changes.items():
            self._add(key, (old is None) - (new is None))

    def _add(self, key: str, number: int) -> None:
        thing, _ = split_key(key)
        count = self._count.get(thing, 0) + number
        if count:
            self._count[thing] = count
        else:
            self._count.pop(thing, None)


def changes_words(changes: Mapping[str, Change], census: Census) -> Iterator[str]:
    """The words for *changes*, made to a state with that *census*."""
    groups: dict[str, dict[str, Change]] = {}
    for key, change in changes.items():
        thing, field = split_key(key)
        groups.setdefault(thing, {})[field] = change
    told: dict[str, bool] = {}
    for key, change in changes.items():
        thing, field = split_key(key)
        if thing not in told:
            whole = _whole(thing, groups[thing], census)
            told[thing] = bool(whole)
            if whole:
                yield whole
        if not told[thing]:
            yield _change_words(thing, field, change)


def flag_words(old: Value | None, new: Value | None) -> str:
    """What came to and went from a set of words, ``+lru -locked``; empty if it is no set."""
    before, after = str(old or "").split(), str(new or "").split()
    came = [f"+{word}" for word in after if word not in before]
    gone = [f"-{word}" for word in before if word not in after]
    return " ".join([*came, *gone])


def value_text(value: Value | None, other: Value | None = None) -> str:
    """*value*, in a change from or to *other*; a value of many equal words is counted."""
    if value is None:
        return "0" if isinstance(other, int) and other else "-"
    if value == "":
        return "''"
    words = str(value).split(" ")
    if len(words) > 2 and words.count(words[0]) == len(words):
        return f"{len(words)} x {words[0]}"
    return str(value)


def _whole(thing: str, fields: Mapping[str, Change], census: Census) -> str:
    """That *thing* is new or freed; empty if it is neither."""
    if len(fields) < 2 or "" in fields:
        return ""
    olds = [old for old, _ in fields.values() if old is not None]
    news = [new for _, new in fields.values() if new is not None]
    if not olds and not census.keys_of(thing) and _has_text(news):
        facts = ", ".join(_facts(fields))
        return f"new {thing} ({facts})" if facts else f"new {thing}"
    if not news and census.keys_of(thing) == len(fields) and _has_text(olds):
        return f"{thing} freed"
    return ""


def _has_text(values: Iterable[Value]) -> bool:
    return any(isinstance(value, str) for value in values)


def _facts(fields: Mapping[str, Change]) -> Iterator[str]:
    for field, (_, value) in fields.items():
        text = value_text(value)
        if value not in _DULL and len(text) <= _SHORT:
            yield text if field == FLAGS else f"{field} {text}"


def _change_words(thing: str, field: str, change: Change) -> str:
    old, new = change
    if field == FLAGS and not isinstance(old, int) and not isinstance(new, int):
        words = flag_words(old, new)
        if words:
            return f"{thing} {words}"
    key = f"{thing}.{field}" if field else thing
    return f"{key} {value_text(old, new)} -> {value_text(new, old)}"
