# SPDX-License-Identifier: MIT OR Apache-2.0
"""Finding out what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from swaptrio.scenario.files import names
from swaptrio.variants import names as variants

Run = Callable[..., Result]
Document = Callable[[Result], Any]


def test_list_has_all(swaptrio: Run, document: Document) -> None:
    """Every scenario and every variant is listed, for people and for programs."""
    text = swaptrio("list")
    record = document(swaptrio("list", "--json"))

    assert text.exit_code == 0
    assert [entry["name"] for entry in record["scenarios"]] == names()
    assert [entry["name"] for entry in record["variants"]] == list(variants())
    assert all(f"  {name} " in text.stdout for name in [*names(), *variants()])
    assert max(map(len, text.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", names())
def test_every_scenario_can_be_shown(name: str, swaptrio: Run, document: Document) -> None:
    """A shipped scenario is shown with its windows and with the checks that it names."""
    text = swaptrio("show", name)
    record = document(swaptrio("show", name, "--json"))

    assert text.exit_code == 0
    assert max(map(len, text.stdout.splitlines())) <= 80
    for window in record["window"]:
        assert f"window {window['name']}\n" in text.stdout
        for expect in window["expect"].values():
            assert not expect["check"] or record["checks"][expect["check"]]


def test_show_takes_a_path(race: str, swaptrio: Run, document: Document) -> None:
    """A scenario of one's own is shown by its path; its content has a digest."""
    record = document(swaptrio("show", race, "--json"))

    assert record["name"] == "race"
    assert record["path"] == race
    assert len(record["digest"]) == 12
    assert record["window"][0]["expect"]["pre"]["reason"] == "it has no second check"
