# SPDX-License-Identifier: MIT OR Apache-2.0
"""Numbers for the parts of states, which another process can go on with.

A part is a hashable value: tuples of plain values, classes, code and members of enumerations.
Its number is the place at which it was first met, so it means nothing elsewhere. What does is a
digest of how the part is spelled: with classes by their names, and code by its own and by all
that it consists of. Equal parts are spelled alike, whatever the seed of the hashes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from enum import Enum
from functools import cache
from hashlib import blake2b
from types import CodeType
from typing import Final

#: Bytes of a digest: enough that no two parts of any search are taken for one.
_WIDTH: Final = 16


class Parts(dict[Hashable, int]):
    """The number of each part; one that is new gets one. Those *before* have theirs."""

    def __init__(self, before: Iterable[bytes] = ()) -> None:
        super().__init__()
        self._digests = list(before)
        self._before = {digest: number for number, digest in enumerate(self._digests)}
        self._count = len(self._digests)

    def __missing__(self, part: Hashable) -> int:
        number = self._before.get(digest(part)) if self._before else None
        if number is None:
            number, self._count = self._count, self._count + 1
        self[part] = number
        return number

    def digests(self) -> list[bytes]:
        """Those of all parts, in the order of their numbers."""
        fresh = len(self._digests)
        self._digests += [b""] * (self._count - fresh)
        for part, number in self.items():
            if number >= fresh:
                self._digests[number] = digest(part)
        return list(self._digests)


def digest(part: Hashable) -> bytes:
    """What is the same for the same part in every process."""
    return blake2b(_spelled(part).encode(), digest_size=_WIDTH).digest()


def _spelled(value: object) -> str:
    match value:
        case tuple():
            return f"({','.join(map(_spelled, value))})"
        case type():
            return f"<{value.__module__}.{value.__qualname__}>"
        case CodeType():
            return _code(value)
        case str():
            return str.__repr__(value)
        case int():  # True is 1, and so is a number that has a name
            return int.__repr__(value)
        case Enum():
            return f"{_spelled(type(value))}.{value.name}"
        case frozenset():
            return f"{{{','.join(sorted(map(_spelled, value)))}}}"
    return repr(value)


@cache
def _code(code: CodeType) -> str:
    inside = (
        code.co_code,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
    )
    spelled = blake2b(_spelled(inside).encode(), digest_size=_WIDTH).hexdigest()
    return f"<{code.co_qualname}:{code.co_firstlineno}:{spelled}>"
