# SPDX-License-Identifier: MIT OR Apache-2.0
"""The pages under docs/ say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def python_of(page: Path) -> str:
    """The Python blocks of a page, one after the other, each on its own line."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return "\n".join(blocks)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_runs(page: Path) -> None:
    """The Python code of a page runs from top to bottom, and its assertions hold."""
    exec(compile(python_of(page), page.name, "exec"), {"__name__": "page"})


def test_scheduler_page_has_code() -> None:
    """The scheduler's page shows code, so that running it means something."""
    assert "assert again == verdict" in python_of(DOCS / "scheduler.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_named_files_exist(page: Path) -> None:
    """A page names no file of the repository that is not there."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:swaptrio|tests|scenarios|docs)/[\w/.-]+\.\w+)`", text)
    missing = [name for name in named if not (DOCS.parent / name).is_file()]

    assert missing == []
