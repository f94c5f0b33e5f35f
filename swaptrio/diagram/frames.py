# SPDX-License-Identifier: MIT OR Apache-2.0
"""Call indentation: which functions are open in a column, and how a step stands in them.

A trace knows labels and no calls, so the nesting is a drawing's and not a stack: the function
that a task came in by, the function of the step below it, and what that calls to allocate and
to charge one deeper.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.diagram.vocabulary import DRAWS, all_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.diagram.chosen import Drawn

_INDENT: Final = "  "

#: The functions that tasks come in by.
ROOTS: Final = (
    "do_swap_page",
    "zap_pte_range",
    "shrink_folio_list",
    "zswap_writeback_entry",
    "swap_cache_read_folio",
)

#: Functions that are called by the one drawn above them.
_INNER: Final = ("vma_alloc_folio", "folio_alloc_mpol", "charge_memcg", "alloc_pages")

#: What runs before and beside the root.
_OUTER: Final = ("start", "handle_mm_fault", "user_store")


@attrs.define
class Frames:
    """The functions that are open in one column: the *root*, and the *middle* one below it."""

    root: str = ""
    middle: str = ""

    def lines(self, drawn: Drawn) -> Iterator[str]:
        """The lines for one step, those that open its frames first."""
        function, dot, step = drawn.label.rpartition(".")
        function = function or drawn.label
        if function in _OUTER:
            self.root = self.middle = ""
            yield _worded(f"{function}()" if dot else function, drawn.words)
            return
        yield from self._opened(drawn.root)
        if function == self.root:
            self.middle = ""
            yield _INDENT + _worded(step, drawn.words)
        elif function in _several() and drawn.label not in DRAWS:
            if self.middle != function:
                self.middle = function
                yield f"{_INDENT}{function}()"
            yield _INDENT * 2 + _worded(step, drawn.words)
        else:
            yield self._alone(function, drawn)

    def _opened(self, root: str) -> Iterator[str]:
        if self.root != root:
            self.root, self.middle = root, ""
            yield f"{root}()"

    def _alone(self, function: str, drawn: Drawn) -> str:
        """A function with one label, or a label that belongs to none."""
        inner = self.middle and (function in _INNER or drawn.label in DRAWS)
        if not inner:
            self.middle = ""
        called = drawn.label in all_labels() and drawn.label not in DRAWS
        named = f"{function}()" if called else drawn.label
        return _INDENT * (2 if inner else 1) + _worded(named, drawn.words)


def _worded(name: str, words: str) -> str:
    return f"{name}: {words}" if words else name


@cache
def _several() -> frozenset[str]:
    """The functions that have several labels in some version."""
    functions = [label.rpartition(".")[0] for label in all_labels()]
    return frozenset(name for name in functions if functions.count(name) > 1)
