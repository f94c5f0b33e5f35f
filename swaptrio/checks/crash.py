# SPDX-License-Identifier: MIT OR Apache-2.0
"""BUG: the model has met what would crash a kernel.

It says so with an assertion, as where a table is written that is not there, or by reading past
the end of one. No check asserts: an error in a check is an error, and not the kernel's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.mm.swap_table import OutOfBounds
from swaptrio.sched import Violation, current

if TYPE_CHECKING:
    from types import TracebackType

#: What the model raises where the kernel would crash.
CRASHES: Final = (AssertionError, OutOfBounds)


def crash(exc: BaseException) -> Violation:
    """The violation that the running task has met with *exc*, one of `CRASHES`."""
    what = "reads past the table" if isinstance(exc, OutOfBounds) else "crashes"
    function = _innermost(exc.__traceback__)
    return Violation("BUG", f"{current().me().name} {what} in {function}")


def _innermost(traceback: TracebackType | None) -> str:
    name = "the kernel"
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_name
        traceback = traceback.tb_next
    return name
