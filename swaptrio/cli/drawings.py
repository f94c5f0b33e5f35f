# SPDX-License-Identifier: MIT OR Apache-2.0
"""A drawing that somebody gives to ``swaptrio replay``, and what came of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.cli.console import filled
from swaptrio.cli.judgement import Judgement, judge_freely
from swaptrio.cli.recording import Recording, Tape
from swaptrio.diagram import Diagram, DiagramError, Replayed, parse_diagram, replay_diagram
from swaptrio.errors import Problem
from swaptrio.sched import Run, Script
from swaptrio.trace.ending import outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from swaptrio.cli.case import Case
    from swaptrio.scenario.windows import WindowStep
    from swaptrio.sched import Scheduler

#: Bytes of a file that are read; no drawing is as large.
_LIMIT: Final = 4 * 1024 * 1024

_STDIN: Final = "-"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def diagram_in(file: str) -> Diagram:
    """The drawing in *file*, or on standard input.

    Raises:
        DiagramError: it cannot be read, or it is no drawing; lists all that is wrong.
    """
    try:
        data = _read(file)
        if len(data) > _LIMIT:
            raise _problem(file, f"larger than {_LIMIT // 1024 // 1024} MB: this is no drawing")
        return parse_diagram(data.decode("utf-8"), file)
    except UnicodeDecodeError as exc:
        raise _problem(file, f"is not UTF-8 text: byte {exc.start}") from None
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise _problem(file, f"cannot be read: {reason}") from None


async def record_drawing(
    scheduler: Scheduler, case: Case, diagram: Diagram
) -> tuple[Recording, Replayed]:
    """Play *case* in the order of a drawing, with the recorder on.

    Raises:
        DiagramError: lines of the drawing mean nothing here.
    """
    tape = Tape()
    done = await replay_diagram(scheduler, case.scenario, case.variant, diagram, tape.watched)
    window = tuple(Run(step.run, step.until, step.times) for step in done.steps)
    script = Script(window, dict(done.choices))
    return tape.recording(case, done.played, script), done


def _read(file: str) -> bytes:
    if file == _STDIN:
        return sys.stdin.buffer.read(_LIMIT + 1)
    with Path(file).open("rb") as stream:
        return stream.read(_LIMIT + 1)


def _problem(file: str, message: str) -> DiagramError:
    return DiagramError((Problem(file, "", "", message),))


@attrs.frozen
class Drawing:
    """The drawing in *file*, and what came of it when it was *replayed*."""

    file: str
    replayed: Replayed

    @property
    def name(self) -> str:
        """What tells its trace from others."""
        stem = "stdin" if self.file == _STDIN else Path(self.file).stem
        return f"drawn-{_UNSAFE.sub('-', stem)[:60] or 'race'}"

    def judged(self, case: Case) -> Judgement:
        """Whether the race is possible, and ends as drawn; or, if nothing is drawn, as it must.

        A drawing that is no longer possible in a variant is what a person wants to be told of.
        """
        done = self.replayed
        if not done.possible:
            return Judgement("the drawn race", (f"the drawn race is {done}",))
        if not done.claim:
            return judge_freely(done.verdict, case.scenario, case.variant)
        wrong = f"result: the drawing says {done.claim}, and it is {outcome(done.verdict)}"
        return Judgement(done.claim, () if done.as_claimed else (wrong,))

    def lines(self, labels: Collection[str], width: int) -> Iterator[str]:
        """For people: that it is possible, and the window that says the same.

        That it is not the judgement says. A scenario file may name no others than *labels*.
        """
        if not self.replayed.possible:
            return
        yield from filled(f"the drawn race is {self.replayed}", width, "  ")
        unknown = [it.until for it in self.replayed.steps if it.until not in (*labels, "")]
        but = f" (but a scenario file may not name {', '.join(unknown)})" if unknown else ""
        yield from filled(f"the same as a window of a scenario{but}:", width, "  ")
        yield "  steps = ["
        yield from (f"    {_toml(step)}," for step in self.replayed.steps)
        yield "  ]"
        for label, options in self.replayed.choices.items():
            yield f"  choices.{_quoted(label)} = [{', '.join(map(_quoted, options))}]"

    def record(self) -> dict[str, Any]:
        """For programs."""
        done = self.replayed
        return {
            "file": self.file,
            "possible": done.possible,
            "line": done.line,
            "reason": done.reason,
            "claim": done.claim,
            "as_claimed": done.as_claimed,
            "steps": [attrs.asdict(step) for step in done.steps],
            "choices": {label: list(options) for label, options in done.choices.items()},
        }


def _toml(step: WindowStep) -> str:
    parts = [f"run = {_quoted(step.run)}"]
    parts += [f"until = {_quoted(step.until)}"] if step.until else []
    parts += [f"times = {step.times}"] if step.times > 1 else []
    return f"{{ {', '.join(parts)} }}"


def _quoted(text: str) -> str:
    return f'"{text}"'
