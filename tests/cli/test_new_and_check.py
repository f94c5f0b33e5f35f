# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio new`` and ``swaptrio check``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def race(swaptrio: Run, tmp_path: Path) -> Path:
    """A new scenario."""
    assert swaptrio("new", "my-race", "--to", tmp_path).exit_code == 0
    return tmp_path / "my-race.toml"


def test_a_new_one_is_fine(swaptrio: Run, race: Path) -> None:
    """What ``new`` has written passes ``check``, and replays."""
    checked = swaptrio("check", race)

    assert (checked.exit_code, checked.stdout) == (0, f"{race}: fine (A00; windows main)\n")
    assert swaptrio("replay", race).exit_code == 0


def test_json(swaptrio: Run, race: Path) -> None:
    """The path of a new file, and name, digest and windows of one that is fine."""
    made = json.loads(swaptrio("new", "other", "--to", race.parent, "--json").stdout)
    [checked] = json.loads(swaptrio("check", race, "--json").stdout)["scenarios"]

    assert Path(made["path"]).name == "other.toml"
    assert (checked["name"], checked["windows"]) == ("my-race", ["main"])


def test_a_second_time(swaptrio: Run, race: Path) -> None:
    """A file that is there already is left alone: exit 2."""
    before = race.read_bytes()

    result = swaptrio("new", "my-race", "--to", race.parent)

    assert result.exit_code == 2
    assert "is there already, and is left alone" in result.stderr
    assert race.read_bytes() == before


def test_all_that_is_wrong_at_once(swaptrio: Run, race: Path) -> None:
    """Each mistake is told with its place and the nearest right word: exit 2."""
    text = race.read_text(encoding="utf-8")
    text = text.replace(
        'until = "swap_cache_alloc.recheck"', 'until = "swap_cache_alloc.rechek"'
    )
    race.write_text(text.replace("expect.pre]", "expect.per]"), encoding="utf-8")

    result = swaptrio("check", race)

    assert result.exit_code == 2
    assert "window[0].steps[0].until" in result.stderr
    assert "did you mean 'swap_cache_alloc.recheck'?" in result.stderr
    assert "did you mean 'pre'?" in result.stderr


def test_several(swaptrio: Run, race: Path) -> None:
    """A line for each file that is fine, and one bad file spoils the lot."""
    fine = swaptrio("check", race, "two-faults-one-slot")
    spoilt = swaptrio("check", race, "two-fault-one-slot")

    assert len(fine.stdout.splitlines()) == 2
    assert (spoilt.exit_code, spoilt.stdout) == (2, "")
