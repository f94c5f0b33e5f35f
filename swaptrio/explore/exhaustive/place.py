# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where an event stands in its trace: what happens before it, and with whom it races.

Events e and e' race if they are dependent, nothing lies between them in happens-before, and e'
could have come first. That is a *direct* race.

A task that waits is another matter. While somebody holds a lock, others cannot take it, and
what they have to be ahead of is not the release, which comes last, but the acquisition. So an
operation that waits for an object also races with **each** earlier event that changed the
object, if the operation could have gone on just before that event: between the two may lie any
number of others. A task that still waits at the end races in the same way.

Whether it could have gone on is known where the task had declared its operation already: was it
offered there? Else the object may tell (``opens``: a lock that nobody held, a channel that was
not empty). Else nobody knows, and the search has to try (`Event.unsure`).

A condition may look at other objects than the one that its task waits for. Whoever changes
these races with it directly, and may be the one who lets it go on: then that has to be tried,
too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.explore.exhaustive.event import READ, members
from swaptrio.sched import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swaptrio.explore.exhaustive.event import Event
    from swaptrio.explore.exhaustive.primes import Primes
    from swaptrio.explore.exhaustive.walk import Node


def place(event: Event, trace: Sequence[Node], primes: Primes) -> None:
    """Fill in what *event*, that of the last node of *trace*, has behind it."""
    index = len(trace) - 1
    past = trace[index].past
    followed = past.followed_by(event)
    if event.fatal:
        for last in past.last.values():
            followed |= 1 << last
    covered, behind = 0, []
    for earlier in members(followed):
        other = event_of(trace[earlier])
        covered |= other.before
        behind.append(other.prime)
    previous = event.previous = past.last.get(event.task, -1)
    event.before = covered | followed
    number = -1 if previous < 0 else event_of(trace[previous]).prime
    event.prime = primes.number(event.task, number, event, behind)
    direct = followed & ~covered
    if previous >= 0:
        direct &= ~(1 << previous)
    if event.wants:
        _waiting(event, members(direct), trace)
    else:
        event.races = tuple(members(direct))


def event_of(node: Node) -> Event:
    """The event of a node that has one."""
    assert node.event is not None
    return node.event


def _waiting(event: Event, direct: list[int], trace: Sequence[Node]) -> None:
    """The races of an event whose operation may have had to wait."""
    races, unsure = changes(event.task, event.kind, event.wants, event.previous, trace[:-1])
    for earlier in direct:
        if event_of(trace[earlier]).accesses.get(event.wants, READ) == READ:
            (races if _is_sure(event, earlier, trace[earlier]) else unsure).append(earlier)
    event.races, event.unsure = tuple(sorted(races)), tuple(sorted(unsure))


def _is_sure(event: Event, earlier: int, node: Node) -> bool:
    """Whether it cannot be the step of *node* that lets the operation of *event* go on."""
    waited = event.previous < earlier
    return event.kind is not Kind.WAIT or (waited and event.task in node.offered)


def changes(
    task: str, kind: Kind, wants: str, previous: int, trace: Sequence[Node]
) -> tuple[list[int], list[int]]:
    """The events that changed what *task* waits for and that it could have been ahead of.

    The second list are those of which nobody knows whether it could.
    """
    own = 0 if previous < 0 else event_of(trace[previous]).before | 1 << previous
    races, unsure = [], []
    for earlier, node in enumerate(trace):
        if own >> earlier & 1 or event_of(node).accesses.get(wants, READ) == READ:
            continue
        could = _could_go_on(task, kind, wants, previous < earlier, node)
        if could:
            races.append(earlier)
        elif could is None:
            unsure.append(earlier)
    return races, unsure


def _could_go_on(task: str, kind: Kind, wants: str, declared: bool, node: Node) -> bool | None:
    """Whether *task* could perform its operation before the step of *node*, if known."""
    if declared:
        return task in node.offered
    if kind is Kind.JOIN:
        return False
    opens = node.past.opens.get(wants)
    return None if opens is None else kind in opens
