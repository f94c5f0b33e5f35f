# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio ask``: the list of questions, their answers, and what is no question."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable

import attrs
import pytest
from click.testing import Result

from swaptrio.study.ask import Answer, Claim, Decided, Lab, Stopped, Table, names

Run = Callable[..., Result]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts an answer in the place of that of Q4; its first sentence *holds* or does not."""
    module = importlib.import_module("swaptrio.study.ask.q04")

    def put(*, holds: bool = True, stopped: bool = False, version: str = "v3") -> None:
        async def answer(lab: Lab) -> Answer:
            if stopped:
                raise Stopped
            await lab.window(lab.setup("two-faults-one-slot", "v3"))
            claims = (Claim(holds, "So it is.", "It is not."), Claim(True, "Quite.", "Never."))
            table = Table("what was found", ("version", "result"), ((version, "word " * 40),))
            return Answer((table,), claims, Decided.SAMPLED, "two tasks")

        monkeypatch.setattr(module, "STUDY", attrs.evolve(module.STUDY, answers=answer))

    return put


def test_list(swaptrio: Run) -> None:
    """Without a question all are listed, with who asked them in the document."""
    lines = swaptrio("ask").stdout.splitlines()
    listed = json.loads(swaptrio("ask", "--json").stdout)["questions"]

    assert [line.split()[0] for line in lines if line.startswith("Q")] == list(names())
    assert [each["name"] for each in listed] == list(names())
    assert all(each["asked"] and each["question"] for each in listed)


def test_answer(swaptrio: Run, answers: Callable[..., None]) -> None:
    """What was run, the two sentences, and the command that repeats it, in 100 columns."""
    answers()
    result = swaptrio("ask", "q4")

    assert result.exit_code == 0
    assert "run: 1 execution; sampled only" in result.stdout
    assert "answer: So it is.\nanswer: Quite.\nrepeat: swaptrio ask Q4\n" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_cell_without_an_end(swaptrio: Run, answers: Callable[..., None]) -> None:
    """A cell that is wider than the page leaves what stands behind it readable."""
    answers(version="v" * 150)
    result = swaptrio("ask", "Q4")

    assert result.exit_code == 0
    assert f"{'v' * 150}  word word word word\n" in result.stdout


def test_contradicted(swaptrio: Run, answers: Callable[..., None]) -> None:
    """An answer that the findings do not bear out is told as one: exit 1."""
    answers(holds=False)
    result = swaptrio("ask", "Q4")

    assert result.exit_code == 1
    assert "not as expected: It is not.\nanswer: Quite.\n" in result.stdout


def test_json(swaptrio: Run, answers: Callable[..., None]) -> None:
    """One document with all that the text says."""
    answers(holds=False)
    result = swaptrio("ask", "Q4", "Q4", "--json")

    [question] = json.loads(result.stdout)["questions"]
    assert question["answer"] == ["It is not.", "Quite."]
    assert question["as_expected"] is False
    assert question["tables"][0]["columns"] == ["version", "result"]
    assert (question["executions"], question["decided"]) == (1, "sampled only")
    assert question["command"] == "swaptrio ask Q4"


def test_stopped(swaptrio: Run, answers: Callable[..., None]) -> None:
    """A study that was stopped has no answer, and that is said."""
    answers(stopped=True)
    result = swaptrio("ask", "Q4", "--json")

    assert json.loads(result.stdout) == {"questions": []}
    assert "0 of 1 questions were answered" in result.stderr


def test_unknown(swaptrio: Run) -> None:
    """A question that there is not gets the nearest that there is: exit 2."""
    result = swaptrio("ask", "Q4", "Q14")

    assert result.exit_code == 2
    assert "'Q14'" in result.stderr
    assert re.search(r"did you mean '(Q\d+)'", result.stderr)[1] in names()  # type: ignore[index]  # or fail


def test_all_or_some(swaptrio: Run) -> None:
    """Questions and --all exclude each other: exit 2."""
    result = swaptrio("ask", "Q4", "--all")

    assert result.exit_code == 2
    assert "not both" in result.stderr
