# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of docs/necessity.md: whole, and true row by row."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import attrs
import pytest

from swaptrio.scenario.files import find
from swaptrio.scenario.play import load_checked
from swaptrio.sched import open_scheduler
from swaptrio.study.necessity import (
    MOST_UNNOTICED,
    REASONS,
    Notice,
    Reason,
    Row,
    Studied,
    holds,
)
from swaptrio.study.necessity.page import HEAD, noticed_in, page
from swaptrio.variants import Variant, less, load
from swaptrio.variants.parts import Part, parts_of

PAGE = Path(__file__).parents[3] / "docs" / "necessity.md"
TEXT = PAGE.read_text(encoding="utf-8")

#: The versions whose table stands in the docs.
SHOWN = ("v3", "v5")

UNNOTICED = re.compile(r"^- `([^`]+)` \(`.*`\): (redundant|hole)\. (.*)$", re.MULTILINE)


@cache
def version(name: str) -> Variant:
    """A version, loaded once."""
    return load(name)


def part_of(name: str, part: str) -> Part:
    """A part of a version, by both their names."""
    return next(each for each in parts_of(version(name)) if each.name == part)


def section(name: str) -> str:
    """What the page says of a version."""
    return TEXT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


ROWS = [
    pytest.param(name, part, notice, id=f"{name}-{part}")
    for name in SHOWN
    for part, notice in noticed_in(TEXT, name).items()
]


@pytest.mark.parametrize("name", SHOWN)
def test_each_part_has_its_line(name: str) -> None:
    """Every part of a version is noticed or not, by its own words, and nothing else is."""
    noticed = noticed_in(TEXT, name)
    unnoticed = [part for part, _, _ in UNNOTICED.findall(section(name))]
    parts = {part.name: part for part in parts_of(version(name))}

    assert sorted([*noticed, *unnoticed]) == sorted(parts)
    for line in section(name).splitlines():
        match = re.match(r"[-|] `([^`]+)` ", line)
        if match:
            assert parts[match[1]].what in line.replace("\\|", "|")


@pytest.mark.parametrize("name", SHOWN)
def test_few_go_unnoticed(name: str) -> None:
    """At most three are not noticed, for the reasons that are given."""
    unnoticed = UNNOTICED.findall(section(name))

    assert len(unnoticed) <= MOST_UNNOTICED
    for part, kind, text in unnoticed:
        assert kind == REASONS[part].kind
        assert text.startswith(REASONS[part].text)


def test_the_page_says_what_it_is() -> None:
    """Its head is the one that is written, and it has a table for each version."""
    assert TEXT.startswith(f"{HEAD}\n## {SHOWN[0]}\n")
    assert re.findall("^## (.*)$", TEXT, re.MULTILINE) == [*SHOWN]


def test_each_reason_is_of_something_unnoticed() -> None:
    """A reason for what is noticed, or is no part any more, is struck from the table."""
    unnoticed = {part for name in SHOWN for part, _, _ in UNNOTICED.findall(section(name))}

    assert set(REASONS) == unnoticed


@pytest.mark.parametrize(("name", "part", "notice"), ROWS)
async def test_a_row_is_true(name: str, part: str, notice: Notice) -> None:
    """By its schedule the version without the part fails as it says, and the whole passes."""
    whole = version(name)
    scenario = load_checked(find(notice.scenario))
    cut = less(whole, part_of(name, part))
    async with open_scheduler("stepped") as scheduler:
        assert await holds(scheduler, scenario, whole, cut, notice)


async def test_a_row_that_is_not_true() -> None:
    """Neither another check, nor a failure that the whole version has as well, holds."""
    whole = version("v3")
    name, notice = next(
        (part, each) for part, each in noticed_in(TEXT, "v3").items() if not each.window
    )
    cut = less(whole, part_of("v3", name))
    scenario = load_checked(find(notice.scenario))
    other = attrs.evolve(notice, check="I-EXT")
    async with open_scheduler("stepped") as scheduler:
        assert not await holds(scheduler, scenario, whole, cut, other)
        assert not await holds(scheduler, scenario, cut, cut, notice)
        assert not await holds(scheduler, scenario, whole, whole, notice)


async def test_a_window_that_is_not_true() -> None:
    """What a window misses must be what is told, and missed by the version without alone."""
    name, notice = next(
        (part, each) for part, each in noticed_in(TEXT, "v3").items() if each.window
    )
    whole = version("v3")
    cut = less(whole, part_of("v3", name))
    scenario = load_checked(find(notice.scenario))
    other = attrs.evolve(notice, message="counter pswpin: expected 1, got 7")
    async with open_scheduler("stepped") as scheduler:
        assert await holds(scheduler, scenario, whole, cut, notice)
        assert not await holds(scheduler, scenario, whole, cut, other)
        assert not await holds(scheduler, scenario, cut, cut, notice)


def test_what_is_written_is_read_back() -> None:
    """A page gives the notices that it was made of, but for the messages of checks."""
    parts = parts_of(version("v3"))
    by_schedule = Notice("two-faults-one-slot", "I-ONE", "", "first#1@a.b -> second", 1)
    by_window = Notice(
        "large-vs-small-neighbour", "", "slot swap0:1: expected -", window="main"
    )
    by_default = Notice("two-faults-one-slot", "deadlock", "", "-", 0)
    notices = (by_schedule, by_window, by_default)
    rows = [Row(part, notice, None) for part, notice in zip(parts, notices, strict=False)]
    rows.append(Row(parts[3], None, Reason("hole", "Nobody asks."), executions=9))

    text = page([Studied(version("v3"), tuple(rows))])

    assert [*noticed_in(text, "v3").values()] == [*notices]
    assert "Parts: 4, noticed: 3, not noticed: 1." in text
    assert UNNOTICED.findall(text) == [
        (parts[3].name, "hole", "Nobody asks. 9 executions of all scenarios show nothing.")
    ]
