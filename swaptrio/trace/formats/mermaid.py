# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Mermaid sequence diagram, for issue threads and documentation.

Only what shows is drawn: quiet steps are left out, unless one broke a rule. An arrow stands
where its target does, for Mermaid has no slanted ones. Long traces are refused, for nobody can
read such a diagram.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from swaptrio.trace.ending import outcome
from swaptrio.trace.formats.texts import short, title_of
from swaptrio.trace.order import links
from swaptrio.trace.problems import trace_error
from swaptrio.trace.words import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.events import Trace
    from swaptrio.trace.words import Step

#: The most steps that are drawn.
MOST: Final = 60

#: Characters that stand for themselves in every part of a diagram; others become codes.
_SAFE: Final = re.compile(r"[^A-Za-z0-9 _.,:/()\[\]=+*'?!-]")

#: The bare word ends a block, and with it the diagram.
_END: Final = re.compile(r"\bend\b", re.IGNORECASE)

#: Behind these words Mermaid takes the end of a code for the end of a statement.
_STYLE: Final = re.compile(r"s(?=tyle)|c(?=lassDef)")

#: Mermaid's arrows: with a full line for what is handed over, dashed for locks.
_ARROWS: Final = {"lock": "-->>"}

_LONGEST: Final = 60


def to_mermaid(trace: Trace) -> bytes:
    """*trace* as a ``sequenceDiagram``.

    Raises:
        TraceError: more than `MOST` of its steps would be drawn.
    """
    steps = list(islice(_drawn(trace), MOST + 1))
    if len(steps) > MOST:
        message = f"Mermaid is for at most {MOST} steps that change something"
        raise trace_error("", "", f"{message}, and this trace has more; svg draws them all")
    return "".join(f"{line}\n" for line in _lines(trace, steps)).encode("ascii")


def _drawn(trace: Trace) -> Iterator[Step]:
    last = len(trace.events) if not trace.header.verdict.passed else 0
    return (step for step in steps_of(trace) if not step.quiet or step.event.seq == last)


def _lines(trace: Trace, steps: list[Step]) -> Iterator[str]:
    active = {step.event.task: True for step in steps}
    shown = {step.event.seq: True for step in steps}
    arrows = [link for link in links(trace) if link.target in shown]
    active |= {trace.events[link.source - 1].task: True for link in arrows}
    tasks = [task.name for task in trace.header.tasks if task.name in active]
    ids = {name: f"t{number}" for number, name in enumerate(tasks)}
    yield "sequenceDiagram"
    yield f"    %% {_text(title_of(trace))}"
    for name, short_name in ids.items():
        yield f"    participant {short_name} as {_text(name)}"
    for step in steps:
        event = step.event
        for link in arrows:
            if link.target == event.seq:
                source = ids[trace.events[link.source - 1].task]
                arrow = _ARROWS.get(link.kind, "->>")
                yield f"    {source}{arrow}{ids[event.task]}: {_text(link.kind, link.object)}"
        parts = [f"{event.seq} {event.label}", *step.effects]
        yield f"    Note over {ids[event.task]}: {'<br/>'.join(_text(part) for part in parts)}"
    if not trace.header.verdict.passed and steps:
        over = ",".join(dict.fromkeys([ids[tasks[0]], ids[tasks[-1]]]))
        verdict = trace.header.verdict
        texts = [_text(part) for part in (outcome(verdict), verdict.message) if part]
        yield f"    Note over {over}: {'<br/>'.join(texts)}"


def _text(*parts: str) -> str:
    """*parts* as text that Mermaid shows and does not obey."""
    text = short(" ".join(part for part in parts if part), _LONGEST)
    for unsafe in (_SAFE, _STYLE):
        text = unsafe.sub(lambda match: f"#{ord(match[0])};", text)
    return _END.sub(lambda match: f"[{match[0]}]", text).strip() or "-"
