# SPDX-License-Identifier: MIT OR Apache-2.0
"""How questions are found and answered, and what an answer may claim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from swaptrio.errors import BadInput
from swaptrio.study.ask import Answer, Claim, Decided, Lab, Stopped, Study, Table, ask, studies
from swaptrio.study.ask.page import page
from swaptrio.variants import load

Answers = Callable[[Lab], Awaitable[Answer]]

SMALL = "v4-while-orders-without-thp"


def answer_of(holds: bool = True) -> Answer:
    """An answer that says of itself that it is proved."""
    claims = (Claim(holds, "So it is.", "It is not."), Claim(True, "Quite.", "Never."))
    table = Table("what was found", ("version", "result"), (("v3", "a | b"),))
    return Answer((table,), claims, Decided.PROVED, "one task")


async def explores(lab: Lab) -> Answer:
    """Explore one task to the end."""
    await lab.explore(lab.setup(SMALL, "v3"))
    return answer_of()


async def plays(lab: Lab) -> Answer:
    """Play one window."""
    await lab.window(lab.setup(SMALL, "v3"))
    return answer_of()


async def samples(lab: Lab) -> Answer:
    """Explore, and sample besides."""
    await lab.explore(lab.setup(SMALL, "v3"))
    await lab.fuzz(lab.setup(SMALL, "v3"), range(2))
    return answer_of()


async def test_all_that_was_explored_is_proved() -> None:
    """What was explored to the end may be called proved, and is counted by class."""
    answered = await ask(Study(1, "Is it?", "by a test", explores))

    assert answered.decided is Decided.PROVED
    assert answered.executions == answered.classes > 0


@pytest.mark.parametrize(("answers", "executions"), [(plays, 1), (samples, None)])
async def test_nothing_else_is_proved(answers: Answers, executions: int | None) -> None:
    """A study that plays or samples proves nothing, whatever it says."""
    answered = await ask(Study(1, "Is it?", "by a test", answers))

    assert answered.decided is Decided.SAMPLED
    assert executions in (None, answered.executions)


async def test_sentences_follow_the_findings() -> None:
    """A claim that does not hold says the contrary, and the answer is not as expected."""
    assert answer_of().sentences == ("So it is.", "Quite.")
    assert answer_of().as_expected
    assert answer_of(holds=False).sentences == ("It is not.", "Quite.")
    assert not answer_of(holds=False).as_expected


async def test_another_variant_in_its_place() -> None:
    """A test can give a study another version under the name that it asks for."""
    names = []

    async def answers(lab: Lab) -> Answer:
        names.append(lab.setup(SMALL, "v3").variant.name)
        names.append(lab.setup(SMALL, "v5").variant.name)
        return answer_of()

    await ask(Study(1, "Is it?", "by a test", answers), instead={"v3": load("v4")})

    assert names == ["v4", "v5"]


async def test_a_study_stops() -> None:
    """Whoever is asked to stop runs nothing more."""
    with pytest.raises(Stopped):
        await ask(Study(1, "Is it?", "by a test", explores), stop=lambda: True)


def test_rows_fit_the_columns() -> None:
    """A row that is too short is a mistake of its study."""
    with pytest.raises(ValueError, match="as long as the columns"):
        Table("what was found", ("version", "result"), (("v3",),))


def test_unknown_questions() -> None:
    """All names that are wrong are told at once."""
    with pytest.raises(BadInput) as caught:
        studies("Q99", "x")

    assert [problem.value for problem in caught.value.problems] == ["'Q99'", "'x'"]


async def test_page() -> None:
    """The page has the sentences, what they rest on, and a table in Markdown."""
    text = page([await ask(Study(1, "Is it?", "by a test", explores))])

    assert "## Q1: Is it?" in text
    assert "So it is. Quite." in text
    assert "| v3 | a \\| b |" in text
    assert "proved within the bounds" in text
