# SPDX-License-Identifier: MIT OR Apache-2.0
"""Slot tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaptrio.conform.slots import LARGEST_SHADOW, Slot

COUNTS = st.integers(0, 15)
NAMES = st.from_regex(r"[A-Za-y]\w{0,3}[A-Y]", fullmatch=True).filter(str.isascii)

SLOTS = st.one_of(
    st.just(Slot("-")),
    st.just(Slot("b")),
    st.builds(
        lambda count, shadow, zero: Slot("s", count, shadow, zero=zero),
        COUNTS,
        st.integers(0, LARGEST_SHADOW),
        st.booleans(),
    ),
    st.builds(
        lambda count, name, zero: Slot("f", count, folio=name, zero=zero),
        COUNTS,
        NAMES,
        st.booleans(),
    ),
)


@given(SLOTS)
def test_round_trip(slot: Slot) -> None:
    """A token that is written and read again is the same slot."""
    assert Slot.parse(str(slot)) == slot


def test_bad_has_no_flag() -> None:
    """All bits of a bad slot are ones, so that its zero flag says nothing."""
    assert Slot.parse("bz") == Slot.parse("b")
    assert str(Slot.parse("bz")) == "b"


@pytest.mark.parametrize(
    ("token", "name", "zero"),
    [
        ("f1:new", "new", False),
        ("f0:Az", "A", True),
        ("f2:z", "z", False),
        ("f2:zz", "z", True),
    ],
)
def test_name_and_flag(token: str, name: str, zero: bool) -> None:
    """A last z is the flag, unless it is the whole name."""
    slot = Slot.parse(token)

    assert (slot.folio, slot.zero) == (name, zero)
