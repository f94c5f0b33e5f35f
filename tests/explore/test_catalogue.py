# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page of the race catalogue."""

from __future__ import annotations

import re
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


#: The entries of which the catalogue says that something is inference: the whole of it, the
#: order of events, what mutants do, or the motive.
INFERRED = (
    "A01", "A02", "A03", "A05", "A07", "A10", "A12", "A13", "A15", "A16", "A18", "A19", "A20",
    "A23", "A27", "B06", "C07", "D07", "D08", "G05", "G06",
)  # fmt: skip


def test_an_inference_says_what_the_model_found() -> None:
    """What is inference is called so, by its status or its note, with the word of the model."""
    for scenario in scenarios():
        if scenario.catalogue in INFERRED:
            assert "inference" in (scenario.status, *re.findall(r"\w+", scenario.note))
        if scenario.catalogue in INFERRED or scenario.status == "inference":
            assert "model" in scenario.note, scenario.name


def test_a_story_from_memory_says_so() -> None:
    """Where only a commit's subject and id were read the note says what was, and was not."""
    found = [scenario for scenario in scenarios() if scenario.status == "hash"]
    assert [scenario.catalogue for scenario in found] == ["C04", "G04"]
    for scenario in found:
        assert "read" in scenario.note, scenario.name


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
