# SPDX-License-Identifier: MIT OR Apache-2.0
"""A search as text, to go on with it another time.

The search that goes on ends with the same totals as one that was never interrupted. Of one by
classes the stack is saved with all that was asked for along it, every prime event, and the
counts; of a search in parts all of that for each, and whose turn it is. Of a bounded one see
`rest`, of one for states `memory`. The text is one JSON document, and only data. *about* says
of which program and under which settings: it is compared as it is.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import attrs

from swaptrio.explore.exhaustive.crew import Crew, Loan
from swaptrio.explore.exhaustive.desk import Back, Desk
from swaptrio.explore.exhaustive.errands import Errandry
from swaptrio.explore.exhaustive.memory import (
    lay_stubborn,
    lay_sweep,
    stubborn_rows,
    sweep_rows,
)
from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.rest import Rest
from swaptrio.explore.exhaustive.result import Found
from swaptrio.explore.exhaustive.rows import Table, event_of, frozen, share_of, wishes_of
from swaptrio.explore.exhaustive.stubborn import Stubborn
from swaptrio.explore.exhaustive.sweep import Sweep
from swaptrio.explore.exhaustive.sweeping import Sweeping
from swaptrio.explore.sights import Sights
from swaptrio.sched import Ending, Schedule, Verdict, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from swaptrio.explore.exhaustive.event import Event
    from swaptrio.explore.exhaustive.tally import Tally

#: A search as it is begun.
Begun: TypeAlias = Reduction | Sweeping

#: A search that can be saved.
Kept: TypeAlias = Begun | Crew | Errandry

#: Raised whenever what is saved changes its shape or its meaning.
FORMAT: Final = 4


class BadSave(ValueError):
    """A text that no search can go on from; the message says why."""


def save(search: Kept, about: Mapping[str, Any]) -> str:
    """The text of a search while nobody is at work.

    Raises:
        ValueError: its program tells final states, which are not saved.
    """
    tally = search.tally
    if tally.finals:
        msg = "a search whose program tells its final states cannot be saved"
        raise ValueError(msg)
    table = Table()
    return json.dumps(
        {
            "format": FORMAT,
            "about": dict(about),
            "executions": tally.executions,
            "blocked": search.blocked,
            "probes": search.probes,
            "classes": sorted(search.classes),
            "violations": [_row(found) for found in tally.violations.values()],
            "sights": None if tally.sights is None else tally.sights.rows(),
            **_stand(search, table),
            "events": table.rows,
        }
    )


def _stand(search: Kept, table: Table) -> dict[str, Any]:
    """Where *search* stands."""
    match search:
        case Reduction():
            return {"whole": table.share(Share.of(search.search))}
        case Crew():
            return _parts(search, table)
        case Errandry():
            return {"rest": search.stand().rows()}
    match search.sweep:
        case Stubborn():
            return {"stubborn": stubborn_rows(search.sweep, table)}
        case Sweep(states=None):
            return {"rest": Rest.of(search.sweep).rows()}
    return {"states": sweep_rows(search.sweep, table)}


def _parts(crew: Crew, table: Table) -> dict[str, Any]:
    shares = crew.shares()
    return {
        "parts": [
            {
                "number": loan.number,
                "owner": loan.owner,
                "pin": loan.pin,
                "share": table.share(shares[loan.number]),
                "left": loan.left,
                "grown": loan.grown,
                "stuck": loan.stuck,
                "back": [[back.pin, table.wishes(back.wishes)] for back in loan.back],
            }
            for loan in crew.loans.values()
        ],
        "turns": list(crew.turns),
        "numbered": crew.numbered,
        "ordered": crew.ordered,
        "known": list(crew.known),
        "added": list(crew.added),
    }


def load(text: str, about: Mapping[str, Any], begin: Callable[[], Begun]) -> Begun | Crew:
    """The search that *text* tells; *begin* makes one that knows nothing.

    Raises:
        BadSave: the text is cut, or of another program, other settings, or another version.
    """
    try:
        saved = json.loads(text)
    except ValueError:
        msg = "it is no saved search, or was cut"
        raise BadSave(msg) from None
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        msg = f"it is no saved search of format {FORMAT}"
        raise BadSave(msg)
    for key, value in about.items():
        there = saved.get("about")
        found = there.get(key) if isinstance(there, dict) else None
        if found != value:
            msg = f"it is of another {key}: {found!r}, not {value!r}"
            raise BadSave(msg)
    try:
        return _load(saved, begin)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
        msg = f"it does not hold what a saved search holds ({type(exc).__name__}: {exc})"
        raise BadSave(msg) from None


def _load(saved: dict[str, Any], begin: Callable[[], Begun]) -> Begun | Crew:
    search = begin()
    _count(search.tally, saved)
    classes = {tuple(each) for each in saved["classes"]}
    events = [event_of(row) for row in saved["events"]]
    if isinstance(search, Sweeping):
        search.classes = classes
        _lay(saved, events, search)
        return search
    probes, blocked = int(saved["probes"]), int(saved["blocked"])
    if "parts" in saved:
        begin_one = cast("Callable[[], Reduction]", begin)
        crew = _crew(saved, events, Crew(search.tally, Desk(begin_one)))
        crew.classes, crew.probes = classes, probes
        return crew
    share = share_of(saved["whole"], events)
    if not share.trace and search.tally.executions:
        msg = "it has no way to go on"
        raise BadSave(msg)
    share.lay(search.search)
    search.classes, search.probes, search.blocked = classes, probes, blocked
    return search


def _lay(saved: dict[str, Any], events: list[Event], sweeping: Sweeping) -> None:
    """Set *sweeping* to go on from where *saved* stands."""
    match sweeping.sweep:
        case Stubborn() as stubborn:
            lay_stubborn(saved["stubborn"], events, stubborn)
        case Sweep(states=None) as sweep:
            Rest.of_rows(saved["rest"]).lay(sweep)
            sweeping.go_on()
        case Sweep() as sweep:
            lay_sweep(saved["states"], events, sweep)
    sweeping.tally.rounds = sweeping.sweep.rounds.unfair


def _count(tally: Tally, saved: dict[str, Any]) -> None:
    tally.executions = int(saved["executions"])
    for row in saved["violations"]:
        found = _found(row)
        tally.violations[found.signature] = found
    tally.sights = None if tally.sights is None else Sights.of_rows(saved["sights"])


def _crew(saved: dict[str, Any], events: list[Event], crew: Crew) -> Crew:
    crew.ordered = frozen(saved["ordered"])
    for name in ("known", "added"):
        getattr(crew, name).update(dict.fromkeys(saved[name]))
    crew.numbered = int(saved["numbered"])
    for row in saved["parts"]:
        loan = _loan(row, events)
        crew.loans[loan.number] = loan
    crew.turns = deque([(int(number), int(many)) for number, many in saved["turns"]])
    if not crew.loans or not all(number in crew.loans for number, _ in crew.turns):
        msg = "it has no way to go on"
        raise BadSave(msg)
    return crew


def _loan(row: dict[str, Any], events: list[Event]) -> Loan:
    return Loan(
        int(row["number"]),
        int(row["owner"]),
        int(row["pin"]),
        share_of(row["share"], events),
        float(row["left"]),
        bool(row["grown"]),
        bool(row["stuck"]),
        [Back(int(pin), wishes_of(wishes, events)) for pin, wishes in row["back"]],
    )


def _row(found: Found) -> list[Any]:
    verdict = found.verdict
    return [
        verdict.ending.value,
        verdict.steps,
        str(verdict.schedule),
        verdict.check,
        verdict.message,
        [attrs.astuple(edge) for edge in verdict.waiting],
        verdict.cycle,
        found.way,
    ]


def _found(row: list[Any]) -> Found:
    ending, steps, schedule, check, message, waiting, cycle, way = row
    verdict = Verdict(
        Ending(ending),
        int(steps),
        Schedule.parse(schedule),
        check,
        message,
        tuple([Waiting(*frozen(edge)) for edge in waiting]),
        frozen(cycle),
    )
    return Found(verdict, frozen(way))
