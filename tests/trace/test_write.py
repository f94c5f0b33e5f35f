# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writing: the bytes of a file, and that it is written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest
import structlog

from swaptrio.errors import TraceError
from swaptrio.trace import Trace, open_trace, render_trace, write_trace

# One line an event, the label first; the digest covers everything else.
GOLDEN = """\
{"event":"swaptrio-trace","version":1,"tool":"0","scenario":"free-under-fault",\
"scenario_digest":"","variant":"","window":[],"seed":null,"schedule":"-",\
"verdict":{"ending":"passed","check":"","message":"","waiting":[],"cycle":[]},"steps":6,\
"reports":[],"tasks":[{"name":"fault","daemon":false,"since":0},\
{"name":"zap","daemon":false,"since":0}],\
"world":{"swap0:17":"s1"},"events":3,"digest":\
"ea0e9365ee9cf4de9ee3c4335d3d8d062e681fe33b705e80411415838dc83e7c"}
{"event":"start","seq":1,"time":0,"task":"fault","kind":"start","object":"","option":null,\
"changes":{},"held":[]}
{"event":"do_swap_page.check","seq":2,"time":0,"task":"fault","kind":"read",\
"object":"swap0:17","option":null,"changes":{},"held":[]}
{"event":"swap_cache_add.lock","seq":3,"time":0,"task":"fault","kind":"lock",\
"object":"swap0 cluster 0","option":null,"changes":{"swap0:17":["s1","f1"]},"held":[]}
"""


def test_a_file_is_these_bytes(calm: Trace) -> None:
    """The format is under test: its first line and the first three steps are these bytes."""
    header = attrs.evolve(calm.header, tool="0")

    assert render_trace(Trace(header, calm.events[:3])).decode("ascii") == GOLDEN


def test_every_line_is_a_structlog_event(race: Trace) -> None:
    """Each line is a JSON object that begins with its event's name and has no time or level."""
    records = [json.loads(line) for line in render_trace(race).splitlines()]

    assert {next(iter(record)) for record in records} == {"event"}
    assert [record["event"] for record in records[1:]] == [event.label for event in race.events]
    assert not any("timestamp" in record or "level" in record for record in records)


def test_the_configuration_of_structlog_is_neither_changed_nor_heeded(calm: Trace) -> None:
    """The library leaves structlog's global configuration to the program that uses it."""
    before = render_trace(calm)
    configuration = structlog.get_config()

    def refuse(*_args: object) -> NoReturn:
        raise structlog.DropEvent

    structlog.configure(processors=[refuse], cache_logger_on_first_use=True)
    try:
        assert render_trace(calm) == before
        assert structlog.get_config()["processors"] == [refuse]
    finally:
        structlog.configure(**configuration)


def test_a_foreign_value_is_not_written_as_its_repr(calm: Trace) -> None:
    """A value that is neither text nor a number is refused, as its repr may hold an address."""
    foreign: Any = object()
    header = attrs.evolve(calm.header, world={"swap0:17": foreign})

    with pytest.raises(TypeError):
        render_trace(Trace(header, ()))


def test_a_trace_replaces_an_older_one(calm: Trace, race: Trace, tmp_path: Path) -> None:
    """Writing to a name that is in use leaves the new trace there and nothing else."""
    path = tmp_path / "race.jsonl"
    write_trace(calm, path)

    write_trace(race, path)

    assert open_trace(path) == race
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(race: Trace, tmp_path: Path) -> None:
    """Writing through a symbolic link writes the file that it points to."""
    link, path = tmp_path / "latest.jsonl", tmp_path / "race.jsonl"
    link.symlink_to(path.name)

    write_trace(race, link)

    assert link.is_symlink()
    assert open_trace(path) == race


def test_a_long_name_is_no_obstacle(race: Trace, tmp_path: Path) -> None:
    """The temporary file fits wherever the name of the trace fits."""
    path = tmp_path / ("x" * 255)

    write_trace(race, path)

    assert open_trace(path) == race


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_leaves_nothing_behind(
    calm: Trace,
    race: Trace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    failure: type[BaseException],
) -> None:
    """Whatever interrupts the writing, the old trace stays and no other file is left."""
    path = tmp_path / "race.jsonl"
    write_trace(calm, path)

    def interrupt(*_args: object) -> None:
        raise failure

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(failure):
        write_trace(race, path)

    assert open_trace(path) == calm
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_of_the_system_is_told(
    race: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the operating system becomes one sentence, and nothing is left behind."""
    path = tmp_path / "race.jsonl"

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TraceError) as caught:
        write_trace(race, path)

    assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_or_device_is_not_overwritten(race: Trace, tmp_path: Path) -> None:
    """A trace takes the place of a file and of nothing else."""
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(TraceError, match="not a file"):
            write_trace(race, path)


def test_a_missing_folder_is_told(race: Trace, tmp_path: Path) -> None:
    """A folder that does not exist is an error of the caller, told without a traceback."""
    path = tmp_path / "no" / "race.jsonl"

    with pytest.raises(TraceError, match="cannot be written: No such file or directory"):
        write_trace(race, path)


def test_a_cut_trace_is_not_sealed_anew(race: Trace, tmp_path: Path) -> None:
    """Written again, a trace whose end is missing would pass for a whole one."""
    with pytest.raises(TraceError, match="cut"):
        write_trace(attrs.evolve(race, missing=1), tmp_path / "x.jsonl")

    assert list(tmp_path.iterdir()) == []
