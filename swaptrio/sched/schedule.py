# SPDX-License-Identifier: MIT OR Apache-2.0
"""Schedules: the short list of decisions that differ from "the running task goes on".

An execution numbers its decisions from 1, the forced ones included, so that a decision's number
is the sequence number of its step in a trace. Decision 0 is the default: the running task goes
on, or, where it cannot, the first enabled task; for a data choice the first option. A schedule
lists only the others, and prints as one token that a shell takes without quotes::

    12:1,31:2
    12:1@zap/zap_pte_range.lock,31:2@fault/swap_cache_alloc.recheck

The part behind ``@`` is what the decision led to when it was recorded. Replay compares it, so a
schedule that meets changed code is reported as diverged and never runs something else unseen.
Names may be any text; what a shell or this format would misread is written as in a URL
(``%20``). The empty schedule prints as ``-``.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import attrs

EMPTY: Final = "-"
_NAME: Final = r"((?:[\w.+-]|%[0-9A-Fa-f]{2})+)"
_DEVIATION: Final = re.compile(rf"(\d{{1,9}}):(\d{{1,6}})(?:@{_NAME}/{_NAME})?", re.ASCII)


class BadSchedule(ValueError):
    """A text that is no schedule; the message names the place and the part."""


class Decision(NamedTuple):
    """A deviation: at *step* (from 1) take candidate *index* (from 1).

    *task* and *label* say what that was when it was recorded; both are empty in a schedule
    written by hand. A tuple, as each execution makes dozens, which nobody may ever look at.
    """

    step: int
    index: int  # type: ignore[assignment]  # hides the method of a tuple, which nobody calls
    task: str = ""
    label: str = ""

    def __str__(self) -> str:
        where = f"@{written_name(self.task)}/{written_name(self.label)}" if self.task else ""
        return f"{self.step}:{self.index}{where}"


@attrs.frozen
class Schedule:
    """The deviations of one execution, in the order of their steps."""

    decisions: tuple[Decision, ...] = ()

    def __str__(self) -> str:
        return ",".join(str(decision) for decision in self.decisions) or EMPTY

    def __len__(self) -> int:
        return len(self.decisions)

    def without(self, position: int) -> Schedule:
        """This schedule less the decision at *position* (from 0)."""
        return Schedule(self.decisions[:position] + self.decisions[position + 1 :])

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a token back; the inverse of ``str``.

        Raises:
            BadSchedule: the text is no schedule, or its steps do not rise.
        """
        if text in ("", EMPTY):
            return cls()
        decisions = tuple(
            _parse_decision(part, place) for place, part in enumerate(text.split(","), 1)
        )
        for place, (left, right) in enumerate(pairwise(decisions), 2):
            if right.step <= left.step:
                msg = (
                    f"schedule part {place}: step {right.step} does not follow step {left.step}"
                )
                raise BadSchedule(msg)
        return cls(decisions)


def written_name(name: str) -> str:
    """*name* as it stands in a schedule."""
    return quote(name, safe="+", errors="surrogatepass").replace("~", "%7E")


def read_name(name: str) -> str:
    """The name that stands in a schedule as *name*; the inverse of `written_name`.

    Raises:
        UnicodeDecodeError: it is no text.
    """
    return unquote(name, errors="surrogatepass")


def _parse_decision(part: str, place: int) -> Decision:
    where = f"schedule part {place}: {part[:60]!r}"
    match = _DEVIATION.fullmatch(part)
    if match is None:
        msg = f"{where} is not STEP:INDEX or STEP:INDEX@TASK/LABEL"
        raise BadSchedule(msg)
    step, index, task, label = match.groups(default="")
    if int(step) == 0 or int(index) == 0:
        msg = f"{where} has a zero; steps and deviations count from 1"
        raise BadSchedule(msg)
    try:
        return Decision(int(step), int(index), read_name(task), read_name(label))
    except UnicodeDecodeError:
        msg = f"{where} has a name that is no text"
        raise BadSchedule(msg) from None
