# SPDX-License-Identifier: MIT OR Apache-2.0
"""The README shows what is so.

After a change that is meant, ``UPDATE_README=1 pytest tests/cli/test_readme.py`` draws it anew.
"""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swaptrio.cli.app import cli

if TYPE_CHECKING:
    from click.testing import Result

Run = Callable[..., "Result"]

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")

PICTURE = re.compile(r"(?<=<!-- picture -->\n).*?(?=<!-- end of picture -->)", re.DOTALL)
TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
VARIANT = re.compile(r"<!-- variant -->\n```python\n(.*?)```", re.DOTALL)

#: The commands whose output stands in the README, in as many columns as a mail likes.
SHOWN = "swaptrio replay target-freed-during-alloc --variant no-second-check"
TABULATED = (
    "swaptrio matrix two-faults-one-slot prepatch-conflict-becomes-oom mixed-owner-range "
    "v4-while-orders-without-thp readahead-over-bad-slot v1-swapout-stat-order"
)
COLUMNS = "76"


@pytest.mark.parametrize(("place", "command"), [(PICTURE, SHOWN), (TABLE, TABULATED)])
def test_what_is_shown(
    place: re.Pattern[str], command: str, swaptrio: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race and the table in the README are what the command above each prints."""
    monkeypatch.setenv("COLUMNS", COLUMNS)
    result = swaptrio(*shlex.split(command)[1:])
    typed = " \\\n    ".join(textwrap.wrap(command, 74, break_on_hyphens=False))
    block = f"```\n$ {typed}\n{result.stdout}```\n"
    if os.environ.get("UPDATE_README"):
        text = README.read_text(encoding="utf-8")
        README.write_text(place.sub(lambda _: block, text), encoding="utf-8")
        return

    found = place.search(TEXT)
    assert found is not None
    assert found[0] == block
    assert result.exit_code == 0


def test_what_is_said_below_the_picture(swaptrio: Run) -> None:
    """The token that the README names is that of the picture, and v3 passes the window."""
    found = PICTURE.search(TEXT)
    assert found is not None
    [token] = re.findall(r"the schedule is the token\s`(\S+)`", TEXT)

    assert f"schedule: {token}\n" in found[0]
    assert swaptrio("replay", "target-freed-during-alloc").exit_code == 0
    fuzzed = swaptrio(
        "fuzz", "target-freed-during-alloc", "--variant", "no-second-check", "--seeds", 200
    )
    assert fuzzed.exit_code == 1


def test_variant_of_ones_own(here: Path, swaptrio: Run) -> None:
    """The example of a variant works with the commands below it."""
    found = VARIANT.search(TEXT)
    assert found is not None
    (here / "small.py").write_text(found[1], encoding="utf-8")
    commands = re.findall(r"^    swaptrio (.*--variant small\.py)$", TEXT, re.MULTILINE)

    assert len(commands) == 2
    for command in commands:
        result = swaptrio(*shlex.split(command))
        assert result.exit_code == 0, result.output


def test_first_code_is_make() -> None:
    """The first lines of code are make demo and make test."""
    first, second = re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)[:2]

    assert first.startswith("make demo ")
    assert second.startswith("make test ")


def test_every_command_is_in_the_table() -> None:
    """The table names all commands, in the order of the help, and no option that is none."""
    rows = re.findall(r"^\| `swaptrio (\w+)(.*?)` \|", TEXT, re.MULTILINE)

    assert list(dict.fromkeys(name for name, _ in rows)) == list(cli.commands)
    for name, rest in rows:
        options = [option for param in cli.commands[name].params for option in param.opts]
        assert [word for word in re.findall(r"--\w+", rest) if word not in options] == []


def test_named_files_exist() -> None:
    """The README names no file or folder of the repository that is not there."""
    named = re.findall(r"`((?:swaptrio|docs|tests|scenarios)/[\w/.-]*|[A-Z-]{7,}\.?\w*)`", TEXT)

    assert len(named) >= 4
    assert [name for name in named if not (README.parent / name).exists()] == []
