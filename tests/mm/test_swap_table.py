# SPDX-License-Identifier: MIT OR Apache-2.0
"""The words of the swap table (spec 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swaptrio.mm import swap_table as st_
from swaptrio.mm.swap_h import SwapClusterInfo
from swaptrio.sched import SpinLock, Violation

if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = st.integers(0, 31)
PFNS = st.integers(1, 2**40 - 1)
SHADOWS = st.integers(0, 2**58 - 1).map(st_.xa_mk_value)
KINDS = (
    st_.swp_tb_is_null,
    st_.swp_tb_is_folio,
    st_.swp_tb_is_shadow,
    st_.swp_tb_is_bad,
)
WORDS = st.one_of(
    st.just(st_.SWP_TB_NULL),
    st.just(st_.SWP_TB_BAD),
    st.builds(st_.pfn_to_swp_tb, PFNS, FLAGS),
    st.builds(st_.shadow_to_swp_tb, SHADOWS, FLAGS),
    st.builds(st_.shadow_to_swp_tb, st.just(0), FLAGS),
)


@given(PFNS, FLAGS)
def test_pfn_round_trip(pfn: int, flags: int) -> None:
    """A PFN word of 40 bits gives back its frame number, its count and its zero flag."""
    word = st_.pfn_to_swp_tb(pfn, flags)

    assert st_.swp_tb_to_pfn(word) == pfn
    assert (st_.count_of(word), st_.zero_of(word)) == (flags >> 1, bool(flags & 1))
    assert word < 2**64


@given(SHADOWS, FLAGS)
def test_shadow_round_trip(shadow: int, flags: int) -> None:
    """A Shadow word gives back its shadow, its count and its zero flag."""
    word = st_.shadow_to_swp_tb(shadow, flags)

    assert st_.swp_tb_to_shadow(word) == shadow
    assert (st_.count_of(word), st_.zero_of(word)) == (flags >> 1, bool(flags & 1))
    assert word < 2**64


@given(WORDS)
def test_kinds_are_disjoint(word: int) -> None:
    """Every word is of exactly one kind."""
    assert sum(is_kind(word) for is_kind in KINDS) == 1


@given(WORDS)
def test_countable(word: int) -> None:
    """All kinds have a count but Bad."""
    assert st_.swp_tb_is_countable(word) != st_.swp_tb_is_bad(word)


@given(WORDS, st.integers(0, 15))
def test_mk_count(word: int, count: int) -> None:
    """Another count changes nothing else of a word."""
    changed = st_._swp_tb_mk_count(word, count)

    assert changed >> st_.SWP_TB_COUNT_SHIFT == count
    assert changed & ~st_.SWP_TB_COUNT_MASK == word & ~st_.SWP_TB_COUNT_MASK


def test_empty_shadow_is_not_none() -> None:
    """The empty shadow comes out as 1, which is not 0: it looks like a shadow."""
    word = st_.shadow_to_swp_tb(0, 1 << 1)

    assert st_.swp_tb_to_shadow(word) == 1
    assert st_.xa_to_value(st_.swp_tb_to_shadow(word)) == 0


def test_layout() -> None:
    """Four count bits on top, the zero flag below, the mark of the kind in the lowest bits."""
    assert st_.pfn_to_swp_tb(5, 0b00111) == 3 << 60 | 1 << 59 | 5 << 2 | 0b10
    assert st_.shadow_to_swp_tb(st_.xa_mk_value(5), 0b00010) == 1 << 60 | 5 << 1 | 1
    assert st_.SWP_TB_BAD == 0xFFFFFFFFFFFFFFF8


def test_bad_counts_15_with_a_warning(make_world: Callable[..., Any]) -> None:
    """The raw accessors take a Bad word for a count of 15 and a zero flag, and warn (A15)."""
    kernel = make_world("v5").kernel

    count = st_._swp_tb_get_count(kernel, st_.SWP_TB_BAD)
    flags = st_._swp_tb_get_flags(kernel, st_.SWP_TB_BAD)

    assert (count, flags) == (15, 31)
    assert len(kernel.warnings) == 2


@pytest.mark.parametrize("variant", ["pre", "v3", "v4"])
def test_bad_has_no_zero_flag_before(make_world: Callable[..., Any], variant: str) -> None:
    """Before 12/12 the zero flag of a Bad slot is elsewhere, and clear."""
    kernel = make_world(variant).kernel

    assert st_._swp_tb_get_flags(kernel, st_.SWP_TB_BAD) == 30
    assert len(kernel.warnings) == 1


def _cluster(table: list[int] | None) -> SwapClusterInfo:
    return SwapClusterInfo(3, SpinLock("cluster"), table)


def test_null_table(world: Any) -> None:
    """Following the pointer to a table that is not there is what would crash the kernel."""
    ci = _cluster(None)

    with pytest.raises(Violation, match="BUG: NULL table dereferenced: cluster 3, slot 7"):
        st_._swap_table_get(world.kernel, ci, 7)
    with pytest.raises(Violation, match="BUG: NULL table dereferenced: cluster 3, slot 8"):
        st_._swap_table_set(ci, 8, 0)


@pytest.mark.parametrize("off", [-1, 512])
def test_past_the_table(world: Any, off: int) -> None:
    """A slot that is none of the 512 is beyond the table, for reading with a warning."""
    ci = _cluster([0] * 512)

    with pytest.raises(st_.OutOfBounds, match="past the table of cluster 3"):
        st_._swap_table_get(world.kernel, ci, off)
    with pytest.raises(st_.OutOfBounds):
        st_._swap_table_set(ci, off, 0)
    assert world.kernel.warnings == ["offset past the table"]


def test_lockless_read_of_no_table() -> None:
    """Without the lock a table that is gone reads as free slots."""
    assert st_.swap_table_get(_cluster(None), 5) == st_.SWP_TB_NULL
    assert st_.swap_table_get(_cluster([7] * 512), 5) == 7


def test_touched() -> None:
    """A cluster remembers what its slots held before the first write."""
    ci = _cluster([0] * 512)

    for word in (1, 3):
        st_._swap_table_set(ci, 5, word)

    assert ci.touched == {5: 0}


def test_clearing_owners(world: Any) -> None:
    """Clearing several owners gives the first for all, and warns where they differ (spec 6)."""
    ci = _cluster([0] * 512)
    ci.memcg_table.update({4: 7, 5: 7, 6: 8, 9: 9})
    clear = st_._swap_cgroup_clear

    assert clear(world.kernel, ci, 4, 3) == 7
    assert world.kernel.warnings == ["owners of a range differ"]
    assert clear(world.kernel, ci, 8, 2) == 0
    assert ci.memcg_table == {9: 9}
