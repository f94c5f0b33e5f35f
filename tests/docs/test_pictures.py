# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page on pictures tells every word and every key that a picture has."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from swaptrio.mm.swap_table import (
    SWP_TB_BAD,
    SWP_TB_NULL,
    pfn_to_swp_tb,
    shadow_to_swp_tb,
    xa_mk_value,
)
from swaptrio.scenario.files import find, names
from swaptrio.scenario.picture import word_text
from swaptrio.scenario.play import BUDGET, load_checked
from swaptrio.scenario.world import Setup, World
from swaptrio.sched import RandomWalk, run
from swaptrio.trace.changes import split_key
from swaptrio.variants import load

PAGE = Path(__file__).parents[2] / "docs" / "pictures.md"

#: The words of the page; flags are the count, shifted by one, and the zero flag.
WORDS = {
    "-": SWP_TB_NULL,
    "s1:102": shadow_to_swp_tb(xa_mk_value(102), 1 << 1),
    "f1:0x1005": pfn_to_swp_tb(0x1005, 1 << 1),
    "f0:0x1005": pfn_to_swp_tb(0x1005, 0),
    "s2z:102": shadow_to_swp_tb(xa_mk_value(102), 2 << 1 | 1),
    "b": SWP_TB_BAD,
}


TEXT = PAGE.read_text(encoding="utf-8")


def told(text: str, table: str, column: int) -> list[str]:
    """What stands as code in a column of a table of the page."""
    rows = text.partition(f"<!-- {table} -->")[2].partition("<!-- end of")[0].splitlines()
    cells = [row.split("|")[column] for row in rows if row.startswith("|")]
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]


def shape(key: str) -> str:
    """The kind of the object and the field; nothing where a key is no field of any."""
    thing, field = split_key(key)
    if field.isdigit():  # a counter of an order, of which the page names one
        return ""
    kind = re.sub(r"\d+|0x[0-9a-f]+", "N", thing.rpartition(" ")[0])
    return f"{kind}.{re.sub(r'[0-9]+', 'N', field)}" if field else ""


def test_words_are_those_of_pictures() -> None:
    """Each word of the table is how a picture writes such a slot."""
    assert told(TEXT, "words", 1) == list(WORDS)
    assert {text: word_text(word) for text, word in WORDS.items()} == {
        text: text for text in WORDS
    }


def world_after(scenario: str, variant: str) -> World:
    """The world that a random execution leaves."""
    setup = Setup(load_checked(find(scenario)), load(variant))
    worlds: list[World] = []
    run(lambda execution: worlds.append(setup.build(execution)), RandomWalk(0), budget=BUDGET)
    return worlds[0]


@cache
def shapes_of(variant: str) -> frozenset[str]:
    """The shapes of all keys that the worlds of the scenarios have at an end."""
    keys = (key for name in names() for key in world_after(name, variant).snapshot())
    return frozenset(map(shape, keys))


@pytest.mark.parametrize("variant", ["old", "v3"])
@pytest.mark.parametrize(
    ("text", "missing"),
    [(TEXT, set()), (TEXT.replace("`swap0:17.owner`", ""), {".owner"})],
    ids=["the page", "without a row"],
)
def test_no_field_is_missing(text: str, missing: set[str], variant: str) -> None:
    """Whatever fields the scenarios' worlds have at an end, the page tells them."""
    assert shapes_of(variant) - set(map(shape, told(text, "keys", 2))) == missing
