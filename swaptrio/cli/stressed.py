# SPDX-License-Identifier: MIT OR Apache-2.0
"""How often a plain stress test would have hit a failure, for a person and for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swaptrio.explore import Rate


def record_of(stress: Rate) -> dict[str, Any]:
    """For programs."""
    return {
        "hits": stress.hits,
        "executions": stress.tries,
        "chance": stress.estimate,
        "interval95": list(stress.interval),
    }


def in_words(stress: Rate) -> str:
    """For people."""
    if not stress.tries:
        return "how often a plain stress test would hit it was not sampled"
    return f"a plain stress test would hit it in {stress}"
