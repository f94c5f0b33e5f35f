# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio campaign run``, ``resume`` and ``status``."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import Result

from swaptrio.cli.campaign_interest import check_interest
from swaptrio.cli.campaign_options import STORE
from swaptrio.cli.campaign_progress import LINES, bar, clock, line_of, seconds_left
from swaptrio.cli.console import Console
from swaptrio.explore.campaign import Case, Plan, State, Store, locked, matter_of
from swaptrio.trace import open_trace

Run = Callable[..., Result]
Spawn = Callable[..., Any]
Document = Callable[[Result], Any]
T = TypeVar("T")

SMALL = ("--seeds", "60", "--chunk", "20", "--jobs", "1", "--store", "s.sqlite")


def events(text: str) -> list[dict[str, Any]]:
    """The documents of a stream, one a line, but for those that depend on the clock."""
    found = [json.loads(line) for line in text.splitlines()]
    return [each for each in found if each.get("event") != "progress"]


@pytest.fixture
def begun(race: str, swaptrio: Run) -> Result:
    """A small campaign of a variant that fails, to its end."""
    return swaptrio("campaign", "run", race, "--variant", "pre", *SMALL)


def test_it_says_what_it_found(begun: Result) -> None:
    """Each failure once, with what replays it, and exit code 1."""
    assert begun.exit_code == 1
    assert "s.sqlite: 3 of 3 items are done" in begun.stdout
    assert "race, variant pre: violation: I-ERRNO at put_swap_device.put" in (
        begun.stdout.replace("\n  ", " ")
    )
    assert "swaptrio replay race.toml --variant pre --schedule " in begun.stdout
    assert "swaptrio campaign report --store s.sqlite" in begun.stdout


def test_the_command_replays_it(begun: Result, swaptrio: Run) -> None:
    """What it prints shows that failure."""
    [line] = [line for line in begun.stdout.splitlines() if " replay " in line]
    result = swaptrio(*line.split()[1:], "--json")

    assert json.loads(result.stdout)["violation"]["check"] == "I-ERRNO"


def test_a_failure_leaves_its_trace(begun: Result, swaptrio: Run, document: Document) -> None:
    """That of its shortest schedule lies in logs/; who asks for the status hears of it too."""
    [log] = Path("logs").iterdir()
    status = swaptrio("campaign", "status", "--store", "s.sqlite")
    record = document(swaptrio("campaign", "status", "--store", "s.sqlite", "--json"))

    assert open_trace(log).header.verdict.check == "I-ERRNO"
    assert str(open_trace(log).header.verdict.schedule) == record["failures"][0]["schedule"]
    assert record["failures"][0]["trace"] == str(log)
    for text in (begun.stdout, status.stdout):
        assert f"  trace: {log}\n  open it: swaptrio trace {log}\n" in text


def test_a_failure_outlives_its_trace(race: str, here: Path, swaptrio: Run) -> None:
    """Where the folder for traces takes none the store has the failure, and it is told."""
    (here / "logs").rmdir()
    (here / "logs").symlink_to("/proc")
    result = swaptrio("campaign", "run", race, "--variant", "pre", *SMALL)
    status = json.loads(swaptrio("campaign", "status", "--store", "s.sqlite", "--json").stdout)

    assert result.exit_code == 1
    assert "violation: I-ERRNO" in result.stdout
    assert "trace: " not in result.stdout
    assert "cannot be written" in result.stderr
    assert status["failures"][0]["trace"] is None


def test_nothing_found(race: str, swaptrio: Run) -> None:
    """Exit code 0, and no bare success: what was entered is counted, and the rest is not."""
    result = swaptrio("campaign", "run", race, *SMALL)
    report = swaptrio("campaign", "report", "--store", "s.sqlite", "--format", "json")
    [case] = json.loads(report.stdout)["cases"]

    assert result.exit_code == 0
    assert case["windows"] > 0
    entered = f"{case['windows']} windows were entered"
    assert f"no failure; {entered}, and no other one was sampled\n" in result.stdout


