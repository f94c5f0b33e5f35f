# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a campaign is cut into, and what has to travel with a piece of it.

An `Item` is a name: whoever runs it, wherever and whenever, gets the same `Result`. So a
campaign is a list of items, and what has been lost is simply run again. The `Matter` is what
the digests of an item stand for: it goes along to whoever runs it, so that nobody's files have
to be the same, and a file that is edited while a campaign runs changes nothing in it.

The digest of a variant covers the code that runs it, the scheduler, the model, and the oracles,
for these decide what comes out just as well.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.errors import Problem, VariantError
from swaptrio.scenario.files import DIGITS, find
from swaptrio.scenario.source import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The rooms whose code decides how an execution goes.
DECIDING: Final = ("sched", "mm", "variants", "checks", "scenario")

#: Bytes of the file of a variant at most.
LARGEST_VARIANT: Final = 1024 * 1024

_PACKAGE: Final = Path(__file__).resolve().parents[2]


@attrs.frozen
class Item:
    """The executions of *count* seeds from *first* on.

    *scenario* and *variant* are digests, *strategy* is as `sched.strategies.parse` reads it. A
    strategy that learns does so within an item, and each item begins with a fresh one: that is
    why *count* is part of the name.
    """

    scenario: str
    variant: str
    strategy: str
    first: int
    count: int

    def left(self, done: Mapping[int, int]) -> Item | None:
        """What is left of it where items with these first seeds and counts are *done*.

        The last item of a campaign may be a short one; when the campaign goes further, the rest
        of its chunk is an item of its own.
        """
        start, end = self.first, self.first + self.count
        while start < end and start in done:
            start += done[start]
        return attrs.evolve(self, first=start, count=end - start) if start < end else None


@attrs.frozen
class Matter:
    """A scenario and a variant, by value.

    Args:
        scenario: its name.
        text: the content of its file.
        variant: its name.
        code: the content of the file of a user's own variant; empty for one of ours.
    """

    scenario: str
    text: bytes = attrs.field(repr=False)
    variant: str
    code: bytes = attrs.field(default=b"", repr=False)

    @property
    def scenario_digest(self) -> str:
        """A short name for the scenario's exact content."""
        return _short(self.text)

    @property
    def variant_digest(self) -> str:
        """A short name for the variant and all code that runs it."""
        return _short(b"\0".join((code_digest(), self.variant.encode(), self.code)))


def matter_of(scenario: str, variant: str) -> Matter:
    """What *scenario* and *variant*, names or paths as a user typed them, stand for now.

    Raises:
        ScenarioError: there is no such scenario, or it cannot be read.
        VariantError: the file cannot be read.
    """
    path = find(scenario)
    code = b""
    name = variant
    if variant.endswith(".py"):
        name, code = Path(variant).stem, _code_in(Path(variant))
    return Matter(path.stem, read_bytes(path), name, code)


@lru_cache(maxsize=1)
def code_digest() -> bytes:
    """What tells this version of the scheduler, the model and the oracles from others."""
    found = hashlib.sha256()
    for room in DECIDING:
        for path in sorted((_PACKAGE / room).rglob("*.py")):
            found.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0")
            found.update(path.read_bytes() + b"\0")
    return found.digest()


def _code_in(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_VARIANT:
            message = f"is too large; at most {LARGEST_VARIANT:_} bytes are allowed"
            raise VariantError((Problem(str(path), "", "", message),))
        return path.read_bytes()
    except (OSError, ValueError) as exc:
        message = f"cannot be read: {getattr(exc, 'strerror', None) or exc}"
        raise VariantError((Problem(str(path), "", "", message),)) from None


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
