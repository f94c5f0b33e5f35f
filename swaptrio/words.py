# SPDX-License-Identifier: MIT OR Apache-2.0
"""The nearest right word for a wrong one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A longer word is no slip of the pen, and comparing it would take long.
LONGEST_WORD: Final = 80


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of *known* that is most like *word*, or None if none is much like it.

    The order of *known* does not matter, and neither does upper or lower case.
    """
    if len(word) > LONGEST_WORD:
        return None
    folded = {candidate.casefold(): candidate for candidate in sorted(known, reverse=True)}
    found = get_close_matches(word.casefold(), sorted(folded), n=1)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about *word*: ``; did you mean 'X'?``, or nothing.

    It is written as it is, so *known* must be words of ours.
    """
    hint = nearest(word, known)
    return f"; did you mean '{hint}'?" if hint else ""
