# SPDX-License-Identifier: MIT OR Apache-2.0
"""What swaptrio tells a person who gave it something that it cannot use.

Exception
  SwaptrioError             whatever swaptrio reports without a traceback
    BadInput                an input with one or more problems, all of them listed
      ScenarioError         a scenario file, or a scenario built in Python
      TraceError            a recorded trace
      VariantError          a variant, or the file of one's own that holds it
      VectorError           a file of test vectors
      ScheduleError         a schedule in its text form
      StoreError            the store of a campaign

What goes wrong inside of an execution is another tree: see `swaptrio.sched.errors`.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters of a value or of a name that a message shows at most.
LONGEST_SHOWN: Final = 60

#: Problems that one `BadInput` lists at most.
MOST_LISTED: Final = 100

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_AND_MORE: Final = f"more problems follow; these are the first {MOST_LISTED}"


@attrs.frozen
class Problem:
    """One thing that is wrong with an input.

    Args:
        file: the path as its user named it; empty where there is no file.
        place: where in it, such as ``window[0].steps[1].until`` (see `place`) or ``line 12``;
            empty for the whole.
        value: the offending value as `shown` gives it; empty for none.
        message: what is wrong or what was expected, without a full stop.
        hint: the word that was probably meant; empty where there is none.
    """

    file: str
    place: str
    value: str
    message: str
    hint: str = ""

    def under(self, *parts: str | int) -> Problem:
        """The same problem, with its place read from an outer value: *parts* lead inside."""
        return attrs.evolve(self, place=_join(place(*parts), self.place))

    def of(self, file: str) -> Problem:
        """The same problem, in *file*."""
        return attrs.evolve(self, file=file)

    def __str__(self) -> str:
        got = f" (got {self.value})" if self.value else ""
        hint = f"; did you mean '{_cut(self.hint)}'?" if self.hint else ""
        parts = (self.file, self.place, f"{self.message}{got}{hint}")
        return harmless(": ".join(part for part in parts if part))


class SwaptrioError(Exception):
    """Something to tell the user in plain words; the message is all that he needs."""


class BadInput(SwaptrioError):
    """An input cannot be used. *problems* says why, with at most `MOST_LISTED` entries.

    Where there are more, a last entry says so; an iterator is not drawn any further.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = listed(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ScenarioError(BadInput):
    """A scenario does not say what a scenario must say, or its file cannot be read."""


class TraceError(BadInput):
    """A trace cannot be read, or is not a trace."""


class VariantError(BadInput):
    """There is no such variant, or a file does not hold one."""


class VectorError(BadInput):
    """A file of test vectors cannot be read."""


class ScheduleError(BadInput):
    """A text is not a schedule."""


class StoreError(BadInput):
    """The store of a campaign cannot be used: it is none, is damaged, or is in use."""


def listed(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """As many of *problems* as one `BadInput` lists, and whether there are more."""
    found = tuple(islice(problems, MOST_LISTED + 1))
    if len(found) <= MOST_LISTED:
        return found
    return (*found[:-1], Problem(found[0].file, "", "", _AND_MORE))


def shown(value: object) -> str:
    """*value*, from a TOML or JSON file, as a message shows it: short, on one line.

    A text is quoted and cut; tables, lists and huge numbers are only named, as they may be of
    any size and depth. None gives the empty text.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str):
        return repr(_cut(value))
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return _cut(str(value))


def harmless(text: str) -> str:
    """*text* with everything escaped that a terminal might obey: it stays on one line."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def place(*parts: str | int) -> str:
    """The place that *parts* lead to: keys, and indices counted from 0.

    >>> place("window", 0, "choices", "alloc.grant", 1)
    'window[0].choices."alloc.grant"[1]'
    """
    found = ""
    for part in parts:
        found = _join(found, f"[{part}]" if isinstance(part, int) else _key(part))
    return found


def _join(outer: str, inner: str) -> str:
    dot = "." if outer and inner and not inner.startswith("[") else ""
    return f"{outer}{dot}{inner}"


def _key(key: str) -> str:
    if _BARE_KEY.fullmatch(key):
        return _cut(key)
    return f'"{_cut(key)}"'


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
