# SPDX-License-Identifier: MIT OR Apache-2.0
"""Conformance vectors: one recorded call of swap_cache_alloc_folio each, as JSON lines.

A vector says what the table looked like, how the allocations and charges went and what other
threads did meanwhile, and what the call did. Files are plain or gzip.
"""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import cattrs

from swaptrio.errors import Problem, VectorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Slots of the window in a vector.
WINDOW: Final = 16

#: The fields of ``out``, in the order of the format.
FIELDS: Final = (
    "ret", "win", "rest", "table", "alloc", "charge", "fallback", "fallback_charge", "refault",
    "memcg1", "locks", "folio", "lru", "freed", "slots_freed", "nr_file", "nr_swapcache",
    "warn", "trace",
)  # fmt: skip

_TOKEN: Final = re.compile(r"-|bz?|(s)(\d+):(\d+)(z?)|(f)(\d+):(\w+?)(z?)", re.ASCII)
_OPS: Final = {"free": 1, "put": 1, "dup": 1, "shadow": 2, "cache": 3}


@attrs.frozen
class Slot:
    """One slot token. *kind* is ``-`` free, ``s`` not cached, ``f`` cached, ``b`` bad."""

    kind: str
    count: int = 0
    shadow: int = 0
    folio: str = ""
    zero: bool = False

    @classmethod
    def parse(cls, token: str) -> Slot:
        """Read a token; the inverse of ``str``.

        Raises:
            ValueError: it is none.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            msg = f"{token!r} is no slot token"
            raise ValueError(msg)
        shadowed, scount, shadow, szero, cached, fcount, folio, fzero = match.groups()
        if shadowed:
            return cls("s", _count(scount), int(shadow), zero=bool(szero))
        if cached:
            return cls("f", _count(fcount), folio=folio, zero=bool(fzero))
        return cls(token[0], zero=token.endswith("z"))

    def __str__(self) -> str:
        zero = "z" if self.zero else ""
        if self.kind == "s":
            return f"s{self.count}:{self.shadow}{zero}"
        if self.kind == "f":
            return f"f{self.count}:{self.folio}{zero}"
        return self.kind + zero


def _count(text: str) -> int:
    if int(text) > 15:
        msg = f"a count is 0 to 15: {text}"
        raise ValueError(msg)
    return int(text)


Op = tuple[str, list[Any]]


@attrs.frozen(kw_only=True)
class VectorIn:
    """What a call was given, and how its surroundings behaved."""

    base: int
    target: int
    orders: int
    vmf: bool
    mpol: bool
    fault_page: int | None
    table: bool
    win: list[str]
    rest: str
    alloc: list[tuple[bool, list[list[Any]]]]
    charge: list[tuple[bool, list[list[Any]]]]
    deferred: list[bool] = attrs.Factory(list)
    memcg: dict[str, int] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Vector:
    """One vector; *source* is the file and line it comes from."""

    id: str
    grp: str
    given: VectorIn
    out: dict[str, Any]
    source: str

    @property
    def undefined(self) -> bool:
        """Whether the recorded code ran into undefined behaviour, so that nothing is known."""
        return "abort" in self.out


_converter = cattrs.Converter(forbid_extra_keys=True)
_converter.register_structure_hook(int, lambda value, _: _strict(value, int))
_converter.register_structure_hook(bool, lambda value, _: _strict(value, bool))
_converter.register_structure_hook(str, lambda value, _: _strict(value, str))


def _strict(value: object, kind: type) -> Any:
    if type(value) is not kind:
        msg = f"{value!r:.60} is no {kind.__name__}"
        raise TypeError(msg)
    return value


def read(path: Path) -> Iterator[Vector]:
    """The vectors of a file, one by one.

    Raises:
        VectorError: the file cannot be read, or a line is no vector; names the line.
    """
    try:
        with _open(path) as lines:
            number = 0
            for number, line in enumerate(lines, 1):
                yield _parse(path, number, line)
    except (OSError, EOFError, gzip.BadGzipFile) as exc:
        raise VectorError((Problem(str(path), "", "", f"cannot be read: {exc}"),)) from exc
    if not number:
        raise VectorError((Problem(str(path), "", "", "there is no vector in it"),))


def _open(path: Path) -> Any:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _parse(path: Path, number: int, line: bytes) -> Vector:
    place = f"line {number}"
    try:
        record = json.loads(line)
        given = _converter.structure(record["in"], VectorIn)
        vector = Vector(
            id=_strict(record["id"], str),
            grp=_strict(record["grp"], str),
            given=given,
            out=_strict(record["out"], dict),
            source=f"{path.name}:{number}",
        )
        _check(vector)
    except (ValueError, KeyError, TypeError, RecursionError, cattrs.BaseValidationError) as exc:
        problem = Problem(str(path), place, "", _reason(exc))
        raise VectorError((problem,)) from exc
    return vector


def _reason(exc: BaseException) -> str:
    if isinstance(exc, json.JSONDecodeError):
        return f"is no JSON: {exc.msg}, column {exc.colno}"
    if isinstance(exc, UnicodeDecodeError):
        return "is no text"
    if isinstance(exc, KeyError):
        return f"lacks {exc.args[0]!r}"
    if isinstance(exc, cattrs.BaseValidationError):
        return "in: " + "; ".join(cattrs.transform_error(exc, path="in"))
    return str(exc)


def _check(vector: Vector) -> None:
    given = vector.given
    if not (0 <= given.base <= 512 - WINDOW and given.base % WINDOW == 0):
        raise ValueError(f"in.base is no aligned offset: {given.base}")
    if not 0 <= given.target < 512:
        raise ValueError(f"in.target is no slot: {given.target}")
    if given.orders < 0:
        raise ValueError(f"in.orders is no bitmap: {given.orders}")
    if len(given.win) != WINDOW:
        raise ValueError(f"in.win has {len(given.win)} slots, not {WINDOW}")
    if given.rest not in ("-", "s"):
        raise ValueError(f"in.rest is '-' or 's': {given.rest!r:.20}")
    if given.vmf and given.fault_page is None:
        raise ValueError("in.fault_page is missing with in.vmf")
    for token in given.win:
        Slot.parse(token)
    for _, ops in (*given.alloc, *given.charge):
        for op in ops:
            _check_op(op)
    if not vector.undefined:
        missing = [field for field in FIELDS if field not in vector.out]
        if missing:
            raise ValueError(f"out lacks {', '.join(missing)}")


def _check_op(op: list[Any]) -> None:
    if not op or op[0] not in _OPS or len(op) != 1 + _OPS[op[0]]:
        raise ValueError(f"{op!r:.60} is no interference")
    if type(op[1]) is not int or not 0 <= op[1] < 512:
        raise ValueError(f"{op!r:.60}: {op[1]!r:.20} is no slot")
