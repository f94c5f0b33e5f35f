# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio list``: which scenarios and variants there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.cli.console import Console
    from swaptrio.errors import Problem
    from swaptrio.scenario.format import Scenario
    from swaptrio.variants import Variant

_WIDTH = 80


@click.command("list", epilog=epilog("list", "list --json"))
@shared
def list_(console: Console) -> None:
    """List the scenarios, and the variants to run them with."""
    from swaptrio.variants import load, names

    scenarios = _scenarios()
    variants = [load(name) for name in names()]
    console.document(
        {
            "scenarios": [_scenario_record(scenario) for scenario in scenarios],
            "variants": [_variant_record(variant) for variant in variants],
        }
    )
    for line in _lines(scenarios, variants):
        console.say(line)


def _scenarios() -> list[Scenario]:
    from swaptrio.errors import BadInput
    from swaptrio.scenario.files import find, names
    from swaptrio.scenario.load import load

    found = []
    problems: list[Problem] = []
    for name in names():
        try:
            found.append(load(find(name)))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return found


def _scenario_record(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "catalogue": scenario.catalogue,
        "references": list(scenario.references),
        "status": scenario.status,
        "tasks": [task.name for task in scenario.task],
        "windows": [window.name for window in scenario.window],
    }


def _variant_record(variant: Variant) -> dict[str, Any]:
    return {"name": variant.name, "base": variant.base, "summary": variant.summary}


def _lines(scenarios: list[Scenario], variants: list[Variant]) -> Iterator[str]:
    from swaptrio.cli.console import filled

    yield f"{len(scenarios)} scenarios:"
    for scenario in scenarios:
        yield ""
        yield f"  {scenario.name} ({scenario.catalogue})"
        yield from (f"    {line}" for line in filled(scenario.title, _WIDTH - 4))
        windows = ", ".join(window.name for window in scenario.window)
        yield from (f"    {line}" for line in filled(f"windows: {windows}", _WIDTH - 4, "  "))
    yield ""
    yield f"{len(variants)} variants:"
    yield ""
    width = max(len(variant.name) for variant in variants)
    for variant in variants:
        first, *rest = filled(variant.summary, _WIDTH - width - 4)
        yield f"  {variant.name.ljust(width)}  {first}"
        yield from (f"  {' ' * width}  {line}" for line in rest)
