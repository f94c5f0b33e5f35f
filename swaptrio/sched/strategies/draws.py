# SPDX-License-Identifier: MIT OR Apache-2.0
"""Draws by name, for strategies that carry out what somebody wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.errors import WindowNotReached

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.define(eq=False)
class NamedDraws:
    """The n-th draw at a label takes the n-th option that *wanted* names for it, by its text.

    Where it names none, or none any more, the default is drawn.
    """

    wanted: Mapping[str, tuple[str, ...]]
    _drawn: dict[str, int] = attrs.Factory(dict)

    def draw(self, label: str, options: Sequence[object], entry: int = 0) -> int:
        """The place among *options* of the one that is to be drawn now.

        Raises:
            WindowNotReached: it is not among them; *entry* is what was being carried out.
        """
        wanted = self.wanted.get(label, ())
        drawn = self._drawn.get(label, 0)
        self._drawn[label] = drawn + 1
        if drawn >= len(wanted):
            return 0
        names = [str(option) for option in options]
        if wanted[drawn] not in names:
            offered = ", ".join(names)
            raise WindowNotReached(entry, f"{label} offers {offered}; not {wanted[drawn]}")
        return names.index(wanted[drawn])

    def finish(self) -> None:
        """Look back when all is over.

        Raises:
            WindowNotReached: more was wanted somewhere than was drawn.
        """
        for label, wanted in self.wanted.items():
            drawn = self._drawn.get(label, 0)
            if drawn < len(wanted):
                reason = f"{label} was drawn {drawn} times; wanted: {', '.join(wanted)}"
                raise WindowNotReached(0, reason)
