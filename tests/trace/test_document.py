# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page about the format is current, and a file of the first version still opens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from swaptrio.sched import Decision, Ending, Kind, Schedule, Waiting
from swaptrio.trace import (
    VERSION,
    Report,
    Trace,
    TracedTask,
    document,
    open_trace,
    parse_trace,
    render_trace,
)
from swaptrio.trace.document import format_page

ROOT: Final = Path(__file__).parents[2]
FIRST: Final = Path(__file__).parent / "data" / "version-1.jsonl"


def test_the_page_is_current() -> None:
    """What stands in the repository is what the types say."""
    page = ROOT / "docs" / "trace-format.md"
    renew = "python -m swaptrio.trace.document > docs/trace-format.md"

    assert page.read_text("ascii") == format_page(), f"renew it: {renew}"
    assert renew in (document.__doc__ or "")


def test_every_key_of_a_file_is_on_the_page(talk: Trace) -> None:
    """Whatever stands in a file has its row; every kind and ending is named."""
    page = format_page()
    keys = set(re.findall(r'[{,]"(\w+)":', render_trace(talk).decode("ascii")))

    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert keys - rows == {"bios"}, "a key of the world, and no other"
    assert all(f"`{word.value}`" in page for word in (*Kind, *Ending))
    assert page.startswith(f"# The trace format, version {VERSION}\n")


def test_the_example_is_a_trace() -> None:
    """The lines of the example, without their indent, can be read."""
    example = format_page().partition("## An example")[2]
    lines = re.findall(r"^    (.*)$", example, re.MULTILINE)

    assert len(parse_trace("".join(f"{line}\n" for line in lines).encode()).events) == 3


def test_a_file_of_version_1_opens() -> None:
    """A file that was committed with the format is read to the same values for ever.

    Do not renew it: where this test fails, people's traces do not open.
    """
    header, events = open_trace(FIRST).header, open_trace(FIRST).events

    assert (header.version, header.tool, header.scenario) == (1, "0.1.0", 'talk \u2192 "end"')
    assert (header.scenario_digest, header.variant, header.seed) == ("d0", "v3", 5)
    assert header.window == ("run fault until do_swap_page.lock",)
    assert header.reports == (Report("I-COUNT", "one too many"),)
    assert header.tasks == (
        TracedTask("fault"),
        TracedTask("disk", daemon=True),
        TracedTask("helper", since=11),
    )
    assert header.world == {"swap0:17": "s1:102", "swap0.users": 1}
    assert (header.verdict.ending, header.verdict.check) == (Ending.VIOLATION, "I-DATA")
    assert header.verdict.waiting[1] == Waiting("fault", "f.lock", "m", ("disk",))
    assert header.verdict.cycle == ("fault", "disk")
    assert header.verdict.schedule == Schedule((Decision(1, 1, "disk", "start"),))
    assert len(events) == header.steps == 15
    assert {event.kind for event in events} >= {Kind.CHOOSE, Kind.SEND, Kind.JOIN, Kind.UNLOCK}
    assert [event.option for event in events if event.option] == ["1"]


def test_a_file_of_version_1_is_written_as_it_was() -> None:
    """As long as the version is 1, the same trace gives the same bytes."""
    if VERSION == 1:
        assert render_trace(open_trace(FIRST)) == FIRST.read_bytes()
