# SPDX-License-Identifier: MIT OR Apache-2.0
"""Interest: what a strategy was told to look at, and has never met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.explore.listen import words_of
from swaptrio.sched.strategies import WindowDirected
from swaptrio.sched.strategies.wrapper import innermost

if TYPE_CHECKING:
    from swaptrio.sched import Strategy


def unmet(strategy: Strategy) -> list[str]:
    """The words, or the windows, of *strategy* that no execution has come to so far."""
    words = words_of(strategy)
    if words is not None:
        return words.unmatched
    inner = innermost(strategy)
    if isinstance(inner, WindowDirected) and not inner.windows.learns:
        windows = inner.windows
        return ["/".join(each) for each in windows.known if each not in windows.entered]
    return []
