# SPDX-License-Identifier: MIT OR Apache-2.0
"""A mistake hides no other one: what is wrong with a file is told at once, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swaptrio.errors import ScenarioError
from swaptrio.scenario.play import load_checked

if TYPE_CHECKING:
    from pathlib import Path

#: Right from top to bottom; tests replace a part of it by something that is not.
RIGHT = """
name = "race"
title = "A fault and a zap"
catalogue = "A01"
references = []
status = "inference"
story = "Two tasks, one slot."

[[device]]
name = "swap0"
clusters = 4

[[process]]
name = "P"
memcg = "m1"
orders = [2]

[[slots]]
process = "P"
page = 4
first = 1000
nr = 4

[[task]]
name = "fault"
run = "fault"
process = "P"
page = 4

[[task]]
name = "parent"
run = "fork"
process = "P"
child = "C"

[[task]]
name = "child"
run = "exit"
process = "C"

[[window]]
steps = [{ run = "fault", until = "swap_cache_alloc.recheck" }]
choices = { "alloc_pages.grant" = ["ok"] }

[window.instead.pre]
steps = []

[window.instead.old]
steps = []

[window.expect.pre]
verdict = "passed"

[window.expect.v3]
verdict = "violation"
check = "I-ONE"
results = { fault = "mapped" }
counters = { "m1.memory" = 1 }
slots = { "swap0:1000" = "s1" }
"""

#: A mistake of each kind: what stands there, what instead, and the place and hint of the one
#: problem that this is. Those of keys and values come first, those of names, those of words.
MISTAKES = (
    ('status = "inference"', 'status = "inferense"', "status", "inference"),
    ('run = "fault"\nprocess', 'run = "falt"\nprocess', "task[0].run", "fault"),
    ("orders = [2]", "orderes = [2]", "process[0].orderes", "orders"),
    ('title = "A', 'titel = "A', "titel", "title"),
    ("page = 4\nfirst", 'page = "four"\nfirst', "slots[0].page", ""),
    ("clusters = 4", 'clusters = "four"', "device[0].clusters", ""),
    ('memcg = "m1"', 'memcg = "x9"', "process[0].memcg", ""),
    ('[{ run = "fault"', '[{ run = "fualt"', "window[0].steps[0].run", "fault"),
    ("{ fault =", "{ fualt =", "window[0].expect.v3.results.fualt", "fault"),
    ("alloc.recheck", "alloc.rechek", "window[0].steps[0].until", "swap_cache_alloc.recheck"),
    (
        "_pages.grant",
        "_pages.grnt",
        'window[0].choices."alloc_pages.grnt"',
        "alloc_pages.grant",
    ),
    ('"I-ONE"', '"I-OMNE"', "window[0].expect.v3.check", "I-ONE"),
    (
        '"m1.memory"',
        '"m1.memroy"',
        'window[0].expect.v3.counters."m1.memroy"',
        "m1.memory",
    ),
    ('"swap0:1000"', '"swap1:1000"', 'window[0].expect.v3.slots."swap1:1000"', "swap0"),
    ("[window.instead.old]", "[window.instead.odl]", "window[0].instead.odl", "old"),
)


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    """The places and hints of what is wrong with a file of that *text*."""
    path = folder / "race.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_checked(path)
    return [(problem.place, problem.hint) for problem in caught.value.problems]


def replaced(text: str, right: str, wrong: str) -> str:
    """*text* with a mistake."""
    assert text.count(right) == 1, right
    return text.replace(right, wrong)


def test_what_is_right_is_right(tmp_path: Path) -> None:
    """Nothing is wrong with the file that the others start from."""
    path = tmp_path / "race.toml"
    path.write_text(RIGHT, encoding="utf-8")
    assert load_checked(path).name == "race"


@pytest.mark.parametrize(("right", "wrong", "place", "hint"), MISTAKES)
def test_one_mistake_is_one_problem(
    tmp_path: Path, right: str, wrong: str, place: str, hint: str
) -> None:
    """However much depends on it: what only looks wrong because of it is not told.

    A key that is misspelt is a key that is missing too, where it is needed.
    """
    found = problems(tmp_path, replaced(RIGHT, right, wrong))
    assert (place, hint) in found
    assert [each for each in found if each != (place, hint)] == (
        [("title", "")] if place == "titel" else []
    )


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Keys, values, names, labels, checks, counters, variants: in one go, each once."""
    text = RIGHT
    for right, wrong, _, _ in MISTAKES:
        text = replaced(text, right, wrong)

    found = problems(tmp_path, text)
    assert sorted(found) == sorted(
        [("title", ""), *((place, hint) for _, _, place, hint in MISTAKES)]
    )


PRE = "window[0].instead.pre"


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ('name = "P"\n', "", "process[0].name"),
        ('[{ run = "fault", until = "swap_cache_alloc.recheck" }]', "3", "window[0].steps"),
        (
            "[window.instead.pre]\nsteps = []",
            "[window.instead]\npre = 'x'",
            "window[0].instead.pre",
        ),
    ],
)
def test_what_cannot_be_mended_is_told(
    tmp_path: Path, right: str, wrong: str, place: str
) -> None:
    """Where nobody can tell what was meant, it is told with what stands beside it."""
    text = replaced(replaced(RIGHT, right, wrong), 'status = "inference"', 'status = "verifed"')
    assert problems(tmp_path, text) == [("status", "verified"), (place, "")]
