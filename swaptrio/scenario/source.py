# SPDX-License-Identifier: MIT OR Apache-2.0
"""From a path to the tables of a TOML file, whatever lies there.

A file may come from anywhere, so nothing is read before its kind and size are known, and what
would keep tomllib busy for hours is turned away first: it needs time and memory that grow with
the square of the parts of a dotted key (80,000 parts, 160 kB of file, take 25 GB).
"""

from __future__ import annotations

import re
import stat
import tomllib
from typing import TYPE_CHECKING, Any, Final

from swaptrio.errors import Problem, ScenarioError
from swaptrio.words import nearest

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes of a scenario file at most.
LARGEST_FILE: Final = 1024 * 1024

#: Parts of a dotted key at most; the deepest table of the format has six.
MOST_PARTS: Final = 20

# Neither a word nor a quoted part is begun in its middle, which keeps the search linear.
_BARE: Final = r"(?<![\w-])[\w-]+"
_BASIC: Final = r'(?<!\\)"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_LITERAL: Final = r"'[^'\n]*'"
_LONG_KEY: Final = re.compile(
    rf"(?:(?:{_BARE}|{_BASIC}|{_LITERAL})[ \t]*\.[ \t]*){{{MOST_PARTS}}}", re.ASCII
)
_LONG_NUMBER: Final = re.compile(r"[0-9][0-9_]{4299,}")
_POSITION: Final = re.compile(r" \(at (?:(line \d+, column \d+)|(end of document))\)$")


def read_bytes(path: Path) -> bytes:
    """The content of the file at *path*, of 1 MiB at most.

    Raises:
        ScenarioError: it is missing, is no file, is too large, or cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(path, "is not a file")
        if status.st_size > LARGEST_FILE:
            raise _too_large(path, status.st_size)
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file", _nearest_file(path)) from None
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise _refusal(path, "is not the name of a file") from None
    if len(content) > LARGEST_FILE:
        raise _too_large(path, len(content))
    return content


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of the TOML file at *path*.

    Raises:
        ScenarioError: as `read_bytes`, or the file is empty, no text, or not TOML.
    """
    text = _text(path, read_bytes(path))
    long_key = _LONG_KEY.search(text)
    if long_key:
        where = _line(text, long_key.start())
        raise _refusal(path, f"a key has more than {MOST_PARTS} parts", where=where)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, str(error)) from None
    except RecursionError:
        raise _refusal(path, "is nested too deeply") from None
    except ValueError:
        # Python refuses to convert decimal numbers of more than 4,300 digits.
        long_number = _LONG_NUMBER.search(text)
        where = _line(text, long_number.start()) if long_number else ""
        raise _refusal(path, "holds a number that is too long", where=where) from None


def _text(path: Path, content: bytes) -> str:
    if not content.strip():
        raise _refusal(path, "is empty")
    if content.startswith(b"\xef\xbb\xbf"):
        raise _refusal(path, "starts with a byte order mark; save it as UTF-8 without one")
    if b"\0" in content:
        raise _refusal(path, "is binary: it holds NUL bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(path, "is not UTF-8 text", where=f"line {line}") from None


def _syntax_error(path: Path, message: str) -> ScenarioError:
    position = _POSITION.search(message)
    if not position:
        return _refusal(path, f"is not TOML: {message}")
    where = position[1] or position[2]
    return _refusal(path, f"is not TOML: {message[: position.start()]}", where=where)


def _line(text: str, index: int) -> str:
    return f"line {text.count(chr(10), 0, index) + 1}"


def _too_large(path: Path, size: int) -> ScenarioError:
    return _refusal(path, f"is too large: {size:_} bytes; at most {LARGEST_FILE:_} are allowed")


def _nearest_file(path: Path) -> str:
    try:
        siblings = sorted(sibling.name for sibling in path.parent.glob("*.toml"))
    except OSError:
        return ""
    return nearest(path.name, siblings) or ""


def _refusal(path: Path, message: str, hint: str = "", where: str = "") -> ScenarioError:
    return ScenarioError((Problem(str(path), where, "", message, hint),))
