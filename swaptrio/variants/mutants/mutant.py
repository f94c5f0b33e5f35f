# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a mutant is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs


@attrs.frozen
class Mutant:
    """One mistake.

    *name* and *summary* tell it from others, *functions* is what replaces which function, and
    *base* the version in which it is made.
    """

    name: str
    summary: str
    functions: Mapping[str, Callable[..., Any]]
    base: str = "v3"
