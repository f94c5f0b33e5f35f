# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m swaptrio.explore.campaign.child``: the child process of `guard`.

It reads a task from its standard input and talks on its standard output, which nobody else
gets: what a variant prints goes to standard error. Its messages are written at once and
unbuffered, so that they stand whatever comes next.
"""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import attrs

from swaptrio.explore.campaign.guard import (
    DECISION,
    ERROR,
    RESULT,
    SEED,
    Task,
    message,
    messages,
)
from swaptrio.explore.campaign.leash import leash
from swaptrio.explore.campaign.work import Hooks, run_item
from swaptrio.sched import Decision
from swaptrio.sched.strategies.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.sched import Execution


@attrs.define(eq=False)
class Pipe:
    """Where messages go."""

    descriptor: int

    def say(self, letter: bytes, content: bytes) -> None:
        """Write a message, all of it; where nobody listens any more, end without a word."""
        rest = message(letter, content)
        try:
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        except BrokenPipeError:
            os._exit(1)


def main() -> None:
    """Do what standard input says."""
    pipe = Pipe(os.dup(1))
    os.dup2(2, 1)
    with open(0, "rb", closefd=False) as standard_input:
        content = next((content for _, content in messages(standard_input)), None)
    if content is None:
        return  # nobody is there any more
    leash(0)
    try:
        task: Task = pickle.loads(content)
        result = run_item(task.item, task.matter, task.carrier, hooks_of(task, pipe))
    except Exception as exc:  # for the parent to raise
        pipe.say(ERROR, pickle.dumps(exc))
    else:
        pipe.say(RESULT, pickle.dumps(result))


def hooks_of(task: Task, pipe: Pipe) -> Hooks:
    """What says each seed, and the decisions of the one that is watched."""

    def begun(seed: int) -> None:
        pipe.say(SEED, str(seed).encode())

    if task.watch is None:
        return Hooks(task.skip, begun)
    return Hooks(task.skip, begun, lambda strategy: Telling(strategy, pipe, task.watch))


@attrs.define(eq=False)
class Telling(Wrapper):
    """Tells the deviations of the execution with seed *watched* before they are followed."""

    pipe: Pipe
    watched: int | None

    def pick(self, execution: Execution, count: int) -> int:
        """What *inner* picks."""
        number = self.inner.pick(execution, count)
        if number and self.seed == self.watched:
            task = execution.candidates()[number]
            self._tell(Decision(execution.step, number, task.name, task.label))
        return number

    def choose(self, execution: Execution, label: str, options: Sequence[object]) -> int:
        """What *inner* draws."""
        number = self.inner.choose(execution, label, options)
        if number and self.seed == self.watched:
            name = execution.me().name
            self._tell(Decision(execution.step, number, name, label))
        return number

    def _tell(self, decision: Decision) -> None:
        self.pipe.say(DECISION, str(decision).encode())


if __name__ == "__main__":
    main()
