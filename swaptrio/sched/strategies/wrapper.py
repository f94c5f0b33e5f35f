# SPDX-License-Identifier: MIT OR Apache-2.0
"""What wrappers share: they stand in front of another strategy and are one themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.sched.strategies.protocol import SeededStrategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched.execution import Execution
    from swaptrio.sched.strategies.protocol import Strategy


@attrs.define(eq=False)
class Wrapper:
    """Passes everything on to *inner*, which decides as it would without the wrapper."""

    inner: SeededStrategy

    @property
    def asks_always(self) -> bool:
        """As *inner* wants it."""
        return self.inner.asks_always

    @property
    def seed(self) -> int:
        """The seed of *inner*."""
        return self.inner.seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self.inner.seed = seed

    def begin(self, execution: Execution) -> None:
        """Pass it on."""
        self.inner.begin(execution)

    def pick(self, execution: Execution, count: int) -> int:
        """What *inner* picks."""
        return self.inner.pick(execution, count)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What *inner* draws."""
        return self.inner.choose(execution, label, options)


def innermost(strategy: Strategy) -> Strategy:
    """*strategy*, or the one that decides behind its wrappers."""
    while isinstance(strategy, Wrapper):
        strategy = strategy.inner
    return strategy


@attrs.define(eq=False)
class AskedWrapper(Wrapper):
    """A wrapper that is asked everything; *inner* only where it would have been without."""

    @property
    def asks_always(self) -> bool:
        """Always."""
        return True

    def pick(self, execution: Execution, count: int) -> int:
        """What *inner* picks, if it wants to be asked."""
        if count == 1 and not self.inner.asks_always:
            return 0
        return self.inner.pick(execution, count)

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What *inner* draws, if it wants to be asked."""
        if len(options) == 1 and not self.inner.asks_always:
            return 0
        return self.inner.choose(execution, label, options)
