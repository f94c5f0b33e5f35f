# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is said of a strategy that was told to look at what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


def fits_nothing(word: str, executions: int, where: str, known: Iterable[str]) -> str:
    """That *word* has fitted nothing in *executions* of *where*, and what may be meant."""
    hint = did_you_mean(word, tuple(dict.fromkeys(known)))
    return f"{word!r} fits nothing in any of {executions} executions of {where}{hint}"
