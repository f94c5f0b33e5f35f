# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exploration against counts that others have published."""

from __future__ import annotations

import pytest

from benchmarks.counted import QUICK, SLOW, Counted
from swaptrio.explore.exhaustive import explore_program


@pytest.mark.parametrize("row", [*QUICK, *SLOW], ids=lambda row: row.name)
def test_published_count(row: Counted) -> None:
    """Exactly as many executions run as differ, and none of them is blocked."""
    result = explore_program(row.program)
    assert result.complete
    assert (result.executions, result.traces, result.blocked) == (row.count, row.count, 0)
