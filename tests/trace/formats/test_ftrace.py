# SPDX-License-Identifier: MIT OR Apache-2.0
"""The text of ftrace: every line is one that Perfetto's reader takes."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from swaptrio.trace.formats.ftrace import to_ftrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.trace import Trace

#: What Perfetto's reader searches for in a line; before it stands the task's name.
LINE = re.compile(
    r"-(\d+)\s+\(?\s*(\d+|-+)?\)?\s?\[(\d+)\]\s*[a-zA-Z0-9.]{0,4}\s+(\d+\.\d+):\s+(\S+):"
)
SWITCH = re.compile(
    r"prev_comm=(\S{1,15}) prev_pid=(\d+) prev_prio=120 prev_state=R ==> "
    r"next_comm=(\S{1,15}) next_pid=(\d+) next_prio=120"
)
MARK = re.compile(
    r"B\|1000\|[^|]+|E\|1000|I\|1000\|[^|]+|C\|1000\|[^|]+\|-?\d+|[SF]\|1000\|[^|]+\|\d+"
)


def valid(data: bytes) -> list[tuple[int, str]]:
    """The thread and the payload of each line of a file that is as it should be."""
    lines = data.decode("ascii").splitlines()
    assert lines[0] == "# tracer: nop"
    assert len(lines) == data.count(b"\n")
    found, times, running = [], [0.0], 0
    for line in lines:
        if line.startswith("#"):
            continue
        match = LINE.search(line)
        assert match is not None, line
        assert len(line[: match.start()].strip()) <= 15
        times.append(float(match[4]))
        payload = line[match.end() :].strip()
        if match[5] == "sched_switch":
            switch = SWITCH.fullmatch(payload)
            assert switch is not None, payload
            assert int(switch[2]) == int(match[1]) == running
            running = int(switch[4])
        else:
            assert match[5] == "tracing_mark_write"
            assert MARK.fullmatch(payload), payload
        found.append((int(match[1]), payload))
    assert all(before < after for before, after in pairwise(times))
    paired(found)
    return found


def paired(found: list[tuple[int, str]]) -> None:
    """Slices open and close in turn, on each thread and for each cookie."""
    depth: dict[object, int] = {}
    for thread, payload in found:
        phase, *rest = payload.split("|")
        if phase in ("B", "E"):
            depth[thread] = depth.get(thread, 0) + (1 if phase == "B" else -1)
            assert depth[thread] in (0, 1)
        if phase in ("S", "F"):
            cookie = tuple(rest)
            depth[cookie] = depth.get(cookie, 0) + (1 if phase == "S" else -1)
            assert depth[cookie] in (0, 1)
    assert not any(depth.values())


def test_golden(talk: Trace, same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_ftrace(talk)

    valid(data)
    same_as_golden("talk.ftrace.txt", data)


def test_the_milliseconds_are_the_step(talk: Trace) -> None:
    """What step 7 did lies between 0.007000 and 0.007999."""
    lines = to_ftrace(talk).decode().splitlines()

    assert [line.split(": ", 1)[0].split()[-1] for line in lines if "B|1000" in line] == [
        f"0.{seq:03d}00{0 if 'sched_switch' not in before else 1}"
        for seq, before in enumerate(
            (before for before, line in pairwise(lines) if "B|1000" in line), 1
        )
    ]


def test_many_changes_push_what_follows(record: Callable[..., Trace]) -> None:
    """A step with more lines than it has microseconds delays the next; time still rises."""

    def build(execution: object, state: dict[str, str | int]) -> None:
        async def task() -> None:
            state.update({f"key{number}": number + 1 for number in range(1500)})

        execution.spawn("task", task)  # type: ignore[attr-defined]  # an Execution, as built

    valid(to_ftrace(record(build)))


def test_hostile_names(hostile: Trace) -> None:
    """Whatever the names are, every line is one that the reader takes."""
    found = valid(to_ftrace(hostile))

    assert len([payload for _, payload in found if payload.startswith("B|")]) == 15
    assert len({thread for thread, _ in found if thread}) == 3
