# SPDX-License-Identifier: MIT OR Apache-2.0
"""The doctor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from swaptrio.checks import CHECKS
from swaptrio.scenario.files import names
from swaptrio.variants import names as variants

Run = Callable[..., Result]
Document = Callable[[Result], Any]


def test_all_is_well(swaptrio: Run, document: Document) -> None:
    """It tells versions and counts, replays in two processes, and names the model's limits."""
    result = swaptrio("doctor", "--json")
    record = document(result)

    assert result.exit_code == 0
    assert {"python", "swaptrio", "trio", "attrs", "cattrs", "click", "structlog"} == set(
        record["versions"]
    )
    assert record["scenarios"] == len(names())
    assert record["variants"] == len(variants())
    assert record["checks"] == len(CHECKS)
    assert record["determinism"]["passed"] is True
    assert "the same bytes" in record["determinism"]["message"]
    assert len(record["limits"]) == 3


def test_says_what_it_did(swaptrio: Run) -> None:
    """For people it says which replay it made, and fits 80 columns."""
    result = swaptrio("doctor")

    assert "determinism: passed\n  replay large-vs-small-neighbour --seed 7\n" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("target", "value", "message"),
    [
        ("SCENARIO", "no-such", "a replay ended with code 2: there is no scenario"),
        ("HASH_SEEDS", ("1", "nonsense"), "a replay ended with code 1"),
    ],
)
def test_failing_test_is_told(
    target: str, value: object, message: str, swaptrio: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A self-test that cannot be made is not passed: exit code 1, and the reason."""
    import swaptrio.cli.doctor as module

    monkeypatch.setattr(module, target, value)
    result = swaptrio("doctor")

    assert result.exit_code == 1
    assert "determinism: FAILED" in result.stdout
    assert message in result.stdout
