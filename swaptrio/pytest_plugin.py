# SPDX-License-Identifier: MIT OR Apache-2.0
"""A pytest plugin: ``pytest scenarios/`` plays each window of each file in each version.

An item is one window in one variant, ``large-vs-small-neighbour.toml::main[v3]``. It fails if
the execution does not end as the file expects, and the report draws the window. Nothing of
swaptrio is imported until there is a scenario file to collect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from swaptrio.cli.case import Case
    from swaptrio.cli.recording import Recording
    from swaptrio.scenario.format import Scenario, Window
    from swaptrio.variants import Variant


class UnexpectedEndError(Exception):
    """An execution did not end as its scenario expects; the message is the report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ours, all of which begin with ``--swaptrio``."""
    group = parser.getgroup("swaptrio", "races of the swap cache")
    group.addoption(
        "--swaptrio-variants",
        metavar="V,..",
        default="",
        help="variants to play scenario files in, or .py files with one; all for mutants too",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker of ours, so that ``-m swaptrio`` chooses what came from scenario files."""
    config.addinivalue_line("markers", "swaptrio: a window of a scenario file, in one variant")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """A scenario file: one that ends in .toml and says that it has windows."""
    if file_path.suffix != ".toml" or not _says_window(file_path):
        return None
    file: pytest.File = ScenarioFile.from_parent(parent, path=file_path)
    return file


def _says_window(path: Path) -> bool:
    try:
        return b"[[window]]" in path.read_bytes()
    except OSError:
        return False


class ScenarioFile(pytest.File):
    """A scenario file, whose items are its windows in each variant."""

    def collect(self) -> Iterator[pytest.Item]:
        """The items; a file that cannot be used is an error with all its problems."""
        from swaptrio.errors import BadInput
        from swaptrio.scenario.files import digest
        from swaptrio.scenario.play import load_checked
        from swaptrio.variants import load, names

        option = self.config.getoption("--swaptrio-variants")
        try:
            variants = [load(name) for name in _spelled(option)]
            known = set(names())
            own = next((found for found in variants if found.name not in known), None)
            scenario = load_checked(self.path, own)
            made = digest(self.path)
        except BadInput as error:
            raise self.CollectError(str(error)) from None
        for window in scenario.window:
            for variant in variants:
                yield _item(self, scenario, window, variant, made)


def _spelled(option: str) -> list[str]:
    from swaptrio.variants import VERSIONS, names

    listed = {"": list(VERSIONS), "all": list(names())}.get(option)
    return listed or [name.strip() for name in option.split(",")]


def _item(
    file: ScenarioFile, scenario: Scenario, window: Window, variant: Variant, digest: str
) -> WindowItem:
    from swaptrio.cli.case import Case

    case = Case(str(file.path), variant.name, scenario, variant, digest)
    item: WindowItem = WindowItem.from_parent(
        file, name=f"{window.name}[{variant.name}]", case=case, window=window
    )
    return item


class WindowItem(pytest.Item):
    """One window in one variant."""

    def __init__(self, *, case: Case, window: Window, **more: Any) -> None:
        super().__init__(**more)
        self.case = case
        self.window = window
        self.obj = (
            self.runtest
        )  # pytest-trio, with trio_mode, looks whether every item's is async
        self.add_marker("swaptrio")

    def runtest(self) -> None:
        """Play the window, and hold it against what the file expects.

        Raises:
            UnexpectedEndError: it ended otherwise.
        """
        from swaptrio.scenario.play import expected_of, missed

        expect = expected_of(self.window, self.case.variant)
        if expect.verdict == "n/a":
            pytest.skip(expect.reason)
        recording = _recorded(self.case, self.window)
        amiss = list(missed(recording.played, expect))
        if amiss:
            raise UnexpectedEndError("\n".join(_report(recording, self.window, amiss)))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """The report alone: where in swaptrio it was raised helps nobody."""
        if isinstance(excinfo.value, UnexpectedEndError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """How pytest calls it."""
        return self.path, None, f"{self.case.scenario.name}: {self.name}"


def _recorded(case: Case, window: Window) -> Recording:
    import trio

    from swaptrio.cli.recording import record
    from swaptrio.scenario.play import script_of
    from swaptrio.sched import open_scheduler

    async def main() -> Recording:
        async with open_scheduler("stepped") as scheduler:
            return await record(scheduler, case, script_of(window, case.variant))

    return trio.run(main)


def _report(recording: Recording, window: Window, amiss: list[str]) -> Iterator[str]:
    import shlex

    from swaptrio.cli.recording import keep, log_of
    from swaptrio.errors import TraceError
    from swaptrio.trace import draw_lanes

    case = recording.case
    yield from amiss
    yield ""
    yield draw_lanes(recording.trace, width=80)
    options = ["--variant", case.spelled, "--window", window.name]
    yield shlex.join(["swaptrio", "replay", case.name, *options])
    path = log_of(case, window.name)
    try:
        keep(recording.trace, path)
    except TraceError as error:
        yield str(error)
    else:
        yield f"trace: {path}; open it: swaptrio trace {shlex.quote(str(path))}"
