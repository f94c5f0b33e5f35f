# SPDX-License-Identifier: MIT OR Apache-2.0
"""One slot as a vector writes it: a token of a few characters."""

from __future__ import annotations

import re
from typing import Final

import attrs

#: The folio that the recorded call made; every other name is that of a foreign one.
NEW: Final = "new"

#: The largest count that a word can say.
LARGEST_COUNT: Final = 15

#: A word has 59 bits below its flags, and a shadow gives up one to its mark.
LARGEST_SHADOW: Final = 2**58 - 1

_SHADOWED: Final = re.compile(r"s(\d{1,2}):(\d{1,20})(z?)", re.ASCII)
_CACHED: Final = re.compile(r"f(\d{1,2}):(\w{1,60}?)(z?)", re.ASCII)


@attrs.frozen
class Slot:
    """One slot token.

    Args:
        kind: ``-`` free, ``s`` not cached, ``f`` cached, ``b`` bad.
        count: 0 to 15, of a slot that is in use.
        shadow: the value of the shadow, 0 for the empty one, of a slot that is not cached.
        folio: the name of the folio, of a slot that is cached.
        zero: whether it is flagged as filled with zeros.
    """

    kind: str
    count: int = 0
    shadow: int = 0
    folio: str = ""
    zero: bool = False

    @classmethod
    def parse(cls, token: str) -> Slot:
        """Read a token; the inverse of ``str``.

        A bad slot has no zero flag of its own, all its bits are ones: ``bz`` is read as ``b``.

        Raises:
            ValueError: it is none.
        """
        if token == "-":  # the token of a free slot
            return cls("-")
        if token in ("b", "bz"):
            return cls("b")
        if match := _SHADOWED.fullmatch(token):
            count, shadow, zero = match.groups()
            return cls("s", _at_most(LARGEST_COUNT, count), _shadow(shadow), zero=bool(zero))
        if match := _CACHED.fullmatch(token):
            count, folio, zero = match.groups()
            return cls("f", _at_most(LARGEST_COUNT, count), folio=folio, zero=bool(zero))
        raise ValueError("expected a slot token: '-', 'sCOUNT:SHADOW', 'fCOUNT:NAME' or 'b'")

    def __str__(self) -> str:
        zero = "z" if self.zero else ""
        if self.kind == "s":
            return f"s{self.count}:{self.shadow}{zero}"
        if self.kind == "f":
            return f"f{self.count}:{self.folio}{zero}"
        return self.kind


def _shadow(text: str) -> int:
    return _at_most(LARGEST_SHADOW, text)


def _at_most(largest: int, text: str) -> int:
    if int(text) > largest:
        raise ValueError(f"{text} is more than a word can hold, {largest}")
    return int(text)
