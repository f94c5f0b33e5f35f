# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where scenario files are found."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from swaptrio.errors import ScenarioError
from swaptrio.scenario import files


@pytest.fixture(name="package")
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package without anything in it."""
    package = tmp_path / "site-packages" / "swaptrio"
    package.mkdir(parents=True)
    monkeypatch.setattr(files, "_PACKAGE", package)
    return package


def filled(folder: Path, *names: str) -> Path:
    """*folder*, with an empty file for each of *names*."""
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return folder


def test_own_checkout() -> None:
    """In this checkout the scenarios lie beside the package."""
    assert files.folder() == Path(__file__).resolve().parents[2] / "scenarios"


def test_installed(package: Path) -> None:
    """An installed package reads the scenarios that it carries, whatever lies beside it."""
    filled(package.parent / "scenarios", "other.toml")
    carried = filled(package / "_scenarios", "one.toml")

    assert files.folder() == carried
    assert files.names() == ["one"]


def test_names(package: Path) -> None:
    """Scenarios are named by their files, sorted; what is no such file is passed over."""
    folder = filled(
        package / "_scenarios", "b.toml", "a.toml", ".#a.toml", "README.md", "c.TXT"
    )
    (folder / "d.toml").mkdir()

    assert files.names() == ["a", "b"]


def test_no_folder(package: Path) -> None:
    """Without a folder there are no scenarios."""
    assert package.is_dir()
    assert files.names() == []


def test_find_by_name(package: Path) -> None:
    """A name leads to the file that came with swaptrio."""
    folder = filled(package / "_scenarios", "a.toml")

    assert files.find("a") == folder / "a.toml"


@pytest.mark.parametrize("path", ["mine.toml", "/tmp/x/mine.toml", Path("x/mine.toml")])
def test_find_by_path(path: str | Path, package: Path) -> None:
    """A path that ends in .toml is taken as it is, there or not."""
    filled(package / "_scenarios", "mine.toml")

    assert files.find(path) == Path(path)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("two-fautls", "(got 'two-fautls'); did you mean 'two-faults'?"),
        ("quux", "(got 'quux')"),
        ("", "(got '')"),
        ("../_scenarios/two-faults", "(got '../_scenarios/two-faults')"),
        ("two-faults\0", "(got 'two-faults\\x00'); did you mean 'two-faults'?"),
    ],
)
def test_unknown_name(name: str, ending: str, package: Path) -> None:
    """A name that no scenario has is an error with the nearest name; it never is a path."""
    filled(package / "_scenarios", "two-faults.toml")

    with pytest.raises(ScenarioError) as caught:
        files.find(name)

    said = "there is no scenario of this name; a path must end in .toml " + ending
    assert str(caught.value).startswith(said)


def test_digest(tmp_path: Path) -> None:
    """A digest names the bytes of a file, line ends included."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"name = 1\r\n")

    assert files.digest(path) == hashlib.sha256(b"name = 1\r\n").hexdigest()[:12]


def test_digest_of_nothing(tmp_path: Path) -> None:
    """A file that cannot be read has no digest."""
    with pytest.raises(ScenarioError, match="there is no such file"):
        files.digest(tmp_path / "a.toml")
