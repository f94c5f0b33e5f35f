# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ``swaptrio explain`` says, for a person and for a program."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.cli.case import Case
from swaptrio.cli.console import Console, filled
from swaptrio.explore import Explanation
from swaptrio.sched import Ending, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.explore.explain import Edge, Gap, Needed
    from swaptrio.explore.flip import Looked
    from swaptrio.explore.trail import Step

#: What a step does to its object, by its kind.
_DOES: Final = {
    Kind.LOCK: "takes",
    Kind.UNLOCK: "gives back",
    Kind.TRYLOCK: "tries to take",
    Kind.CAS: "compares and swaps",
    Kind.READ: "reads",
    Kind.WRITE: "writes",
    Kind.SEND: "sends to",
    Kind.RECEIVE: "receives from",
    Kind.CLOSE: "closes",
    Kind.WAIT: "has waited for",
    Kind.WAKE: "wakes who waits for",
    Kind.JOIN: "has waited for the end of",
}

#: Gaps that are told, the shortest first.
_GAPS: Final = 2

#: Rows of the two executions side by side.
_ROWS: Final = 40

#: Rows of the one that passes beyond the end of the other.
_TAIL: Final = 2


@attrs.frozen
class Explained:
    """An explanation of a case."""

    case: Case
    explanation: Explanation

    @property
    def failing(self) -> Looked:
        """The execution that is explained."""
        return self.explanation.failing

    def record(self, console: Console) -> dict[str, Any]:
        """For programs."""
        found, verdict = self.explanation, self.failing.verdict
        return {
            "scenario": self.case.scenario.name,
            "variant": self.case.variant.name,
            "without": list(self.case.without),
            "verdict": verdict.ending.value,
            "check": verdict.check,
            "message": verdict.message,
            "schedule": str(verdict.schedule),
            "names": str(self.failing.names),
            "flips": found.flips,
            "failing_otherwise": found.others,
            "impossible": found.impossible,
            "cut": found.cut,
            "necessary": [_edge_record(edge) for edge in found.edges],
            "draws": [_needed_record(needed) for needed in found.draws],
            "gaps": [_gap_record(gap) for gap in found.gaps],
            "nearest": None if found.nearest is None else _run_record(found.nearest),
            "command": self.case.command(console, verdict.schedule),
        }

    def lines(self, console: Console) -> Iterator[str]:
        """For people."""
        case, verdict = self.case, self.failing.verdict
        yield f"{case.scenario.name}, variant {case.variant.name}: {verdict.ending}" + (
            f" of {verdict.check}" if verdict.check else ""
        )
        if verdict.message:
            yield from (
                f"  {line}" for line in filled(verdict.message, console.width - 2, "  ")
            )
        if verdict.ending in (Ending.PASSED, Ending.DIVERGED):
            yield "nothing to explain: the schedule " + (
                "passes" if verdict.passed else "does not fit"
            )
            return
        yield from filled(f"schedule: {self.failing.names}", console.width, "  ")
        yield ""
        yield from self._why(console.width)
        yield from self._gaps(console.width)
        yield from self._beside(console.width)
        yield f"replay it: {case.command(console, verdict.schedule)}"

    def _why(self, width: int) -> Iterator[str]:
        found = self.explanation
        necessary = len(found.edges) + len(found.draws)
        if not necessary:
            text = (
                f"No order is necessary: {found.flips} orders of two steps were flipped, "
                f"{found.impossible} cannot be, and with any other flipped it fails as well"
                f"{self._not_tried()}."
            )
            yield from filled(text, width)
            yield ""
            return
        text = (
            f"It fails because of what follows, all of it: without any one of these it passes. "
            f"({found.flips} orders of two steps were flipped, {found.impossible} cannot be; "
            f"{found.others} fail in another way{self._not_tried()}.)"
        )
        yield from filled(text, width)
        for number, words in enumerate(self._chain(), 1):
            yield from filled(f"{number:>3}. {words}", width, "     ")
        yield ""

    def _not_tried(self) -> str:
        return "; those further back were not tried" if self.explanation.cut else ""

    def _chain(self) -> Iterator[str]:
        for needed in self.explanation.draws:
            place = needed.draw.at
            time = f", time {place.time}" if place.time > 1 else ""
            yield f"{place.task} draws {needed.draw.option} at {place.label}{time}"
        for edge in self.explanation.edges:
            come = edge.after in self.failing.steps
            after = in_words(edge.after) if come else f"{in_words(edge.after)}, still to come"
            yield f"{in_words(edge.before)} before {after}"

    def _gaps(self, width: int) -> Iterator[str]:
        closed = [gap for gap in self.explanation.gaps if gap.closed]
        if not closed:
            if self.explanation.edges:
                text = (
                    "There is no one way between two steps on which it is enough that nobody "
                    "comes in."
                )
                yield from filled(text, width)
                yield ""
            return
        told: list[tuple[Step, Step]] = []
        for gap in closed:
            if (gap.opens, gap.closes) not in told and len(told) < _GAPS:
                told.append((gap.opens, gap.closes))
                yield from filled(gap_in_words(gap), width)
        yield ""

    def _beside(self, width: int) -> Iterator[str]:
        nearest = self.explanation.nearest
        if nearest is None:
            return
        yield from filled(f"The nearest that passes: {nearest.names}", width, "  ")
        rows = list(zip_longest(self.failing.steps, nearest.steps))
        same = next(
            (n for n, (one, two) in enumerate(rows) if _named(one) != _named(two)), len(rows)
        )
        half = (width - 13) // 2
        yield f"{'step':>4}  {'fails'.ljust(half)} step  passes"
        if same:
            yield f"      (the first {same} are the same)"
        last = min(len(self.failing.steps) + _TAIL, same + _ROWS)
        for one, two in rows[same:last]:
            left, right = _numbered(one, half), _numbered(two, half)
            yield f"{left.ljust(6 + half)} {right}".rstrip()
        if len(rows) > last:
            yield f"      (and {len(rows) - last} more)"
        yield ""


