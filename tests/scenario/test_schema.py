# SPDX-License-Identifier: MIT OR Apache-2.0
"""The JSON Schema of scenario files: it is current, and knows what is wrong."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from swaptrio.scenario.deeds import DEED_KEYS
from swaptrio.scenario.files import find, folder, names
from swaptrio.scenario.format import Scenario
from swaptrio.scenario.schema import schema

COMMITTED = folder() / "scenario.schema.json"
VALIDATOR = Draft202012Validator(schema())


def tables(name: str) -> dict[str, Any]:
    """The tables of a scenario that came with swaptrio."""
    return tomllib.loads(find(name).read_text(encoding="utf-8"))


def test_it_is_current() -> None:
    """The committed schema is what ``python -m swaptrio.scenario.schema`` writes."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == schema()


def test_it_is_one() -> None:
    """It is a schema itself."""
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", names())
def test_every_scenario_fits(name: str) -> None:
    """An editor underlines nothing in a file that swaptrio can use."""
    assert [error.message for error in VALIDATOR.iter_errors(tables(name))] == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"titel": "x"}, "titel"),
        ({"title": 3}, "string"),
        ({"name": "Two Faults"}, "match"),
        ({"status": "hearsay"}, "hearsay"),
        ({"device": [{"name": "swap0", "clusters": 0}]}, "minimum"),
        ({"device": [{}]}, "name"),
        ({"task": [{"name": "a", "run": "fualt"}]}, "fualt"),
        ({"process": [{"name": "P", "orders": [10]}]}, "maximum"),
        ({"window": [{"expect": {"v3": {"verdict": "pass"}}}]}, "pass"),
        (
            {"window": [{"expect": {"v3": {"verdict": "passed", "slots": {"17": "-"}}}}]},
            "match",
        ),
    ],
)
def test_what_is_wrong_is_seen(change: dict[str, Any], word: str) -> None:
    """Keys, types, ranges and words that the format does not have are errors."""
    errors = [error.message for error in VALIDATOR.iter_errors(tables(names()[0]) | change)]

    assert any(word in error for error in errors), errors


def test_every_key_is_described() -> None:
    """Whoever completes a key is told what it is."""
    described = schema()["properties"]
    assert set(described) == {field.name for field in attrs.fields(Scenario)}

    def undescribed(table: dict[str, Any], where: str) -> list[str]:
        found = []
        for name, inner in table.get("properties", {}).items():
            found += [f"{where}.{name}"] * (not inner["description"])
            found += undescribed(inner.get("items", inner), f"{where}.{name}")
        return found

    assert undescribed(schema(), "") == []


def test_it_knows_every_deed() -> None:
    """All kinds of deed are offered."""
    assert schema()["properties"]["task"]["items"]["properties"]["run"]["enum"] == list(
        DEED_KEYS
    )
