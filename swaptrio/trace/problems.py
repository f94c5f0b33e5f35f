# SPDX-License-Identifier: MIT OR Apache-2.0
"""How this room says that a trace, or a question about one, is wrong."""

from __future__ import annotations

from swaptrio.errors import Problem, TraceError


def trace_error(
    file: str, place: str, message: str, *, value: str = "", hint: str = ""
) -> TraceError:
    """A `TraceError` with one `Problem`."""
    return TraceError([Problem(file, place, value, message, hint)])