def in_words(step: Step) -> str:
    """What a step does, and in which function of the kernel."""
    function, _, place = step.label.rpartition(".")
    what = f"{_DOES[step.kind]} {step.object}" if step.kind in _DOES else "goes on"
    number = f", time {step.time}" if step.time > 1 else ""
    where = f"in {function}, at .{place}" if function else f"at {place}"
    return f"{step.task} {what} ({where}{number}, step {step.number})"


def gap_in_words(gap: Gap) -> str:
    """What allows a failure, and what would not."""
    way = f"{gap.opens.label} and {gap.closes.label}"
    came = f"at {gap.comes.label}"
    look = f"a second look, at {gap.closes.label} at the latest, that notices"
    if gap.held:
        what = (
            f"{gap.opens.task} holds {gap.lock}, and {gap.comes.task} comes in without, {came}"
        )
        needed = f"So it takes {look}"
    else:
        what = f"{gap.opens.task} leaves {gap.object} to others"
        what = f"{what}, and {gap.comes.task} comes in {came}"
        needed = f"So it takes {gap.lock} held all the way, or {look}"
    if not gap.lock:
        needed = f"No lock is common to both: it takes one, or {look}"
    return f"Between {way} {what}. Where nobody comes between, it passes (tested). {needed}."


def _numbered(step: Step | None, width: int) -> str:
    return "" if step is None else f"{step.number:>4}  {_named(step)[:width]}"


def _named(step: Step | None) -> str:
    return "" if step is None else f"{step.task} {step.label}"


def _step_record(step: Step) -> dict[str, Any]:
    return {
        "step": step.number,
        "task": step.task,
        "label": step.label,
        "time": step.time,
        "kind": step.kind.value,
        "object": step.object,
        "words": in_words(step),
    }


def _run_record(looked: Looked) -> dict[str, Any]:
    return {
        "verdict": looked.verdict.ending.value,
        "schedule": str(looked.verdict.schedule),
        "names": str(looked.names),
        "steps": [_named(step) for step in looked.steps],
    }


def _edge_record(edge: Edge) -> dict[str, Any]:
    flip = _run_record(edge.flip)
    del flip["steps"]
    return {
        "before": _step_record(edge.before),
        "after": _step_record(edge.after),
        "object": edge.object,
        "flip": flip,
    }


def _needed_record(needed: Needed) -> dict[str, Any]:
    flip = _run_record(needed.flip)
    del flip["steps"]
    return {"at": str(needed.draw.at), "option": needed.draw.option, "flip": flip}


def _gap_record(gap: Gap) -> dict[str, Any]:
    return {
        "opens": _step_record(gap.opens),
        "comes": _step_record(gap.comes),
        "closes": _step_record(gap.closes),
        "object": gap.object,
        "lock": gap.lock,
        "held": gap.held,
        "closed": gap.closed,
        "words": gap_in_words(gap) if gap.closed else "",
    }
