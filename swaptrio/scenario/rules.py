# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rules for the values of a scenario: small, and put together by `follows`.

A rule takes a value of the right type and yields what is wrong with it, as problems whose place
is read from that value. Rules have lower-case names, since they are read as sentences:
``follows(between(1, 9))``. Those that editors can know of say so as JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final, TypeAlias

import attrs

from swaptrio.errors import Problem, ScenarioError, shown
from swaptrio.words import nearest

Rule: TypeAlias = Callable[[Any], Iterator[Problem]]
Schema: TypeAlias = dict[str, Any]

#: Entries of one list or table at most; no scenario needs more, and checks stay quick.
MOST_ENTRIES: Final = 1000

#: Characters of a name at most.
LONGEST_NAME: Final = 80

#: Characters of a text at most.
LONGEST_TEXT: Final = 20_000


@attrs.frozen
class Follows:
    """An attrs validator: the value must keep all *rules*, or a ScenarioError lists why not."""

    rules: tuple[Rule, ...]

    def __call__(self, instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        """Refuse *value* if it breaks a rule."""
        found = (problem for rule in self.rules for problem in rule(value))
        refuse(problem.under(attribute.name) for problem in found)


def follows(*rules: Rule) -> Follows:
    """The validator that asks for all *rules*."""
    return Follows(rules)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise a ScenarioError if there are any *problems*."""
    error = ScenarioError(problems)
    if error.problems:
        raise error


def wrong(value: object, message: str, hint: str | None = None) -> Problem:
    """A problem of *value* itself; None shows no value."""
    return Problem("", "", shown(value), message, hint or "")


@attrs.frozen
class between:
    """A number from *low* to *high*, both included."""

    low: int
    high: int

    def __call__(self, value: int) -> Iterator[Problem]:
        """What is wrong with *value*."""
        if not self.low <= value <= self.high:
            yield wrong(value, f"must be from {self.low:_} to {self.high:_}")

    def schema(self) -> Schema:
        """As JSON Schema says it."""
        return {"minimum": self.low, "maximum": self.high}


@attrs.frozen
class one_of:
    """One of *words*."""

    words: tuple[str, ...]

    def __call__(self, value: str) -> Iterator[Problem]:
        """What is wrong with *value*."""
        if value not in self.words:
            message = f"must be one of {', '.join(self.words)}"
            yield wrong(value, message, nearest(value, self.words))

    def schema(self) -> Schema:
        """As JSON Schema says it."""
        return {"enum": list(self.words)}


@attrs.frozen
class like:
    """A text that *pattern* matches from end to end; *what* says so in words."""

    pattern: str
    what: str

    def __call__(self, value: str) -> Iterator[Problem]:
        """What is wrong with *value*."""
        if len(value) > LONGEST_NAME or not re.fullmatch(self.pattern, value):
            yield wrong(value, f"must be {self.what}")

    def schema(self) -> Schema:
        """As JSON Schema says it."""
        return {"pattern": f"^({self.pattern})$", "maxLength": LONGEST_NAME}


def one_line(value: str) -> Iterator[Problem]:
    """A text that a terminal shows on one line."""
    if not value.isprintable():
        yield wrong(value, "must be one line without control characters")
    yield from _not_too_long(value)


def prose(value: str) -> Iterator[Problem]:
    """A text of any number of lines."""
    if not all(char.isprintable() or char in "\n\t" for char in value):
        yield wrong(value, "must not hold control characters")
    yield from _not_too_long(value)


def some(value: Any) -> Iterator[Problem]:
    """Not empty; blanks alone are nothing."""
    if not value or (isinstance(value, str) and not value.strip()):
        yield wrong(None, "must not be empty")


@attrs.frozen(init=False)
class each:
    """A list, each element of which keeps all *rules*."""

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Rule) -> None:
        self.__attrs_init__(rules)

    def __call__(self, values: tuple[Any, ...]) -> Iterator[Problem]:
        """What is wrong with the *values*."""
        for index, value in enumerate(values):
            for one in self.rules:
                for problem in one(value):
                    yield problem.under(index)

    def schema(self) -> Schema:
        """As JSON Schema says it."""
        return {"items": schema_of(*self.rules)}


@attrs.frozen(init=False)
class entries:
    """A table whose keys keep the rule *key* and whose values all of *values*."""

    key: Rule
    values: tuple[Rule, ...]

    def __init__(self, key: Rule, *values: Rule) -> None:
        self.__attrs_init__(key, values)

    def __call__(self, table: dict[str, Any]) -> Iterator[Problem]:
        """What is wrong with the *table*."""
        for name, entry in table.items():
            for problem in chain(self.key(name), *(one(entry) for one in self.values)):
                yield problem.under(name)

    def schema(self) -> Schema:
        """As JSON Schema says it."""
        return {
            "propertyNames": schema_of(self.key),
            "additionalProperties": schema_of(*self.values),
        }


def once(values: tuple[str, ...]) -> Iterator[Problem]:
    """A list that holds nothing twice."""
    seen = set()
    for index, value in enumerate(values):
        if value in seen:
            yield wrong(value, "is listed twice").under(index)
        seen.add(value)


def at_most(limit: int) -> Rule:
    """A list or table of no more than *limit* entries."""

    def rule(values: Any) -> Iterator[Problem]:
        if len(values) > limit:
            yield wrong(None, f"holds {len(values):_} entries; at most {limit:_} are allowed")

    return rule


@attrs.frozen(init=False)
class perhaps:
    """None or the empty text, which mean that nothing is said; or what keeps all *rules*."""

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Rule) -> None:
        self.__attrs_init__(rules)

    def __call__(self, value: Any) -> Iterator[Problem]:
        """What is wrong with *value*."""
        if value is not None and value != "":
            for one in self.rules:
                yield from one(value)

    def schema(self) -> Schema:
        """As JSON Schema says it: a file that has the key says something."""
        return schema_of(*self.rules)


def schema_of(*rules: Rule) -> Schema:
    """What JSON Schema can say of *rules*, all of which must hold."""
    found: Schema = {}
    for rule in rules:
        said = getattr(rule, "schema", None)
        found.update(said() if said is not None else {})
    return found


def _not_too_long(value: str) -> Iterator[Problem]:
    if len(value) > LONGEST_TEXT:
        yield wrong(None, f"must not be longer than {LONGEST_TEXT:_} characters")


FEW: Final = at_most(MOST_ENTRIES)
NAME: Final = like("[A-Za-z][A-Za-z0-9_-]*", "a name: a letter, then letters, digits, _ or -")
LOWER_NAME: Final = like(
    "[a-z][a-z0-9-]*", "a name: a lower-case letter, then such letters, digits or -"
)
WORD: Final = like("[!-~]+", "a word without blanks")
