# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scenario file to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swaptrio.errors import ScenarioError
from swaptrio.explore.matrix import Standing, cell_of
from swaptrio.scenario.play import load_checked
from swaptrio.scenario.skeleton import write_skeleton
from swaptrio.sched import open_scheduler
from swaptrio.variants import VERSIONS, load

if TYPE_CHECKING:
    from pathlib import Path


async def test_it_runs_as_it_is(tmp_path: Path) -> None:
    """What it expects comes, in every version, and a version without the label is left out."""
    scenario = load_checked(write_skeleton(tmp_path, "my-race"))

    async with open_scheduler() as scheduler:
        cells = [await cell_of(scheduler, scenario, load(name)) for name in VERSIONS]

    assert scenario.name == "my-race"
    assert {cell.standing for cell in cells} == {Standing.PASSED, Standing.ABSENT}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A file that is there is left alone, and no other is left behind."""
    path = tmp_path / "my-race.toml"
    path.write_text("mine", encoding="utf-8")

    with pytest.raises(ScenarioError, match="is there already"):
        write_skeleton(tmp_path, "my-race")

    assert path.read_text(encoding="utf-8") == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["My-Race", "", "a/b", "race.toml"])
def test_a_name_is_one(tmp_path: Path, name: str) -> None:
    """What cannot be the name of a scenario writes nothing."""
    with pytest.raises(ScenarioError, match="must be a name"):
        write_skeleton(tmp_path, name)

    assert list(tmp_path.iterdir()) == []


def test_no_such_folder(tmp_path: Path) -> None:
    """A folder that is not there is told."""
    with pytest.raises(ScenarioError, match="cannot be written: No such file"):
        write_skeleton(tmp_path / "nowhere", "my-race")
