# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page that documents the trace format, made from the types that are written and read.

``python -m swaptrio.trace.document > docs/trace-format.md`` renews it; a test notices when that
has been forgotten. A key that no type explains makes no page.
"""

from __future__ import annotations

import inspect
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.sched import Ending, Kind, Schedule, Verdict, Waiting
from swaptrio.trace.events import (
    FORMAT,
    VERSION,
    Event,
    Header,
    Report,
    Trace,
    TracedTask,
)
from swaptrio.trace.records import (
    EVENT_KEYS,
    FILE_KEYS,
    HEADER_KEYS,
    REPORT_KEYS,
    TASK_KEYS,
    VERDICT_KEYS,
    WAITING_KEYS,
)
from swaptrio.trace.write import render_trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TITLES: Final[Mapping[type, str]] = {
    Header: "The header",
    Verdict: "A verdict",
    Waiting: "A waiting task",
    Report: "A report",
    TracedTask: "A task",
    Event: "An event",
}

#: What the annotation of an attribute is in JSON.
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bool": "true or false",
        "int": "whole number",
        "int | None": "whole number or null",
        "str": "text",
        "str | None": "text or null",
        "Ending": "one of " + ", ".join(f"`{ending.value}`" for ending in Ending),
        "Kind | str": "text, mostly one of " + ", ".join(f"`{kind.value}`" for kind in Kind),
        "Mapping[str, Change]": "object: `[old, new]` by key, null where a key is absent",
        "Mapping[str, Value]": "object: text or whole number by key",
        "Verdict": "object, see [a verdict](#a-verdict)",
        "tuple[Report, ...]": "list, see [a report](#a-report)",
        "tuple[TracedTask, ...]": "list, see [a task](#a-task)",
        "tuple[Waiting, ...]": "list, see [a waiting task](#a-waiting-task)",
        "tuple[str, ...]": "list of texts",
    }
)

#: Keys that do not bear the name of their attribute, or have none.
_OTHERWISE: Final[Mapping[tuple[type, str], str]] = {
    (Header, "event"): f"`{FORMAT}`, always",
    (Header, "schedule"): "text: the decisions of *verdict*, as `--schedule` takes them",
    (Header, "steps"): "whole number: how many decisions the execution took",
    (Header, "events"): "whole number: how many lines follow",
    (Header, "digest"): "text: SHA-256, in hex digits, of the file without this key",
    (Event, "event"): "text: the *label*",
}

_INTRODUCTION: Final = f"""\
# The trace format, version {VERSION}

<!-- Made by python -m swaptrio.trace.document; edits will be lost. -->

A trace file holds one execution, told whole: nothing has to be run again to draw, search or
compare it. It is JSON Lines in ASCII. The first line is the [header](#the-header), each other
line [one event](#an-event), which is one step. Keys stand in the order of the tables below, and
all of them are always there. Nothing else is in the header; an event of a later swaptrio may
have a kind or keys that this page does not know, and these are shown as they stand.

The same execution gives the same bytes on every machine. No line holds a time of day, a host or
a path. Times are virtual, in nanoseconds.

`swaptrio.trace.open_trace(path)` reads a file of any size into the Python values named here. Of
a file that was cut, edited or converted it gives what is there, and its flaws; with
`strict=True` it refuses that. The digest is that of the first line without its key `digest`, a
line end, and all other lines. A file of another version is refused; a new version of the format
comes with a new number. Whoever only wants to look does not need Python:

    jq -r 'select(.seq) | "\\(.seq) \\(.task) \\(.event)"' trace.jsonl
    jq 'select(.changes | has("swap0:17")?) | .changes["swap0:17"]' trace.jsonl

The state of the world after step n is `world` of the header with the `changes` of events 1 to
n. Keys have the form `object.field` where an object has several; the pictures rely on that.
"""


def format_page() -> str:
    """The page, in Markdown."""
    parts = [
        _INTRODUCTION,
        *(
            "\n".join(_section(shape, keys)) + "\n"
            for shape, keys in (
                (Header, (*HEADER_KEYS, *FILE_KEYS)),
                (Verdict, VERDICT_KEYS),
                (Waiting, WAITING_KEYS),
                (Report, REPORT_KEYS),
                (TracedTask, TASK_KEYS),
                (Event, EVENT_KEYS),
            )
        ),
        "\n".join(_example()) + "\n",
    ]
    return "\n".join(parts)


def _section(shape: type[attrs.AttrsInstance], keys: Sequence[str]) -> Iterator[str]:
    """The table of one record, and what the docstring of its type says."""
    types = {field.name: str(field.type) for field in attrs.fields(shape)}
    yield f"## {_TITLES[shape]}"
    yield ""
    yield f"`{shape.__module__.rpartition('.')[0]}.{shape.__name__}`"
    yield ""
    yield "| key | value |"
    yield "|---|---|"
    for key in keys:
        value = _OTHERWISE.get((shape, key)) or _TYPES[types[key]]
        yield f"| `{key}` | {value} |"
    yield ""
    yield inspect.cleandoc(shape.__doc__ or "")


def _example() -> Iterator[str]:
    yield "## An example"
    yield ""
    yield "One task takes a lock, and frees a slot under it. The lines are whole."
    yield ""
    yield from ("    " + line for line in render_trace(_tiny()).decode("ascii").splitlines())


def _tiny() -> Trace:
    verdict = Verdict(Ending.PASSED, 3, Schedule())
    lock = "swap0 cluster 0"
    header = Header(
        tool="0",
        verdict=verdict,
        scenario="free-a-slot",
        tasks=(TracedTask("zap"),),
        world={"swap0:17": "s1:102"},
    )
    freed = {"swap0:17": ("s1:102", None)}
    events = (
        Event(1, 0, "zap", Kind.START, "", "start"),
        Event(2, 0, "zap", Kind.LOCK, lock, "swap_entry_free.lock", held=(lock,)),
        Event(3, 0, "zap", Kind.WRITE, "swap0:17", "swap_entry_free.write", changes=freed),
    )
    return Trace(header, events)


if __name__ == "__main__":
    sys.stdout.write(format_page())
