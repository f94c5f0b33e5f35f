# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where scenario files are: in an installed package, or in the checkout."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from swaptrio.errors import Problem, ScenarioError, shown
from swaptrio.scenario.source import read_bytes
from swaptrio.words import nearest

#: Hexadecimal digits of a digest.
DIGITS: Final = 12

SUFFIX: Final = ".toml"

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """The folder of the scenarios that came with swaptrio.

    A wheel carries them as package data; an editable install has them beside the package.
    """
    packaged = _PACKAGE / "_scenarios"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "scenarios"


def names() -> list[str]:
    """The names of the scenarios that came with swaptrio, sorted."""
    return sorted(path.stem for path in folder().glob(f"*{SUFFIX}") if _is_scenario(path))


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a scenario: *name_or_path* is one of `names`, or a path that ends in .toml.

    A path is given back as it is, whether or not there is such a file.

    Raises:
        ScenarioError: no scenario has this name; it suggests the nearest one.
    """
    wanted = os.fspath(name_or_path)
    if wanted.endswith(SUFFIX):
        return Path(wanted)
    known = names()
    if wanted in known:
        return folder() / f"{wanted}{SUFFIX}"
    message = "there is no scenario of this name; a path must end in .toml"
    hint = nearest(wanted, known) or ""
    raise ScenarioError((Problem("", "", shown(wanted), message, hint),))


def digest(path: str | os.PathLike[str]) -> str:
    """A short name for the exact content of the file at *path*: 12 hexadecimal digits.

    Raises:
        ScenarioError: it cannot be read, or is larger than 1 MiB.
    """
    return hashlib.sha256(read_bytes(Path(path))).hexdigest()[:DIGITS]


def _is_scenario(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_file()