@pytest.mark.parametrize("strategy", ["random", "pos"])
def test_what_a_stress_test_would_hit(
    strategy: str, race: str, swaptrio: Run, document: Document
) -> None:
    """Random walks are that test, so their campaign tells its own rate; others tell none."""
    options = (race, "--variant", "pre", *SMALL, "--strategy", strategy)
    text = swaptrio("campaign", "run", *options).stdout
    status = document(swaptrio("campaign", "status", "--store", "s.sqlite", "--json"))

    hits = [f"({each['count']} of 60)" for each in status["failures"]]
    told = [line for line in text.splitlines() if "a plain stress test would hit it" in line]
    assert hits
    assert [line.split()[-3:] for line in told] == (
        [each.split() for each in hits] if strategy == "random" else []
    )


@pytest.mark.usefixtures("begun")
def test_status_for_programs(swaptrio: Run, document: Document) -> None:
    """The keys that scripts rely on, and no others."""
    result = swaptrio("campaign", "status", "--store", "s.sqlite", "--json")
    record = document(result)

    assert result.exit_code == 0
    assert record.keys() == {"items_total", "items_done", "executions", "failures"}
    assert (record["items_total"], record["items_done"], record["executions"]) == (3, 3, 60)
    [failure] = record["failures"]
    assert failure.keys() == {
        "fingerprint", "check", "scenario", "variant", "count", "schedule", "trace",
    }  # fmt: skip
    assert (failure["check"], failure["scenario"], failure["variant"]) == (
        "I-ERRNO", "race", "pre",
    )  # fmt: skip
    assert failure["count"] > 1


@pytest.mark.usefixtures("begun")
def test_status_for_people(swaptrio: Run) -> None:
    """How far it is, and its failures."""
    result = swaptrio("campaign", "status", "--store", "s.sqlite")

    assert "3 of 3 items are done: 60 executions" in result.stdout
    assert "violation: I-ERRNO" in result.stdout


def test_status_of_what_the_time_ends(race: str, swaptrio: Run) -> None:
    """Nobody knows how many items there will be, and so nothing is told as their number."""
    timed = ["--time", "0.2s", "--chunk", "10", "--jobs", "1", "--store", "t.sqlite"]
    begun = swaptrio("campaign", "run", race, *timed)
    result = swaptrio("campaign", "status", "--store", "t.sqlite")

    assert re.search(r"t.sqlite: \d+ items are done so far$", begun.stdout, re.MULTILINE)
    assert re.search(r"^\d+ items are done so far: \d+ executions", result.stdout, re.MULTILINE)


def test_a_stream_of_events(race: str, swaptrio: Run) -> None:
    """With --json each line is a document: the beginning, each new failure, the end."""
    result = swaptrio("campaign", "run", race, "--variant", "pre", *SMALL, "--json")
    found = events(result.stdout)

    assert [each["event"] for each in found] == ["begin", "failure", "end"]
    assert found[0]["cases"] == [["race", "pre"]]
    assert found[1]["check"] == "I-ERRNO"
    assert found[1]["labels"] == ["put_swap_device.put"]
    assert found[2]["interrupted"] is False
    assert found[2]["executions"] == 60


def test_an_error_in_a_stream(
    race: str, swaptrio: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is its last line."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "_add", full)
    result = swaptrio("campaign", "run", race, *SMALL, "--json")
    found = events(result.stdout)

    assert result.exit_code == 2
    assert found[0]["event"] == "begin"
    assert "No space left on device; what is in it is safe" in found[-1]["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "race.toml", "--jobs", "0"),
        ("run", "race.toml", "--store", "none/at/all"),
        ("resume", "--store", "none.sqlite"),
    ],
)
def test_an_error_instead_of_a_stream(
    race: str, swaptrio: Run, arguments: tuple[str, ...]
) -> None:
    """Is one line as well, as whoever reads lines cannot know that there is no stream."""
    assert race == "race.toml"
    result = swaptrio("campaign", *arguments, "--json")

    [error] = events(result.stdout)
    assert result.exit_code == error["error"]["exit_code"] == 2


