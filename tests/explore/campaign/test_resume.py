# SPDX-License-Identifier: MIT OR Apache-2.0
"""A campaign goes on with what it began with, or in a store of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.errors import StoreError
from swaptrio.explore.campaign import Borrowed, Case, Plan, Store
from swaptrio.explore.campaign.resume import check_unchanged, fork, spelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def changed(case: Case) -> Case:
    """*case* with another scenario of the same name."""
    return attrs.evolve(case, matter=attrs.evolve(case.matter, text=case.matter.text + b"\n"))


def test_unchanged(tmp_path: Path, plan: Plan, cases: tuple[Case, ...]) -> None:
    """The same files are taken for the same."""
    check_unchanged(Store.make(tmp_path / "s", plan, cases), cases)


def test_changed(tmp_path: Path, plan: Plan, cases: tuple[Case, ...]) -> None:
    """A change is refused with both digests, once for each scenario and variant."""
    store = Store.make(tmp_path / "s", plan, cases)
    now = tuple(changed(case) for case in cases)

    with pytest.raises(StoreError) as caught:
        check_unchanged(store, now)

    [problem] = caught.value.problems
    old, new = cases[0].digests[0], now[0].digests[0]
    assert problem.message == (
        f"scenario large-vs-small-neighbour has changed: it was {old} and is {new};"
        " use --fork-store FILE to go on in a new store"
    )


def test_a_fork_takes_over_what_has_not_changed(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: Callable[..., Store],
    content: Callable[[Store], Any],
) -> None:
    """The new store has the plan, and the results of the cases that are the same."""
    with ThreadPoolExecutor(1) as executor:
        store = carry_out(tmp_path / "s", plan, cases, Borrowed(executor, 1))
    now = (changed(cases[0]), cases[1])

    new = fork(store, tmp_path / "new", now)

    assert new.plan == plan
    assert [known.digests for known in new.cases] == [case.digests for case in now]
    assert content(new)[1] == content(store)[1]
    assert content(new)[0][1:] == ([], (), ())


def test_code_is_never_run_because_a_store_names_it(
    tmp_path: Path, plan: Plan, deadly: Case, case_of: Callable[[str], Case]
) -> None:
    """A variant in a file is loaded only where its file is named; ours go by their names."""
    mine, ours = Store.make(tmp_path / "s", plan, (deadly, case_of("v3"))).cases

    assert spelled(ours, {}) == "v3"
    assert spelled(mine, {"deadly": "elsewhere/deadly.py"}) == "elsewhere/deadly.py"
    with pytest.raises(StoreError, match="name it once more with --variant"):
        spelled(mine, {"other": "other.py"})
