# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files of vectors: JSON Lines, one vector a line, plain or gzip."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Final, NoReturn

from swaptrio.conform.values import Malformed
from swaptrio.conform.vectors import Vector, vector_of
from swaptrio.errors import Problem, VectorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

#: Bytes of a line at most. Recorded vectors have some thousand.
LONGEST_LINE: Final = 1 << 20


def read(path: Path) -> Iterator[Vector]:
    """The vectors of a file, one by one; blank lines are passed over.

    Raises:
        VectorError: the file cannot be read or has no vector in it, or a line is none; names
            the line.
    """
    number = vectors = 0
    try:
        with _open(path) as file:
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if line.strip():
                    vectors += 1
                    yield _parse(path, number, line)
    except (OSError, EOFError, zlib.error) as exc:
        where = f"line {number + 1}" if number else ""
        reason = getattr(exc, "strerror", None) or str(exc)
        raise _error(path, where, f"the file cannot be read: {reason}") from exc
    if not vectors:
        raise _error(path, "", "there is no vector in the file")


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _error(path: Path, where: str, message: str) -> VectorError:
    return VectorError([Problem(str(path), where, "", message)])


def _parse(path: Path, number: int, line: bytes) -> Vector:
    where = f"line {number}"
    if len(line) > LONGEST_LINE:
        raise _error(path, where, f"longer than {LONGEST_LINE:_} bytes")
    try:
        record = json.loads(line.decode().rstrip(), parse_constant=_refuse)
        return vector_of(record, f"{path.name}:{number}")
    except Malformed as exc:
        problem = exc.problem
        inside = f"{where}, {problem.place}" if problem.place else where
        found = Problem(str(path), inside, problem.value, problem.message, problem.hint)
        raise VectorError([found]) from exc
    except (ValueError, RecursionError) as exc:
        raise _error(path, where, f"not JSON: {_reason(exc)}") from exc


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _reason(exc: ValueError | RecursionError) -> str:
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg}, column {exc.colno}"
    if isinstance(exc, UnicodeDecodeError):
        return f"no UTF-8 text, byte {exc.start + 1}"
    if isinstance(exc, RecursionError):
        return "nested too deep"
    return str(exc)
