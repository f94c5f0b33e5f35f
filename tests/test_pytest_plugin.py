# SPDX-License-Identifier: MIT OR Apache-2.0
"""The pytest plugin, as a pytest of its own meets it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from swaptrio.scenario.files import find

if TYPE_CHECKING:
    from pathlib import Path

NAME = "two-faults-one-slot"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one scenario and one test of somebody's."""
    shutil.copy(find(NAME), tmp_path)
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    (tmp_path / "logs").mkdir()
    return tmp_path


def pytest_in(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a pytest in *folder*."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def spoil(folder: Path, old: str, new: str) -> None:
    """Alter the scenario in *folder*."""
    path = folder / f"{NAME}.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_each_window_in_each_version_is_an_item(folder: Path) -> None:
    """They stand beside other tests, under names that tell window and variant."""
    code, output = pytest_in(folder, "-v", "--swaptrio-variants", "pre,v3")

    assert code == 0
    assert f"{NAME}.toml::main[pre] PASSED" in output
    assert f"{NAME}.toml::main[v3] PASSED" in output
    assert "test_other.py::test_other PASSED" in output


def test_with_trio_mode(folder: Path) -> None:
    """pytest-trio, which marks async tests by itself where it is told to, leaves them alone."""
    (folder / "pytest.ini").write_text("[pytest]\ntrio_mode = true\n", encoding="utf-8")

    assert pytest_in(folder)[0] == 0


def test_the_marker_chooses_them(folder: Path) -> None:
    """``-m swaptrio`` takes nothing else, and is a marker that pytest knows."""
    code, output = pytest_in(folder, "--strict-markers", "-m", "swaptrio", "-v")

    assert code == 0
    assert "1 deselected" in output


def test_a_failure_shows_the_window(folder: Path) -> None:
    """The report says what is amiss, draws the window, and has the commands to go on."""
    spoil(
        folder,
        '[window.expect.v3]\nverdict = "passed"',
        '[window.expect.v3]\nverdict = "deadlock"',
    )

    code, output = pytest_in(folder, "--swaptrio-variants", "v3")

    assert code == 1
    assert "verdict: expected deadlock, got passed" in output
    assert "swap_cache_alloc.recheck" in output
    assert f"swaptrio replay {folder / NAME}.toml --variant v3 --window main" in output
    assert "open it: swaptrio trace logs/" in output
    assert "Traceback" not in output


def test_a_failure_outlives_its_trace(folder: Path) -> None:
    """Where no trace can be written the report says so, and the rest of it stands."""
    spoil(
        folder,
        '[window.expect.v3]\nverdict = "passed"',
        '[window.expect.v3]\nverdict = "deadlock"',
    )
    (folder / "logs").rmdir()
    (folder / "logs").symlink_to("/proc")

    code, output = pytest_in(folder, f"{NAME}.toml", "--swaptrio-variants", "v3")

    assert code == 1
    assert "verdict: expected deadlock, got passed" in output
    assert "cannot be written" in output
    assert "open it" not in output


def test_a_bad_file_is_told_whole(folder: Path) -> None:
    """A file that cannot be used is an error of its collection, with the nearest right word."""
    spoil(folder, "status =", "statsu =")

    code, output = pytest_in(folder)

    assert code == 2
    assert "did you mean 'status'?" in output


def test_other_toml_files_are_nobodys_business(folder: Path) -> None:
    """A .toml file that says nothing of windows is not collected."""
    (folder / "other.toml").write_text("[tool]\nname = 1\n", encoding="utf-8")

    code, output = pytest_in(folder, "--collect-only", "-q")

    assert code == 0
    assert "other.toml" not in output


def test_unused_it_costs_nothing(tmp_path: Path) -> None:
    """Where there is no scenario file nothing of swaptrio but the plugin is imported."""
    (tmp_path / "test_modules.py").write_text(
        "import sys\n"
        "def test_modules():\n"
        "    found = {name for name in sys.modules if name.split('.')[0] in"
        " ('swaptrio', 'click', 'structlog')}\n"
        "    assert found == {'swaptrio', 'swaptrio.pytest_plugin'}, found\n",
        encoding="utf-8",
    )

    assert pytest_in(tmp_path)[0] == 0
