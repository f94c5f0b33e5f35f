# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page of the race catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from swaptrio.explore.catalogue import ABSENT, ENTRIES, page, verdict_word
from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.windows import Expect
from swaptrio.variants import load

if TYPE_CHECKING:
    from swaptrio.scenario.format import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


def scenarios() -> list[Scenario]:
    """All scenarios that come with swaptrio."""
    return [load_checked(find(name)) for name in names()]


def test_the_page_is_current() -> None:
    """docs/catalogue.md is what the module writes from the files of now."""
    assert PAGE.read_text() == page() + "\n"


def test_a_scenario_bears_the_name_of_its_entry() -> None:
    """Each entry that has scenarios has one by its own name, and none has another's entry."""
    found = scenarios()
    assert {scenario.catalogue for scenario in found} <= set(ENTRIES)
    for entry in {scenario.catalogue for scenario in found}:
        assert ENTRIES[entry] in [each.name for each in found if each.catalogue == entry]


def test_what_has_a_scenario_needs_no_excuse() -> None:
    """An entry has a scenario or a reason why not, and not both."""
    assert not {scenario.catalogue for scenario in scenarios()} & set(ABSENT)
    assert set(ABSENT) <= set(ENTRIES)


def test_an_inference_says_what_the_model_found() -> None:
    """What the catalogue marks as inference has a note with the word of the model."""
    for scenario in scenarios():
        if scenario.status == "inference":
            assert "model" in scenario.note, scenario.name


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ((Expect(verdict="passed"), Expect(verdict="n/a", reason="why")), "ok"),
        ((Expect(verdict="n/a", reason="why"),), "n/a"),
        ((Expect(verdict="passed"), Expect(verdict="violation", check="I-ONE")), "I-ONE"),
        ((Expect(verdict="livelock"),), "livelock"),
    ],
)
def test_word_of_a_version(verdicts: tuple[Expect, ...], word: str) -> None:
    """What fails comes first, then what passes, and n/a only where all windows say so."""
    scenario = load_checked(find("two-faults-one-slot"))
    windows = tuple(
        attrs.evolve(scenario.window[0], name=f"w{number}", expect={"v3": expect})
        for number, expect in enumerate(verdicts)
    )
    assert verdict_word(attrs.evolve(scenario, window=windows), load("v3")) == word
