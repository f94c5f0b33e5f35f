# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio show``: what a scenario says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from swaptrio.cli.options import epilog, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from swaptrio.cli.console import Console
    from swaptrio.scenario.format import Expect, Scenario, Window, WindowStep

_WIDTH = 80


@click.command(epilog=epilog("show large-vs-small-neighbour", "show path/to/race.toml --json"))
@click.argument("name")
@shared
def show(console: Console, name: str) -> None:
    """Show what the scenario NAME says."""
    from swaptrio.scenario.files import digest, find
    from swaptrio.scenario.play import load_checked

    path = find(name)
    scenario = load_checked(path)
    console.document(_record(scenario, path, digest(path)))
    for line in _lines(scenario, path):
        console.say(line)


def _record(scenario: Scenario, path: Path, digest: str) -> dict[str, Any]:
    import attrs

    values = attrs.asdict(scenario, value_serializer=_plain)
    return {**values, "path": str(path), "digest": digest, "checks": _checks(scenario)}


def _plain(_instance: Any, _field: Any, value: Any) -> Any:
    """Mappings of any kind as dictionaries, tuples as lists: what JSON knows."""
    from collections.abc import Mapping

    if isinstance(value, Mapping):
        return {key: _plain(None, None, inner) for key, inner in value.items()}
    return value


def _checks(scenario: Scenario) -> dict[str, str]:
    """What the checks that the windows name say, by name."""
    from swaptrio.checks import CHECKS
    from swaptrio.sched.verdict import TOLD_BY

    sentences = dict(CHECKS)
    for told in TOLD_BY.values():
        sentences.update(told)
    expects = [expect for window in scenario.window for expect in window.expect.values()]
    named = [check for expect in expects for check in (expect.check, *expect.reports)]
    return {check: sentences[check] for check in sorted({check for check in named if check})}


def _lines(scenario: Scenario, path: Path) -> Iterator[str]:
    from swaptrio.cli.console import filled, short

    yield f"{scenario.name} ({scenario.catalogue}, {scenario.status})"
    yield from filled(scenario.title, _WIDTH)
    yield f"file: {short(path)}"
    for reference in scenario.references:
        yield from filled(f"reference: {reference}", _WIDTH, "  ")
    if scenario.note:
        yield from filled(f"note: {scenario.note}", _WIDTH, "  ")
    yield ""
    yield from filled(scenario.story, _WIDTH)
    yield ""
    yield "set-up:"
    yield from (f"  {line}" for line in _setup(scenario))
    for window in scenario.window:
        yield ""
        yield from _window(window)
    checks = _checks(scenario)
    if checks:
        yield ""
        yield "checks named above:"
        for check, sentence in checks.items():
            words = f"{check}: {sentence}"
            yield from (f"  {line}" for line in filled(words, _WIDTH - 2, "  "))


def _setup(scenario: Scenario) -> Iterator[str]:
    kernel = scenario.kernel
    failures = f", may fail: {', '.join(kernel.failures)}" if kernel.failures else ""
    thp = "with" if kernel.thp else "without"
    yield f"kernel {thp} THP, memcg {kernel.memcg}{failures}"
    for device in scenario.device:
        kind = "synchronous" if device.sync else "asynchronous"
        yield f"device {device.name}: {kind}, {device.slots} slots"
    for memcg in scenario.memcg:
        yield f"memcg {memcg.name}: limit {memcg.limit} pages"
    for process in scenario.process:
        orders = f", orders {', '.join(map(str, process.orders))}" if process.orders else ""
        yield f"process {process.name} in {process.memcg}{orders}"
    for slots in scenario.slots:
        whose = f" of {slots.process}:{slots.page}" if slots.process else ""
        last = slots.first + slots.nr - 1
        yield f"slots {slots.device}:{slots.first} to {last}{whose}, count {slots.count}"
    for page in scenario.page:
        yield f"page {page.process}:{page.page} is resident"
    for task in scenario.task:
        where = f"{task.process}:{task.page}" if task.process else f"{task.device}:{task.slot}"
        yield f"task {task.name}: {task.run} {where}"


def _window(window: Window) -> Iterator[str]:
    from swaptrio.cli.console import filled

    yield f"window {window.name}"
    if window.story:
        yield from (f"  {line}" for line in filled(window.story, _WIDTH - 2))
    yield from (f"  {_step(step)}" for step in window.steps)
    for label, options in window.choices.items():
        yield f"  draw {', '.join(options)} at {label}"
    for variant, instead in window.instead.items():
        for step in instead.steps or ():
            yield f"  {variant} instead: {_step(step)}"
        for label, options in (instead.choices or {}).items():
            yield f"  {variant} instead: draw {', '.join(options)} at {label}"
    for variant, expect in window.expect.items():
        words = f"{variant} must end: {_expect(expect)}"
        yield from (f"  {line}" for line in filled(words, _WIDTH - 2, "  "))


def _step(step: WindowStep) -> str:
    times = f", time {step.times}" if step.times > 1 else ""
    return f"run {step.run} until {step.until or 'its end'}{times}"


def _expect(expect: Expect) -> str:
    verdict = f"{expect.verdict} of {expect.check}" if expect.check else expect.verdict
    return f"{verdict} ({expect.reason})" if expect.reason else verdict