def test_it_is_not_begun_twice(begun: Result, race: str, swaptrio: Run) -> None:
    """A store that is there is not touched; the way to go on is told."""
    before = Path("s.sqlite").read_bytes()
    result = swaptrio("campaign", "run", race, *SMALL)

    assert begun.exit_code == 1
    assert result.exit_code == 2
    assert "to go on with it: swaptrio campaign resume --store s.sqlite" in result.stderr
    assert Path("s.sqlite").read_bytes() == before


def test_two_at_once(begun: Result, swaptrio: Run) -> None:
    """The second campaign on a store is refused."""
    assert begun.exit_code == 1
    with locked(Path("s.sqlite")):
        result = swaptrio("campaign", "resume", "--store", "s.sqlite")

    assert result.exit_code == 2
    assert f"s.sqlite: is in use by another campaign, process {os.getpid()}" in result.stderr


@pytest.mark.usefixtures("begun")
def test_resume_goes_further(swaptrio: Run) -> None:
    """With more seeds it runs those that are new."""
    result = swaptrio("campaign", "resume", "--store", "s.sqlite", "--seeds", "100")

    assert result.exit_code == 1
    assert "5 of 5 items are done" in result.stdout
    assert "\n40 executions in" in result.stdout


def test_resume_goes_further_from_the_middle_of_an_item(
    race: str, swaptrio: Run, document: Document
) -> None:
    """No seed is left out where the last item was shorter than the chunk."""
    options = ("--chunk", "20", "--jobs", "1", "--store", "s.sqlite")
    swaptrio("campaign", "run", race, "--seeds", "30", *options)
    swaptrio("campaign", "resume", "--seeds", "50", "--jobs", "1", "--store", "s.sqlite")
    status = document(swaptrio("campaign", "status", "--store", "s.sqlite", "--json"))

    assert status["executions"] == 50
    assert status["items_done"] == status["items_total"] == 4


@pytest.mark.usefixtures("begun")
def test_a_scenario_that_changed(race: str, swaptrio: Run) -> None:
    """Is refused with both digests; a new store starts it afresh."""
    with open(race, "a", encoding="utf-8") as file:
        file.write("\n")
    refused = swaptrio("campaign", "resume", "--store", "s.sqlite")
    forked = swaptrio("campaign", "resume", "--store", "s.sqlite", "--fork-store", "new.sqlite")

    assert refused.exit_code == 2
    assert "scenario race has changed: it was " in refused.stderr
    assert "--fork-store" in refused.stderr
    assert forked.exit_code == 1
    assert "new.sqlite: 3 of 3 items are done" in forked.stdout


def test_a_variant_of_ones_own(race: str, mine: str, swaptrio: Run) -> None:
    """Has to be named again by whoever resumes, as a store leads to no code."""
    first = swaptrio("campaign", "run", race, "--variant", mine, *SMALL)
    refused = swaptrio("campaign", "resume", "--store", "s.sqlite")
    named = swaptrio("campaign", "resume", "--store", "s.sqlite", "--variant", mine)

    assert first.exit_code == 1
    assert refused.exit_code == 2
    assert "mine.py: this variant is in a file; name it once more" in refused.stderr
    assert named.exit_code == 1


