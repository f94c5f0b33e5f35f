# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whatever is given to the command line: one clear error, the right code, nothing half done."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]

SPARSE = 50 * 1024 * 1024

#: By what is wrong: what to replace in the good file and with what, and what the error names.
EDITS: dict[str, tuple[str, str, str]] = {
    "unknown-key": ('title = "', 'titel = "x"\ntitle = "', "titel"),
    "wrong-type": ("page = 16", 'page = "16"', "slots[0].page: "),
    "order-above-9": ("orders = [2]", "orders = [10]", "process[0].orders"),
    "unknown-label": ("swap_cache_alloc.recheck", "swap_cache_alloc.rechek", "recheck'?"),
    "unknown-task": (
        '{ run = "large", until',
        '{ run = "larg", until',
        "did you mean 'large'?",
    ),
    "unknown-variant": ("[window.expect.pre]", "[window.expect.prr]", "did you mean 'pre'?"),
    "unknown-check": (
        'check = "I-PROGRESS"',
        'check = "I-PROGRES"',
        "did you mean 'I-PROGRESS'?",
    ),
    "not-toml": ("[[task]]", "[[task]", "line "),
    "other-name": ('name = "race"', 'name = "other"', "did you mean 'race'?"),
}

#: By what the file is: its whole content, and what the error says.
CONTENTS: dict[str, tuple[bytes, str]] = {
    "binary": (b"\x7fELF\x00\x00\x01", "is binary"),
    "empty": (b"", "is empty"),
    "latin-1": (b'title = "\xe9"', "is not UTF-8 text"),
    "50-MB": (b"\0" * 0, "is too large"),
}


