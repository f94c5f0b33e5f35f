# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page of the answers, and what holds of all studies alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from swaptrio.cli.asked import lines_of
from swaptrio.study.ask import ask, names, studies
from swaptrio.study.ask.page import section

PAGE = (Path(__file__).parents[3] / "docs" / "questions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
async def test_answer(name: str) -> None:
    """It is as expected, fits 100 columns, and stands on the page word for word."""
    [study] = studies(name)
    answered = await ask(study)

    assert answered.answer.as_expected
    assert max(map(len, lines_of([answered]))) <= 100
    assert "\n".join(section(answered)) in PAGE


def test_the_page_has_all_questions() -> None:
    """One section for each, in their order, and none besides."""
    headings = [line for line in PAGE.splitlines() if line.startswith("## ")]

    assert headings == [f"## {study.name}: {study.question}" for study in studies()]
