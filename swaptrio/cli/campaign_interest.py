# SPDX-License-Identifier: MIT OR Apache-2.0
"""Before a campaign: what its strategy was told to look at has to be there to be looked at."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from swaptrio.cli.interest import fits_nothing
from swaptrio.errors import BadInput, Problem
from swaptrio.explore.campaign.trial import try_out
from swaptrio.explore.interest import unmet
from swaptrio.sched.strategies import parse

if TYPE_CHECKING:
    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Case, Engine, Plan
    from swaptrio.explore.campaign.trial import Trial
    from swaptrio.sched import Carrier

#: Cases that are told by name.
_TOLD: Final = 3


def check_interest(
    console: Console, plan: Plan, cases: tuple[Case, ...], engine: Engine, carrier: Carrier
) -> None:
    """See that each word of the strategy fits something; where it does not is said.

    Raises:
        BadInput: a word fits nothing in any of *cases*.
    """
    words = unmet(parse(plan.strategy))
    if not words:
        return
    trials = _trials(console, plan, cases, engine, carrier)
    problems = []
    for word in words:
        without = [case for case, trial in trials.items() if word in trial.unmet]
        names = [f"{case.name[0]}, variant {case.name[1]}" for case in without]
        if len(without) == len(cases):
            problems.append(_problem(word, without, list(trials.values())))
        elif without:
            left = len(names) - _TOLD
            told = "; ".join(names[:_TOLD]) + (f"; and {left} more" if left > 0 else "")
            counts = f"{len(without)} of {len(cases)} cases"
            console.tell(f"--strategy: {word!r} fits nothing in {counts}: {told}")
    if problems:
        raise BadInput(problems)


def _trials(
    console: Console, plan: Plan, cases: tuple[Case, ...], engine: Engine, carrier: Carrier
) -> dict[Case, Trial]:
    """A trial of each case. One that takes its worker with it tells nothing."""
    trials, futures = {}, {}
    for case in cases:
        item = next(plan.items_of(case))
        with suppress(*engine.lost):
            futures[case] = engine.submit(try_out, item, case.matter, carrier)
    for number, (case, future) in enumerate(futures.items(), 1):
        console.progress(f"trying {plan.strategy} on case {number} of {len(cases)}")
        with suppress(*engine.lost):
            trials[case] = future.result()
    if len(trials) < len(cases):
        engine.restart()
    return trials


def _problem(word: str, cases: list[Case], trials: list[Trial]) -> Problem:
    executions = sum(trial.executions for trial in trials)
    words = [known for trial in trials for known in trial.words]
    scenarios = ", ".join(dict.fromkeys(case.name[0] for case in cases))
    return Problem("", "--strategy", "", fits_nothing(word, executions, scenarios, words))
