# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the page on a version of one's own says is what happens."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from swaptrio.cli.app import cli

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-version.md").read_text(encoding="utf-8")
VARIANT = re.search(r"<!-- v6 -->\n```python\n(.*?)```", PAGE, re.DOTALL)
MENDED = re.search(r"<!-- mended -->\n```diff\n(.*?)```", PAGE, re.DOTALL)
SHOWN = re.compile(r"```\n\$ (?P<command>(?:[^\n]*\\\n)*[^\n]*)\n(?P<output>.*?)```", re.DOTALL)


def patched(text: str, patch: str) -> str:
    """*text* with each hunk of *patch* in its place, of which there must be one."""
    for hunk in re.split(r"^@@.*\n", patch, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines()
        before, after = (
            "\n".join(line[1:] for line in lines if line[:1] != other) for other in "+-"
        )
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def told(command: str) -> str:
    """What a command of the page prints."""
    words = shlex.split(command.replace("\\\n", ""))
    assert words[0] == "swaptrio"
    return CliRunner().invoke(cli, words[1:], prog_name="swaptrio").stdout


def test_the_whole_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command, in its order, prints what stands below it; three dots are for anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "76")
    Path("logs").mkdir()
    assert VARIANT
    assert MENDED
    Path("v6.py").write_text(VARIANT[1], encoding="utf-8")
    shown = list(SHOWN.finditer(PAGE))
    assert len(shown) == 5

    for each in shown:
        if each.start() > MENDED.start():
            Path("v6.py").write_text(patched(VARIANT[1], MENDED[1]), encoding="utf-8")
        printed = told(each["command"])
        assert doctest.OutputChecker().check_output(
            each["output"], printed, doctest.ELLIPSIS
        ), printed
