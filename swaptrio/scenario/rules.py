# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rules for the values of a scenario: small, and put together by `follows`.

A rule takes a value of the right type and yields what is wrong with it, as problems whose place
is read from that value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from swaptrio.errors import Problem, ScenarioError, shown
from swaptrio.words import nearest

if TYPE_CHECKING:
    import attrs

Rule: TypeAlias = Callable[[Any], Iterator[Problem]]
Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"

#: Entries of one list or table at most; no scenario needs more, and checks stay quick.
MOST_ENTRIES: Final = 1000

#: Characters of a name at most.
LONGEST_NAME: Final = 80

#: Characters of a text at most.
LONGEST_TEXT: Final = 20_000


def follows(*rules: Rule) -> Validator:
    """An attrs validator: the value must keep all *rules*, or a ScenarioError lists why not."""

    def validate(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        found = (problem for rule in rules for problem in rule(value))
        refuse(problem.under(attribute.name) for problem in found)

    return validate


def refuse(problems: Iterable[Problem]) -> None:
    """Raise a ScenarioError if there are any *problems*."""
    error = ScenarioError(problems)
    if error.problems:
        raise error


def wrong(value: object, message: str, hint: str | None = None) -> Problem:
    """A problem of *value* itself; None shows no value."""
    return Problem("", "", shown(value), message, hint or "")


def between(low: int, high: int) -> Rule:
    """A number from *low* to *high*, both included."""

    def rule(value: int) -> Iterator[Problem]:
        if not low <= value <= high:
            yield wrong(value, f"must be from {low:_} to {high:_}")

    return rule


def one_of(words: tuple[str, ...]) -> Rule:
    """One of *words*."""

    def rule(value: str) -> Iterator[Problem]:
        if value not in words:
            yield wrong(value, f"must be one of {', '.join(words)}", nearest(value, words))

    return rule


def like(pattern: str, what: str) -> Rule:
    """A text that *pattern* matches from end to end; *what* says so in words."""
    compiled = re.compile(pattern)

    def rule(value: str) -> Iterator[Problem]:
        if len(value) > LONGEST_NAME or not compiled.fullmatch(value):
            yield wrong(value, f"must be {what}")

    return rule


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


def each(*rules: Rule) -> Rule:
    """A list, each element of which keeps all *rules*."""

    def rule(values: tuple[Any, ...]) -> Iterator[Problem]:
        for index, value in enumerate(values):
            for one in rules:
                for problem in one(value):
                    yield problem.under(index)

    return rule


def entries(key: Rule, *values: Rule) -> Rule:
    """A table whose keys keep the rule *key* and whose values all of *values*."""

    def rule(table: dict[str, Any]) -> Iterator[Problem]:
        for name, entry in table.items():
            for problem in chain(key(name), *(one(entry) for one in values)):
                yield problem.under(name)

    return rule


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


def perhaps(*rules: Rule) -> Rule:
    """None or the empty text, which mean that nothing is said; or what keeps all *rules*."""

    def rule(value: Any) -> Iterator[Problem]:
        if value is not None and value != "":
            for one in rules:
                yield from one(value)

    return rule


def _not_too_long(value: str) -> Iterator[Problem]:
    if len(value) > LONGEST_TEXT:
        yield wrong(None, f"must not be longer than {LONGEST_TEXT:_} characters")


FEW: Final = at_most(MOST_ENTRIES)
NAME: Final = like("[A-Za-z][A-Za-z0-9_-]*", "a name: a letter, then letters, digits, _ or -")
LOWER_NAME: Final = like(
    "[a-z][a-z0-9-]*", "a name: a lower-case letter, then such letters, digits or -"
)
WORD: Final = like("[!-~]+", "a word without blanks")
