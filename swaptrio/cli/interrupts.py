# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ctrl-C and SIGTERM: a wish to stop that a command hears when it is ready.

The first one asks. A command that loops hears it between two executions, prints what it has and
ends; files are written whole, as nothing is torn out of a write. The second one does not wait:
it raises KeyboardInterrupt wherever the program is. So does the first where no command has said
that it listens, for example while files are read.

Trio leaves a SIGINT handler that is not Python's own in place, so ours holds inside it too.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_TOLD: Final = b"\nstopping; once more to stop at once\n"
_STDERR: Final = 2


class Interrupts:
    """Whether somebody has *asked* to stop."""

    def __init__(self) -> None:
        self.asked = False
        self._listening = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals in this block; only the main thread can."""
        if current_thread() is not main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def listening(self) -> Iterator[Callable[[], bool]]:
        """In this block a first signal only asks; what it gives tells whether one has."""
        self._listening = True
        try:
            yield lambda: self.asked
        finally:
            self._listening = False

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        at_once = self.asked or not self._listening
        self.asked = True
        if at_once:
            raise KeyboardInterrupt
        if os.isatty(_STDERR):
            # Not through sys.stderr, in the middle of whose write we may be.
            os.write(_STDERR, _TOLD)
