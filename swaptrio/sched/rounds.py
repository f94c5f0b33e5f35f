# SPDX-License-Identifier: MIT OR Apache-2.0
"""The cycle in which an execution has gone round, as far as its steps tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def round_at_end(steps: Sequence[T]) -> tuple[T, ...]:
    """The shortest row of *steps* that stands twice, one after the other, at their end.

    Empty if there is none. That steps repeat does not prove that a state does; whoever knows
    by other means that nothing moves on can show what goes round.
    """
    for length in range(1, len(steps) // 2 + 1):
        if steps[-length:] == steps[-2 * length : -length]:
            return tuple(steps[-length:])
    return ()


def last_round(steps: Sequence[T]) -> tuple[T, ...]:
    """The row of *steps* that leads from one step to the same one, which is the last of them.

    Empty if it was not taken before. Where nothing moves on, but each round has steps of others
    in it that no other round has, this is what goes round.
    """
    for length in range(1, len(steps)):
        if steps[-1 - length] == steps[-1]:
            return tuple(steps[-length:])
    return ()
