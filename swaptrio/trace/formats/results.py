# SPDX-License-Identifier: MIT OR Apache-2.0
"""What became of several executions, as values that test reports are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen
class Result:
    """One execution, or one search, held against what was expected.

    *name* and *variant* say what ran; *expected* and *verdict* are texts of the same words,
    such as ``passed`` or ``violation of I-TABLE``, and equal if all is well. *message* says
    more about the verdict, and each of *notes* is a line on what to do next, such as where the
    trace lies, or on what a pass is worth. *seconds* are those that it took, where somebody
    measured them.
    """

    name: str
    variant: str
    expected: str
    verdict: str
    message: str = ""
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.expected == self.verdict

    @property
    def breaks(self) -> bool:
        """Whether it was expected not to pass."""
        return self.expected != "passed"


def by_name(results: Sequence[Result]) -> dict[str, list[Result]]:
    """*results* grouped by their names, in the order of first appearance."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.name, []).append(result)
    return groups
