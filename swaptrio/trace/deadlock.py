# SPDX-License-Identifier: MIT OR Apache-2.0
"""A deadlock, told as lockdep tells it.

The kernel's own report is known to everybody who reads these pictures, so this one follows its
order: who wants what, what he holds, and then the scenario side by side. It says of itself that
it comes from a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from swaptrio.trace.layout import cut, wrap
from swaptrio.trace.words import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from swaptrio.sched import Waiting
    from swaptrio.trace.events import Trace

#: For each lock that a task holds, the step and the label at which it took it.
Taken: TypeAlias = dict[str, tuple[int, str]]

_RULE: Final = 54
_INDENT: Final = "  "
_DEEPER: Final = 2 * _INDENT

#: The narrowest column of the scenario; more tasks than fit get one column.
_NARROWEST: Final = 20


def deadlock_lines(trace: Trace, width: int) -> Iterator[str]:
    """The report for a *trace* that ended in a deadlock, in lines of at most *width*."""
    verdict = trace.header.verdict
    yield ""
    yield "=" * _RULE
    yield "WARNING: deadlock (model output, not a kernel's)"
    yield "-" * _RULE
    taken = _taken(trace, [*(edge.task for edge in verdict.waiting), *verdict.cycle])
    for edge in verdict.waiting:
        yield from _wrapped(_want(edge), width)
        yield from _holdings(taken[edge.task], width)
    yield ""
    if verdict.cycle:
        names = " -> ".join((*verdict.cycle, verdict.cycle[0]))
        yield from _wrapped(f"the circle: {names}", width)
        yield ""
        yield from _scenario(trace, taken, width)
    yield " *** DEADLOCK ***"


def _want(edge: Waiting) -> str:
    """What the task waits for, and who could give it."""
    want = f"{edge.task} waits for {edge.object or 'nothing that has a name'}, at: {edge.label}"
    if edge.holders:
        return f"{want}, held by {', '.join(edge.holders)}"
    return f"{want}; nobody is known who could end that"


def _holdings(taken: Taken, width: int) -> Iterator[str]:
    if not taken:
        yield _INDENT + "and holds no lock"
        return
    yield _INDENT + f"and holds {len(taken)} lock{'s' if len(taken) > 1 else ''}:"
    for number, (lock, (seq, label)) in enumerate(taken.items()):
        text = f"#{number}: ({lock}), at: {label}, step {seq}"
        yield from (_DEEPER + line for line in _wrapped(text, width - len(_DEEPER)))


def _taken(trace: Trace, tasks: Sequence[str]) -> dict[str, Taken]:
    """The locks that each of *tasks* holds at the end."""
    found: dict[str, Taken] = {task: {} for task in tasks}
    for event in trace.events:
        if event.task in found:
            here = (event.seq, event.label)
            before = found[event.task]
            found[event.task] = {lock: before.get(lock, here) for lock in event.held}
    return found


def _scenario(trace: Trace, taken: Mapping[str, Taken], width: int) -> Iterator[str]:
    """Who took what before it wanted the next lock, in the order in which that happened."""
    cycle = trace.header.verdict.cycle
    rows = [
        (seq, place, f"lock({lock});")
        for place, task in enumerate(cycle)
        for lock, (seq, _label) in taken[task].items()
    ]
    rows.sort()
    wants = {edge.task: edge.object for edge in trace.header.verdict.waiting}
    texts = [(place, text) for _seq, place, text in rows]
    texts += [(place, f"lock({wants[task]});") for place, task in enumerate(cycle)]
    column = (width - len(_INDENT)) // len(cycle)
    if column < _NARROWEST:
        yield from _one_below_the_other(cycle, texts, width)
    else:
        yield from _side_by_side(cycle, texts, column)
    yield ""


def _side_by_side(
    cycle: Sequence[str], texts: Sequence[tuple[int, str]], column: int
) -> Iterator[str]:
    names = [cut(ascii_only(name), column - 4) for name in cycle]
    yield _INDENT + "".join(f"  {name}".ljust(column) for name in names).rstrip()
    yield _INDENT + "".join(f"  {'-' * len(name)}".ljust(column) for name in names).rstrip()
    for place, text in texts:
        yield _INDENT + " " * (place * column) + cut(ascii_only(text), column - 2)


def _one_below_the_other(
    cycle: Sequence[str], texts: Sequence[tuple[int, str]], width: int
) -> Iterator[str]:
    for place, text in texts:
        yield from _wrapped(f"{_INDENT}{cycle[place]}: {text}", width)


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(ascii_only(text), width, _INDENT)
