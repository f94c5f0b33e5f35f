# SPDX-License-Identifier: MIT OR Apache-2.0
"""An optimal search as text, to go on with it another time.

What is saved is the stack with all that was asked for along it, every prime event, and the
counts: the search that goes on ends with the same totals as one that was never interrupted. Of
a search in parts all of that is saved for each, and whose turn it is. The text is one JSON
document, and only data. *about* says of which program and under which settings: it is compared
as it is.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from swaptrio.explore.exhaustive.crew import Crew, Loan
from swaptrio.explore.exhaustive.desk import Back, Desk
from swaptrio.explore.exhaustive.part import Share
from swaptrio.explore.exhaustive.reduction import Reduction
from swaptrio.explore.exhaustive.result import Found
from swaptrio.explore.exhaustive.rows import Table, event_of, frozen, share_of, wishes_of
from swaptrio.explore.sights import Sights
from swaptrio.sched import Ending, Schedule, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from swaptrio.explore.exhaustive.event import Event
    from swaptrio.explore.exhaustive.tally import Tally

#: Raised whenever what is saved changes its shape or its meaning.
FORMAT: Final = 3


class BadSave(ValueError):
    """A text that no search can go on from; the message says why."""


def save(search: Reduction | Crew, about: Mapping[str, Any]) -> str:
    """The text of a search while nobody is at work.

    Raises:
        ValueError: its program tells final states, which are not saved.
    """
    tally = search.tally
    if tally.finals:
        msg = "a search whose program tells its final states cannot be saved"
        raise ValueError(msg)
    table = Table()
    whole = _whole(search, table) if isinstance(search, Reduction) else _parts(search, table)
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
            **whole,
            "events": table.rows,
        }
    )


def _whole(search: Reduction, table: Table) -> dict[str, Any]:
    return {"whole": table.share(Share.of(search.search)), "parts": None}


def _parts(crew: Crew, table: Table) -> dict[str, Any]:
    shares = crew.shares()
    return {
        "whole": None,
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


def load(
    text: str, about: Mapping[str, Any], begin: Callable[[], Reduction]
) -> Reduction | Crew:
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


def _load(saved: dict[str, Any], begin: Callable[[], Reduction]) -> Reduction | Crew:
    events = [event_of(row) for row in saved["events"]]
    search = begin()
    _count(search.tally, saved)
    classes = {tuple(each) for each in saved["classes"]}
    probes, blocked = int(saved["probes"]), int(saved["blocked"])
    if saved["parts"] is not None:
        crew = _crew(saved, events, Crew(search.tally, Desk(begin)))
        crew.classes, crew.probes = classes, probes
        return crew
    share = share_of(saved["whole"], events)
    if not share.trace:
        msg = "it has no way to go on"
        raise BadSave(msg)
    share.lay(search.search)
    search.classes, search.probes, search.blocked = classes, probes, blocked
    return search


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
        found.way,
    ]


def _found(row: list[Any]) -> Found:
    ending, steps, schedule, check, message, way = row
    parsed = Schedule.parse(schedule)
    return Found(Verdict(Ending(ending), int(steps), parsed, check, message), frozen(way))
