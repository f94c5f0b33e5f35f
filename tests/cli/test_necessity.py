# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio necessity``: who notices that a part of a version has gone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest
from click.testing import Result

from swaptrio.study.necessity import table as module
from swaptrio.variants import load
from swaptrio.variants.parts import parts_of

Run = Callable[..., Result]

CHECK = "_swap_cache_add_check.check2"


def test_what_is_told(swaptrio: Run) -> None:
    """The part, where it stands, who notices, the command; and how many do."""
    result = swaptrio("necessity", CHECK)

    part, notice, command, total = result.stdout.splitlines()
    assert result.exit_code == 0
    assert part.startswith(f"{CHECK}  v3.py:")
    assert part.endswith(" if swp_tb_is_folio(old_tb)")
    assert notice.startswith("  charge-reclaim-under-folio-lock: I-ONE: ")
    assert command.startswith("  swaptrio replay charge-reclaim-under-folio-lock --variant ")
    assert total == "v3: parts: 1, noticed: 1, not noticed: 0"


@pytest.mark.parametrize("part", [CHECK, "can_swapin_thp.check1", "_roll_back.lock1"])
def test_the_command_replays_it(swaptrio: Run, part: str) -> None:
    """What is printed shows the same failure, and the whole version has none there."""
    document = json.loads(swaptrio("necessity", part, "--json").stdout)
    [row] = document["parts"]
    words = shlex.split(row["noticed"]["command"])[1:]

    replayed = swaptrio(*words)
    assert replayed.exit_code == 1
    assert row["noticed"]["check"] in replayed.stdout
    if row["noticed"]["window"]:
        whole = [word.partition("~")[0] for word in words]
        assert swaptrio(*whole).exit_code == 0


def test_for_programs(swaptrio: Run) -> None:
    """One document, with a record for each part."""
    document = json.loads(swaptrio("necessity", "--variant", "v5", CHECK, "--json").stdout)

    [row] = document["parts"]
    assert (document["variant"], document["in_order"]) == ("v5", True)
    assert (row["part"], row["kind"], row["file"]) == (CHECK, "check", "v5.py")
    assert row["reason"] is None
    assert row["noticed"]["deviations"] == 0


def test_list(swaptrio: Run) -> None:
    """All parts can be listed without a run."""
    lines = swaptrio("necessity", "--list").stdout.splitlines()
    document = json.loads(swaptrio("necessity", "--list", "--json").stdout)

    names = [part.name for part in parts_of(load("v3"))]
    assert [line.partition("  ")[0] for line in lines] == names
    assert [part["part"] for part in document["parts"]] == names


def test_unknown_part(swaptrio: Run) -> None:
    """A part that is none is told with the nearest one."""
    result = swaptrio("necessity", "_roll_back.lck1")

    assert result.exit_code == 2
    assert result.stderr == (
        "v3: part: there is no part of this name; --list names all (got '_roll_back.lck1'); "
        "did you mean '_roll_back.lock1'?\n"
    )


def test_nobody_notices(swaptrio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a reason that is a failure; with one it is told."""
    monkeypatch.setattr(module, "names", lambda: ["two-faults-one-slot"])
    part = "_install.order2"

    told = swaptrio("necessity", part)
    monkeypatch.setattr(module, "REASONS", {})
    untold = swaptrio("necessity", part)

    assert told.exit_code == 0
    assert "nobody notices: redundant. The page-table lock" in told.stdout
    assert untold.exit_code == 1
    assert f"  {part}: nobody notices, and nobody says why\n" in untold.stdout
