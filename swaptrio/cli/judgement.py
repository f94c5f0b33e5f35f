# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether an execution ended as the scenario says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swaptrio.cli import codes
from swaptrio.errors import Problem, ScenarioError, place, shown
from swaptrio.scenario.play import Played, ends_so, failures_of, missed
from swaptrio.sched import Ending, Verdict, WindowNotReached
from swaptrio.words import nearest

if TYPE_CHECKING:
    from swaptrio.cli.case import Case
    from swaptrio.scenario.format import Expect, Scenario, Window
    from swaptrio.variants import Variant


@attrs.frozen
class Judgement:
    """*missed* lists what is not as expected; *expected* says in words what is."""

    expected: str
    missed: tuple[str, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether nothing is amiss."""
        return not self.missed


def window_of(scenario: Scenario, file: str, name: str | None) -> Window:
    """The window called *name*; the first one where none is named.

    Raises:
        ScenarioError: there is none of this name; it suggests the nearest one.
    """
    if name is None:
        return scenario.window[0]
    known = {window.name: window for window in scenario.window}
    if name in known:
        return known[name]
    message = f"there is no such window; there are {', '.join(known)}"
    hint = nearest(name, known) or ""
    raise ScenarioError((Problem(file, "window", shown(name), message, hint),))


def judge_window(played: Played, expect: Expect) -> Judgement:
    """Hold an execution of a window against all that is expected of it."""
    return Judgement(in_words(expect), tuple(missed(played, expect)))


def judge_freely(verdict: Verdict, scenario: Scenario, variant: Variant) -> Judgement:
    """Hold any execution against the scenario.

    It is as expected if it passed, or if it ended as some window must end for this variant.
    """
    allowed = failures_of(scenario, variant)
    words = " or ".join(dict.fromkeys(["passed", *map(in_words, allowed)]))
    if verdict.passed or any(ends_so(verdict, expect) for expect in allowed):
        return Judgement(words)
    return Judgement(words, (f"verdict: expected {words}, got {verdict}",))


def in_words(expect: Expect) -> str:
    """The ending that is expected, in a few words."""
    return f"{expect.verdict} of {expect.check}" if expect.check else expect.verdict


def unreached(case: Case, window: Window, failure: WindowNotReached) -> Problem:
    """Where in its file the step or choice stands at which *window* got stuck."""
    where: list[str | int] = ["window", case.scenario.window.index(window)]
    part = "steps" if failure.entry else "choices"
    for name in (case.variant.name, case.variant.base):
        if name in window.instead:
            own = getattr(window.instead[name], part) is not None
            where += ["instead", name] if own else []
            break
    where.append(part)
    if failure.entry:
        where.append(failure.entry - 1)
    message = f"the window cannot be reached by {case.variant.name}: {failure.reason}"
    return Problem(case.name, place(*where), "", message)


def code_of(verdict: Verdict, judgement: Judgement) -> int:
    """The exit code for an execution."""
    if verdict.ending is Ending.DIVERGED:
        return codes.DIVERGED
    if verdict.ending is Ending.UNREACHED:
        return codes.BAD_INPUT
    return codes.OK if judgement.as_expected else codes.FAILED
