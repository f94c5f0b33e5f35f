# SPDX-License-Identifier: MIT OR Apache-2.0
"""An item under suspicion: it may take the interpreter that runs it with it.

It is run in a child process that says each seed before it begins it. A child that dies has
named the seed. It is not believed at once, as somebody else may have killed it: another child
runs the same item, and tells the decisions of that seed too. If it dies at the same seed, that
one kills: it is a failure with a schedule, and is left out when the item is run once more.

An item of which `MOST` seeds kill is given up: what came before the last of them counts.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.explore.campaign.item import Item, Matter
from swaptrio.explore.campaign.result import CRASHED, Failure, FailureKind, Result, joined
from swaptrio.sched import Carrier, Decision, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Seeds of one item that may kill before the rest of it is left alone.
MOST: Final = 3

#: Children that are run of one item at most, if now these seeds kill and now those.
PATIENCE: Final = 4 * MOST

#: What is said to children and by them: a letter, the rest's length in four bytes, the rest.
TASK: Final = b"t"
SEED: Final = b"s"
DECISION: Final = b"d"
RESULT: Final = b"r"
ERROR: Final = b"e"

_CHILD: Final = "swaptrio.explore.campaign.child"


@attrs.frozen
class Task:
    """What a child is to do: *item*, without the seeds *skip*; *watch* is the suspect."""

    item: Item
    matter: Matter
    carrier: Carrier
    skip: tuple[int, ...] = ()
    watch: int | None = None


@attrs.define
class Report:
    """What a child has said: its last seed, that seed's decisions, a result if it lived."""

    seed: int | None = None
    decisions: list[Decision] = attrs.Factory(list)
    result: Result | None = None
    code: int = 0

    @property
    def death(self) -> str:
        """How it died."""
        if self.code >= 0:
            return f"the interpreter ended with code {self.code}"
        try:
            return f"the interpreter died of {signal.Signals(-self.code).name}"
        except ValueError:
            return f"the interpreter died of signal {-self.code}"


def run_guarded(item: Item, matter: Matter, carrier: Carrier) -> Result:
    """The result of *item*, whatever becomes of the interpreters that run it.

    Raises:
        Exception: what `run_item` raises.
    """
    killers: list[Failure] = []
    suspect = None
    for _ in range(PATIENCE):
        skip = tuple(each.first for each in killers)
        report = run_child(Task(item, matter, carrier, skip, suspect))
        if report.result is not None:
            return _with(report.result, killers)
        if report.seed is None:
            return _stillborn(item, report)
        if report.seed != suspect:
            suspect = report.seed
            continue
        killers.append(_killer(report))
        suspect = None
        if len(killers) == MOST:
            break
    return _given_up(item, matter, carrier, killers)


def run_child(task: Task) -> Report:
    """Run *task* in a child process; what it said until it ended.

    Raises:
        Exception: what the child raised.
    """
    command = [sys.executable, "-m", _CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(message(TASK, pickle.dumps(task)))
            child.stdin.flush()  # and left open: it is the child's leash
            report = _heard(messages(child.stdout))
        finally:
            child.kill()
    if report.result is None:
        report.code = child.returncode
    return report


def message(letter: bytes, content: bytes) -> bytes:
    """As it goes through a pipe."""
    return letter + len(content).to_bytes(4, "big") + content


def messages(pipe: Any) -> Iterator[tuple[bytes, bytes]]:
    """The messages in *pipe*, until its end; one that was cut off is none."""
    while len(head := pipe.read(5)) == 5:
        size = int.from_bytes(head[1:], "big")
        content = pipe.read(size)
        if len(content) < size:
            return
        yield head[:1], content


def _heard(said: Iterator[tuple[bytes, bytes]]) -> Report:
    report = Report()
    for letter, content in said:
        match letter:
            case _ if letter == SEED:
                report.seed = int(content)
                report.decisions = []
            case _ if letter == DECISION:
                report.decisions += Schedule.parse(content.decode()).decisions
            case _ if letter == RESULT:
                report.result = pickle.loads(content)
                break
            case _ if letter == ERROR:
                raise pickle.loads(content)
    return report


def _killer(report: Report) -> Failure:
    assert report.seed is not None
    schedule = Schedule(tuple(report.decisions))
    kind = FailureKind(CRASHED, report.death)
    seed = report.seed
    return Failure(kind, 1, seed, seed, len(schedule), str(schedule), report.death)


def _stillborn(item: Item, report: Report) -> Result:
    """It died before the first seed: the variant cannot even be loaded."""
    kind = FailureKind(CRASHED, f"{report.death} while the variant was loaded")
    failure = Failure(kind, 1, item.first, item.first, 0, "-", kind.rule)
    return Result(0, 0, (failure,), given_up=True)


def _given_up(item: Item, matter: Matter, carrier: Carrier, killers: list[Failure]) -> Result:
    last = max((each.first for each in killers), default=item.first)
    before = attrs.evolve(item, count=last - item.first)
    skip = tuple(each.first for each in killers)
    result = run_child(Task(before, matter, carrier, skip)).result or Result(0, 0)
    return attrs.evolve(_with(result, killers), given_up=True)


def _with(result: Result, killers: list[Failure]) -> Result:
    """*result* and the executions of *killers*, which count too."""
    failures = joined([*result.failures, *killers])
    return attrs.evolve(result, executions=result.executions + len(killers), failures=failures)
