# SPDX-License-Identifier: MIT OR Apache-2.0
"""Operations print without addresses."""

from __future__ import annotations

from swaptrio.sched import Kind, Operation, SpinLock, name_of


def test_name_of() -> None:
    """An object is called by its name, or its class: never by what holds an address."""
    assert name_of(None) == ""
    assert name_of("clock") == "clock"
    assert name_of(SpinLock("cluster0")) == "cluster0"
    assert name_of(object()) == "object"


def test_text_of_an_operation() -> None:
    """An operation reads as its label, its kind and its object if there is one."""
    assert str(Operation(Kind.LOCK, "cluster0", "f.lock")) == "f.lock (lock cluster0)"
    assert str(Operation(Kind.STEP, "", "f.step")) == "f.step (step)"