def refused(result: Result, code: int = 2) -> str:
    """The lines on stderr of a command that was refused, and did nothing else."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert list(Path("logs").iterdir()) == []
    return result.stderr


def everywhere(swaptrio: Run, file: str) -> str:
    """The error for a scenario file, which all commands that read one give alike."""
    errors = {refused(swaptrio(*command, file)) for command in (["show"], ["replay"], ["fuzz"])}
    [error] = errors
    assert all(line.startswith(file) for line in error.splitlines())
    record = json.loads(swaptrio("replay", file, "--json").stdout)["error"]
    assert (record["kind"], record["exit_code"]) == ("input", 2)
    assert record["message"] == error.rstrip("\n")
    assert [problem["file"] for problem in record["problems"]] == [file] * len(
        error.splitlines()
    )
    return error


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_scenario_file_with_a_mistake(
    edit: tuple[str, str, str], race: str, swaptrio: Run
) -> None:
    """A mistake in a scenario file is told with file, place and the nearest right word."""
    old, new, named = edit
    path = Path(race)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    assert named in everywhere(swaptrio, race)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
def test_file_that_is_no_scenario(
    content: tuple[bytes, str], here: Path, swaptrio: Run
) -> None:
    """A file that cannot be a scenario is refused before it is read at length."""
    data, message = content
    path = here / "race.toml"
    path.write_bytes(data)
    if message == "is too large":
        os.truncate(path, SPARSE)

    assert message in everywhere(swaptrio, "race.toml")


def test_all_mistakes_at_once(race: str, swaptrio: Run) -> None:
    """Several mistakes of a file are told together, one a line."""
    path = Path(race)
    text = path.read_text(encoding="utf-8")
    for old, new in (("orders = [2]", "orders = [10, 11]"), ("page = 17", "page = -1")):
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")

    assert len(everywhere(swaptrio, race).splitlines()) == 3


@pytest.mark.parametrize("name", ["missing.toml", "logs", "folder.toml", "x" * 300 + ".toml"])
def test_no_scenario_there(name: str, here: Path, swaptrio: Run) -> None:
    """A missing file, a folder and an impossible name are refused alike."""
    (here / "folder.toml").mkdir()
    for command in ("show", "replay", "fuzz"):
        assert len(refused(swaptrio(command, name)).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", "line 1: the file cannot be run: SyntaxError"),
        ("import no_such_module\n", "the file cannot be run: ModuleNotFoundError"),
        ("x = 1\ny = x / 0\n", "the file cannot be run: ZeroDivisionError"),
        ("raise SystemExit(0)\n", "the file cannot be run: SystemExit"),
        ("\0", "the file cannot be run"),
        ("", "lacks this function, and names no BASE (got swap_cache_alloc_folio)"),
        ('BASE = "v33"\n', "BASE names no version"),
    ],
)
def test_variant_file_that_is_none(
    text: str, message: str, race: str, here: Path, swaptrio: Run
) -> None:
    """A variant file that does not import or lacks a function is told with its line."""
    (here / "mine.py").write_text(text, encoding="utf-8")
    for command in (["replay", race], ["fuzz", race], ["conform", "none.jsonl"]):
        error = refused(swaptrio(*command, "--variant", "mine.py"))
        assert error.startswith("mine.py: ")
        assert message in error


@pytest.mark.parametrize("variant", ["missing.py", "folder.py", "v33", "", "x" * 300 + ".py"])
def test_no_variant_there(variant: str, race: str, here: Path, swaptrio: Run) -> None:
    """A variant that does not exist is refused."""
    (here / "folder.py").mkdir()
    assert refused(swaptrio("replay", race, "--variant", variant))


@pytest.fixture
def log(race: str, swaptrio: Run, here: Path) -> Path:
    """A trace outside of logs/."""
    swaptrio("replay", race, "--log", "good.jsonl")
    return here / "good.jsonl"


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _cut_at_a_line(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-1])


def _header_only(data: bytes) -> bytes:
    return data.splitlines(keepends=True)[0]


def _edited(data: bytes) -> bytes:
    return data.replace(b'"task":"small"', b'"task":"large"', 1)


def _swapped(data: bytes) -> bytes:
    head, first, second, *rest = data.splitlines(keepends=True)
    return b"".join([head, second, first, *rest])


def _empty(_data: bytes) -> bytes:
    return b""


def _windows(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def _something_else(_data: bytes) -> bytes:
    return b'{"event": "something else"}\n'


@pytest.mark.parametrize(
    "damage",
    [_cut, _cut_at_a_line, _header_only, _edited, _swapped, _empty, _windows, _something_else],
)
def test_damaged_trace(
    damage: Callable[[bytes], bytes], race: str, log: Path, swaptrio: Run
) -> None:
    """A trace that was cut, edited or converted is refused by --strict, and by replay."""
    log.write_bytes(damage(log.read_bytes()))

    drawn = refused(swaptrio("trace", "good.jsonl", "--strict"))
    replayed = refused(swaptrio("replay", race, "--schedule", "good.jsonl"))

    assert drawn == replayed
    assert drawn.startswith("good.jsonl: ")
    assert "error" in json.loads(swaptrio("trace", "good.jsonl", "--strict", "--json").stdout)


@pytest.mark.parametrize("damage", [_cut, _cut_at_a_line, _header_only])
def test_cut_trace(damage: Callable[[bytes], bytes], log: Path, swaptrio: Run) -> None:
    """Of a trace whose end is missing the rest is shown, with a warning."""
    log.write_bytes(damage(log.read_bytes()))
    whole = log.read_bytes().count(b"\n") - 1

    drawn = swaptrio("trace", "good.jsonl")
    record = json.loads(swaptrio("trace", "good.jsonl", "--json").stdout)

    assert drawn.exit_code == 0
    assert drawn.stderr.startswith(
        f"warning: good.jsonl: the end was cut off: {whole} of {whole + record['missing']} "
    )
    assert "(the file was cut: " in drawn.stdout
    assert len(record["events"]) == whole
    assert len(record["flaws"]) == 1


@pytest.mark.parametrize(
    ("damage", "how"), [(_edited, "does not fit the file"), (_windows, "line ends are CRLF")]
)
def test_edited_trace(
    damage: Callable[[bytes], bytes], how: str, log: Path, swaptrio: Run
) -> None:
    """A trace that is no longer what was recorded is shown, and a warning says so."""
    log.write_bytes(damage(log.read_bytes()))

    drawn = swaptrio("trace", "good.jsonl")

    assert drawn.exit_code == 0
    assert drawn.stderr.startswith("warning: good.jsonl: the file was edited, ")
    assert how in drawn.stderr
    assert drawn.stdout


def _of_another_kind(data: bytes) -> bytes:
    return data.replace(b'"kind":"start"', b'"kind":"preempt","by":["irq",7]', 1)


def test_unknown_event(log: Path, swaptrio: Run) -> None:
    """An event that nobody here knows is shown with its own words, and with nothing lost."""
    log.write_bytes(_of_another_kind(log.read_bytes()))

    drawn = swaptrio("trace", "good.jsonl")
    [event] = json.loads(swaptrio("trace", "good.jsonl", "--last", 1, "--json").stdout)[
        "events"
    ]

    assert drawn.exit_code == 0
    assert "preempt" in drawn.stdout
    assert 'by ["irq", 7]' in drawn.stdout
    assert (event["kind"], event["by"]) == ("preempt", ["irq", 7])


def _doubled(data: bytes) -> bytes:
    head, first, *rest = data.splitlines(keepends=True)
    return b"".join([head, first, first, *rest])


def _without_one(data: bytes) -> bytes:
    head, first, _second, *rest = data.splitlines(keepends=True)
    return b"".join([head, first, *rest])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_doubled, "line 3: seq: must be 2: steps are numbered without a gap (got 1)"),
        (_without_one, "line 3: seq: must be 2: steps are numbered without a gap (got 3)"),
        (_swapped, "line 2: seq: must be 1: steps are numbered without a gap (got 2)"),
        (_empty, "line 1: the file is empty"),
        (_something_else, "line 1: this is not a swaptrio trace: a trace starts with "),
    ],
)
def test_trace_without_a_meaning(
    damage: Callable[[bytes], bytes], told: str, log: Path, swaptrio: Run
) -> None:
    """Steps that are missing or come twice, and what is no trace, are errors with a line."""
    log.write_bytes(damage(log.read_bytes()))

    assert refused(swaptrio("trace", "good.jsonl")).startswith(f"good.jsonl: {told}")


@pytest.mark.parametrize("file", ["missing.jsonl", "logs", "/dev/null"])
def test_no_trace_there(file: str, swaptrio: Run) -> None:
    """A missing trace, a folder and a device are refused."""
    assert refused(swaptrio("trace", file)).startswith(file)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nonsense", "'nonsense' is not STEP:INDEX"),
        ("3:0", "has a zero"),
        ("5:1,3:1", "step 3 does not follow step 5"),
        ("1:1,", "part 2"),
        ("9:1@task", "'9:1@task' is not STEP:INDEX"),
        ("x" * 5000, "is not STEP:INDEX"),
        ("missing.jsonl", "cannot be read"),
    ],
)
def test_bad_schedule(text: str, named: str, race: str, swaptrio: Run) -> None:
    """A text that is no schedule is refused, with the part that is wrong."""
    error = refused(swaptrio("replay", race, "--schedule", text))
    assert named in error
    assert len(error) < 250


def test_schedule_of_another_scenario(race: str, swaptrio: Run) -> None:
    """The token of another scenario diverges: it never runs something else unseen."""
    record = json.loads(
        swaptrio("replay", "two-faults-one-slot", "--seed", 3, "--json", "--log", "x").stdout
    )
    assert record["schedule"].count(",") > 2

    result = swaptrio("replay", race, "--schedule", record["schedule"])

    assert result.exit_code == 3
    assert "the schedule does not fit: it diverged at step" in result.stdout
    assert list(Path("logs").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"no json\n", "line 1"),
        (b'{"id": "t1"}\n', "line 1"),
        (b"[1, 2]\n", "line 1"),
        (b"\xff\xfe\n", "line 1"),
        (b"", "there is no vector"),
        (b"\x1f\x8b\x08\x00\x00", "cannot be read"),
        (b"[" * 100_000, "line 1"),
    ],
)
def test_bad_vectors(content: bytes, named: str, here: Path, swaptrio: Run) -> None:
    """A file that holds no vectors is told with its line."""
    (here / "v.jsonl").write_bytes(content)
    error = refused(swaptrio("conform", "v.jsonl"))

    assert error.startswith("v.jsonl: ")
    assert named in error


def test_bad_line_behind_good_ones(vector: dict[str, Any], here: Path, swaptrio: Run) -> None:
    """A bad line ends the run with its number, however many good ones stand before it."""
    good = json.dumps(vector) + "\n"
    (here / "v.jsonl").write_text(good * 5 + "{\n" + good, encoding="utf-8")

    assert refused(swaptrio("conform", "v.jsonl")).startswith("v.jsonl: line 6: ")


@pytest.mark.parametrize("file", ["missing.jsonl", "logs"])
def test_no_vectors_there(file: str, swaptrio: Run) -> None:
    """A missing file of vectors and a folder are refused."""
    assert refused(swaptrio("conform", file)).startswith(file)


@pytest.mark.parametrize("log", ["no/such/folder.jsonl", "logs", "/proc/nowhere.jsonl"])
def test_trace_that_cannot_be_written(log: str, race: str, swaptrio: Run) -> None:
    """A trace that has no place to go to is an error; the verdict stands all the same."""
    told = swaptrio("replay", race, "--log", log)
    record = json.loads(swaptrio("replay", race, "--log", log, "--json").stdout)

    assert told.exit_code == 2
    assert told.stderr.startswith(f"{log}: ")
    assert told.stderr.count("\n") == 1
    assert "as expected: passed" in told.stdout
    assert "open it" not in told.stdout
    assert (record["verdict"], record["trace"]) == ("passed", None)
    assert sorted(os.listdir()) == ["logs", "race.toml"]


def test_finds_that_cannot_be_written(race: str, here: Path, swaptrio: Run) -> None:
    """Fuzzing tells its failures where the folder for traces takes none; told once."""
    (here / "logs").rmdir()
    (here / "logs").symlink_to("/proc")

    result = swaptrio("fuzz", race, "--variant", "chris-literal", "--seeds", 50)

    assert result.exit_code == 1
    assert "livelock of I-PROGRESS" in result.stdout
    assert "schedule: " in result.stdout
    assert "trace: " not in result.stdout
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(("window", "code"), [("between", 2), ("wrong", 1)])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_full_disk_loses_no_verdict(
    number: int, window: str, code: int, race: str, swaptrio: Run, monkeypatch: Any
) -> None:
    """Where the trace cannot be written the verdict stands, and its exit code if it has one."""

    def full(*_args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("swaptrio.trace.write.os.fsync", full)
    result = swaptrio("replay", race, "--window", window)

    assert result.exit_code == code
    assert "\npassed after " in result.stdout
    assert ("NOT as expected:" in result.stdout) is (window == "wrong")
    assert "trace: " not in result.stdout
    file = f"logs/race-v3-{window}.jsonl"
    assert result.stderr == f"{file}: cannot be written: {os.strerror(number)}\n"
    assert list(Path("logs").iterdir()) == []


def test_logs_is_a_file(race: str, here: Path, swaptrio: Run, monkeypatch: Any) -> None:
    """Where ``logs`` is a file, no folder can be made, and that is said."""
    monkeypatch.setattr("swaptrio.cli.recording.scenarios", lambda: here / "nowhere" / "x")
    (here / "logs").rmdir()
    (here / "logs").write_text("", encoding="utf-8")

    result = swaptrio("replay", race)

    assert result.exit_code == 2
    assert result.stderr == "logs: the folder cannot be made: File exists\n"
    assert "as expected: passed" in result.stdout


def test_internal_error(race: str, swaptrio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours is one line and code 70; --debug adds the traceback."""

    def broken(*_args: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("swaptrio.scenario.play.load_checked", broken)
    plain = swaptrio("show", race)
    debug = swaptrio("show", race, "--debug")
    record = json.loads(swaptrio("show", race, "--json").stdout)["error"]

    assert plain.exit_code == debug.exit_code == record["exit_code"] == 70
    message = "internal error: RuntimeError: two lines"
    assert plain.stderr == f"{message}; run again with --debug to see where\n"
    assert "Traceback" in debug.stderr
    assert debug.stderr.endswith(f"{message}\n")
    assert record["kind"] == "internal"


def test_usage_error_as_json(swaptrio: Run) -> None:
    """With --json a mistake in the options is a JSON document as well."""
    result = swaptrio("replay", "--json")
    record = json.loads(result.stdout)["error"]

    assert result.exit_code == record["exit_code"] == 2
    assert record["kind"] == "usage"
    assert result.stderr == ""


def test_nothing_reaches_the_terminal_raw(here: Path, swaptrio: Run) -> None:
    """What comes from outside is escaped before it is shown."""
    evil = "\x1b[31mred\x07"
    for command in (["replay", evil], ["replay", "a", "--variant", evil], ["trace", evil],
                    ["replay", "two-faults-one-slot", "--schedule", evil], ["conform", evil],
                    ["replay", "two-faults-one-slot", "--window", evil]):  # fmt: skip
        assert "\x1b" not in swaptrio(*command).output
