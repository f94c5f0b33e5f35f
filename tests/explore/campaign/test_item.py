# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names for pieces of work, and what they stand for."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from swaptrio.errors import ScenarioError, VariantError
from swaptrio.explore.campaign import Case, Plan, item, matter_of
from swaptrio.scenario.files import digest, find

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_digests_follow_the_content(tmp_path: Path) -> None:
    """Another text is another scenario, and another code another variant."""
    (tmp_path / "mine.py").write_text("BASE = 'v3'\n", encoding="utf-8")
    one = matter_of("two-faults-one-slot", str(tmp_path / "mine.py"))
    (tmp_path / "mine.py").write_text("BASE = 'v3' \n", encoding="utf-8")
    other = matter_of("two-faults-one-slot", str(tmp_path / "mine.py"))

    assert one.variant == other.variant == "mine"
    assert one.variant_digest != other.variant_digest
    assert one.scenario_digest == other.scenario_digest == digest(find("two-faults-one-slot"))
    assert matter_of("two-faults-one-slot", "v3").variant_digest != one.variant_digest


def test_the_variant_digest_covers_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant of another version of the model is another variant."""
    before = matter_of("two-faults-one-slot", "v3").variant_digest
    monkeypatch.setattr(item, "code_digest", lambda: b"another model")

    assert matter_of("two-faults-one-slot", "v3").variant_digest != before


def test_the_code_digest_sees_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes with the text and with the name of any file that decides."""
    for room in item.DECIDING:
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_text("1", encoding="utf-8")
    monkeypatch.setattr(item, "_PACKAGE", tmp_path)
    fresh = item.code_digest.__wrapped__
    seen = [fresh()]
    for room in item.DECIDING:
        (tmp_path / room / "a.py").write_text("2", encoding="utf-8")
        seen.append(fresh())
        (tmp_path / room / "a.py").rename(tmp_path / room / "b.py")
        seen.append(fresh())

    assert len(dict.fromkeys(seen)) == len(seen)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A scenario or a file that is not there is an error of its kind."""
    with pytest.raises(ScenarioError, match="no scenario of this name"):
        matter_of("two-faults", "v3")
    with pytest.raises(VariantError, match=r"none\.py: cannot be read: No such file"):
        matter_of("two-faults-one-slot", str(tmp_path / "none.py"))
    (tmp_path / "large.py").write_bytes(b"#" * (item.LARGEST_VARIANT + 1))
    with pytest.raises(VariantError, match="too large"):
        matter_of("two-faults-one-slot", str(tmp_path / "large.py"))


def test_items_cover_each_seed_once(plan: Plan, case_of: Callable[[str], Case]) -> None:
    """The items of a case follow one another, and the last one ends with the last seed."""
    items = list(plan.items_of(case_of("v3")))

    assert [(each.first, each.count) for each in items] == [(10, 40), (50, 40), (90, 10)]
    assert plan.total([{}, {}]) == 6


@pytest.mark.parametrize(
    ("done", "left", "total"),
    [
        ({}, [(10, 40), (50, 40), (90, 10)], 3),
        ({10: 40, 50: 15}, [(65, 25), (90, 10)], 4),
        ({10: 15, 25: 20, 50: 40}, [(45, 5), (90, 10)], 5),
        ({10: 40, 50: 15, 65: 25, 90: 10}, [], 4),
        ({10: 40, 50: 40, 90: 40, 130: 7}, [], 4),
    ],
)
def test_what_is_left(
    plan: Plan,
    case_of: Callable[[str], Case],
    done: dict[int, int],
    left: list[tuple[int, int]],
    total: int,
) -> None:
    """A chunk of which a part is done has the rest of it left; all are counted."""
    rests = [each.left(done) for each in plan.items_of(case_of("v3"))]

    assert [(each.first, each.count) for each in rests if each is not None] == left
    assert plan.total([done]) == total


def test_cases_take_turns(plan: Plan, cases: tuple[Case, ...]) -> None:
    """So that a campaign that is stopped has looked at all of them."""
    order = [(case.name[1], each.first) for case, each in plan.items(cases)]

    assert order == [("pre", 10), ("v3", 10), ("pre", 50), ("v3", 50), ("pre", 90), ("v3", 90)]


def test_a_time_has_no_last_item(cases: tuple[Case, ...]) -> None:
    """Where the time decides there are as many items as anybody wants."""
    plan = Plan("random", 0, None, 1.0, 40)

    [*_, (_, last)] = islice(plan.items(cases), 1001)
    assert (last.first, last.count) == (500 * 40, 40)
    assert plan.total([{}, {}]) is None


def test_matter_travels(case_of: Callable[[str], Case]) -> None:
    """It comes out of a pipe as it went in."""
    matter = case_of("v3").matter
    assert pickle.loads(pickle.dumps(matter)) == matter
    assert "text" not in repr(matter)