def test_code_that_changed(race: str, mine: str, swaptrio: Run) -> None:
    """Another text of a variant is another variant."""
    swaptrio("campaign", "run", race, "--variant", mine, *SMALL)
    with open(mine, "a", encoding="utf-8") as file:
        file.write("\n")
    result = swaptrio("campaign", "resume", "--store", "s.sqlite", "--variant", mine)

    assert result.exit_code == 2
    assert "variant mine has changed: it was " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "name scenarios, or say --all"),
        (["run", "race.toml", "--all"], "--all and a NAME exclude each other"),
        (["run", "race.toml", "--jobs", "0"], "0 is not in the range"),
        (["run", "race.toml", "--jobs", "10000"], "10000 is not in the range 1<=x<=512"),
        (["run", "race.toml", "--seeds", "0"], "0 is not in the range"),
        (["run", "race.toml", "--time", "soon"], "'soon' is no time; write 90s, 10m, 8h"),
        (["run", "race.toml", "--time", "0s"], "'0s' is no time"),
        (["run", "race.toml", "--time", "1s", "--seeds", "1"], "only one of --seeds and"),
        (["run", "race.toml", "--strategy", "pctt"], "did you mean 'pct'"),
        (["run", "race.toml", "--store", "none/at/all"], "none/at/all: its folder cannot"),
        (["run", "race.toml", "--store", "logs"], "logs: is a folder, where a store is a file"),
        (["run", "rice.toml"], "there is no such file; did you mean 'race.toml'?"),
        (["run", "race.toml", "--variant", "v33"], "did you mean"),
        (["resume", "--store", "none.sqlite"], "none.sqlite: there is no such store"),
        (["status", "--store", "race.toml"], "is not the store of a campaign"),
        (["resume", "--store", "race.toml"], "is not the store of a campaign"),
    ],
)
def test_bad_input(race: str, swaptrio: Run, arguments: list[str], message: str) -> None:
    """Is told in a line, with exit code 2, and leaves nothing behind."""
    result = swaptrio("campaign", *arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert sorted(os.listdir()) == ["logs", race]
    assert os.listdir("logs") == []


@pytest.mark.usefixtures("begun")
def test_a_damaged_store(swaptrio: Run) -> None:
    """Is said to be damaged by each command, and stays as it is."""
    whole = Path("s.sqlite").read_bytes()
    broken = whole[:4096] + b"\xff" * 4096 + whole[8192:]
    Path("s.sqlite").write_bytes(broken)
    for command in ("status", "resume"):
        result = swaptrio("campaign", command, "--store", "s.sqlite")
        assert result.exit_code == 2
        assert "was left as it is" in result.stderr
    assert Path("s.sqlite").read_bytes() == broken


@pytest.mark.usefixtures("begun")
def test_a_newer_store(swaptrio: Run) -> None:
    """Is refused with both formats."""
    with sqlite3.connect("s.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    result = swaptrio("campaign", "resume", "--store", "s.sqlite")

    assert result.exit_code == 2
    assert "was made by a newer swaptrio: format 99, here 2" in result.stderr


@pytest.mark.skipif(find_spec("distributed") is None, reason="the extra dask is not there")
def test_a_scheduler_that_does_not_answer(race: str, spawn: Spawn) -> None:
    """Is told, with exit code 2, and there is no store."""
    address = "tcp://127.0.0.1:1"
    result = spawn("campaign", "run", race, *SMALL, "--engine", "dask", "--scheduler", address)

    assert result.returncode == 2
    assert result.stderr == f"no Dask scheduler answers at {address}\n"
    assert not Path("s.sqlite").exists()


def test_a_scheduler_without_a_cluster(race: str, swaptrio: Run) -> None:
    """Is refused: nobody would ask it."""
    result = swaptrio("campaign", "run", race, *SMALL, "--scheduler", "tcp://127.0.0.1:1")

    assert result.exit_code == 2
    assert "--scheduler is for --engine dask" in result.stderr


def test_the_store_where_none_is_named(race: str, swaptrio: Run) -> None:
    """Lies in logs/, where status finds it."""
    swaptrio("campaign", "run", race, *SMALL[:-2])

    assert Path("logs", STORE).is_file()
    assert swaptrio("campaign", "status").exit_code == 0


def test_nobody_but_the_streams(race: str, mine: str, spawn: Spawn) -> None:
    """What a variant prints in a worker does not get into the stream of events."""
    result = spawn("campaign", "run", race, "--variant", mine, *SMALL, "--json")

    assert result.returncode == 1
    begin, *failures, end = [each["event"] for each in events(result.stdout)]
    assert (begin, end) == ("begin", "end")
    assert failures == ["failure"] * len(failures) != []
    assert "this file talks" in result.stderr


def test_a_bar() -> None:
    """It is full at the end and empty at the beginning."""
    assert bar(0.0) == "[....................]   0%"
    assert bar(0.5) == "[##########..........]  50%"
    assert bar(1.0) == "[####################] 100%"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0s"), (59.9, "59s"), (61, "1m01s"), (3661, "1h01m")]
)
def test_a_clock(seconds: float, text: str) -> None:
    """Times are written as people write them."""
    assert clock(seconds) == text


def test_a_line_of_progress() -> None:
    """Share, rate, time left and failures; what was done before does not count for the rate."""
    state = State(40, None, done=20, here=10, executions=2000, fresh=1000, seconds=10.0)
    state.distinct, state.failed = 2, 30

    assert line_of(state) == (
        "[##########..........]  50% 2000 executions, 100/s, 20s left,"
        " 2 distinct in 30 failures"
    )
    assert seconds_left(State(40, None)) is None
    assert seconds_left(State(None, 60.0, seconds=10.0, before=20.0)) == 30.0


def test_a_line_a_minute(monkeypatch: pytest.MonkeyPatch, race: str, swaptrio: Run) -> None:
    """Where nobody watches, a line comes each time that so many seconds are over."""
    from swaptrio.cli import campaign_progress

    silent = swaptrio("campaign", "run", race, *SMALL)
    Path("s.sqlite").unlink()
    monkeypatch.setattr(campaign_progress, "LINES", 0.0)
    told = swaptrio("campaign", "run", race, *SMALL)

    assert LINES == 60.0
    assert silent.stderr == ""
    assert "executions, " in told.stderr
    assert "0 distinct in 0 failures" in told.stderr


def test_a_bar_for_who_watches(race: str) -> None:
    """On a terminal there is a bar that is drawn over and over, and gone at the end."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "swaptrio.cli", "campaign", "run", race, *SMALL],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=end,
    ) as process:
        os.close(end)
        seen = b""
        with suppress(OSError):
            while part := os.read(terminal, 4096):
                seen += part
    os.close(terminal)

    assert process.returncode == 0
    text = seen.decode()
    assert re.search(r"\r\[#{20}\] 100% 60 executions, \d+/s, 0s left, 0 distinct in 0", text)
    assert not text.rpartition("\r")[2].strip()


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("surw:swap0:99", "'swap0:99' fits nothing in any of 20 executions of race"),
        ("surw:swap_cache_alloc.rechek", "did you mean 'swap_cache_alloc.recheck'?"),
        ("window:nowhere.at/nowhere.else", "'nowhere.at/nowhere.else' fits nothing"),
    ],
)
def test_an_interest_that_nothing_touches(
    strategy: str, message: str, race: str, swaptrio: Run
) -> None:
    """It is refused before there is a store, in the words that fuzzing has for it."""
    result = swaptrio("campaign", "run", race, *SMALL, "--strategy", strategy)
    fuzzed = swaptrio("fuzz", race, "--seeds", 20, "--strategy", strategy)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr == fuzzed.stderr
    assert not Path("s.sqlite").exists()


def test_an_interest_of_some_cases(race: str, swaptrio: Run) -> None:
    """What fits in one case is run in all, and where it fits nothing is said."""
    names = (race, "alloc-charge-swap-rollback")
    strategy = ("--strategy", "surw:folio_alloc_swap.charge")
    result = swaptrio("campaign", "run", *names, *SMALL, *strategy)

    assert result.exit_code == 0
    assert Path("s.sqlite").exists()
    [line] = result.stderr.splitlines()
    assert line.endswith(" fits nothing in 1 of 2 cases: race, variant v3")


class Losing:
    """An engine whose workers are all lost."""

    name, jobs, width = "losing", 1, 2
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self) -> None:
        self.restarts = 0

    def submit(self, function: Callable[..., T], /, *args: object) -> Future[T]:
        """Lose it."""
        future: Future[T] = Future()
        future.set_exception(BrokenExecutor())
        return future

    def restart(self) -> None:
        """Count it."""
        self.restarts += 1

    def close(self) -> None:
        """There is nothing to end."""


def test_a_trial_that_kills_refuses_nothing(
    race: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where trials take their workers with them the campaign goes on, with workers anew."""
    engine, plan = Losing(), Plan("surw:nothing", 0, 60, None, 20)
    case = Case(race, "v3", matter_of(race, "v3"))
    check_interest(Console([]), plan, (case,), engine, "stepped")

    assert engine.restarts == 1
    assert capsys.readouterr().err == ""
