# SPDX-License-Identifier: MIT OR Apache-2.0
"""The exit codes."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
DIVERGED: Final = 3
INTERNAL: Final = 70
INTERRUPTED: Final = 130

#: What ``--help`` says of them. The first character keeps click from filling the lines.
EXPLAINED: Final = """\b
Exit codes: 0 as expected, 1 violation or expectation missed, 2 usage or
bad file, 3 replay diverged, 70 internal error, 130 interrupted."""
