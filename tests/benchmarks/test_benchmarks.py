# SPDX-License-Identifier: MIT OR Apache-2.0
"""The benchmarks run, and say what they should. Nothing here looks at how fast anything is."""

from __future__ import annotations

import gc
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import (
    executions,
    failures,
    load,
    memory,
    processes,
    start_up,
    steps,
    tasks,
    traces,
)
from benchmarks.compare import compare, medians
from benchmarks.compare import main as compare_command
from benchmarks.promises import Promise
from benchmarks.rounds import Figures, in_turn
from benchmarks.table import table
from swaptrio.explore.campaign import Case, Plan, ProcessPool, matter_of, run_item
from swaptrio.sched import Execution, open_scheduler, point
from swaptrio.trace import parse_trace, render_trace

SUMMARY = {"median", "min", "max"}


def small(name: str, rounds: int) -> dict[str, Any]:
    """A benchmark with the smallest sizes."""
    match name:
        case "a":
            return executions.measure(rounds, executions.Sizes(ours=3, plain=2, counted=2))
        case "b":
            sizes = steps.Sizes(fuzzed=2, empty=2, points=5, sends=20)
            return steps.measure(rounds, sizes)
        case "d":
            return processes.measure(rounds, processes.Sizes(items=1, seeds=5))
        case "e":
            return memory.measure(600)
        case "f":
            return start_up.measure(rounds)
        case "g":
            return traces.measure_recording(rounds, traces.Sizes(executions=2))
        case "h":
            return traces.measure_writing(rounds, traces.Sizes(events=200))
        case "i":
            return failures.measure(20)
        case "j":
            return load.measure(rounds, load.Sizes((2, 1), (8, 1), short=300, long=900))
        case _:
            return tasks.measure(rounds, tasks.Sizes(short=600, long=1200, times=1))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command run each benchmark with the smallest sizes."""

    def shrunk(name: str, benchmark: command.Benchmark) -> command.Benchmark:
        return command.Benchmark(lambda extent: small(name, extent.rounds), benchmark.promises)

    table = {name: shrunk(name, each) for name, each in command.BENCHMARKS.items()}
    monkeypatch.setattr(command, "BENCHMARKS", table)


def test_a_has_rates_ratio_and_work() -> None:
    """Both rates, their ratio, and how much of the model an execution calls."""
    found = small("a", 2)
    for side in ("trio", "stepped", "plain_trio"):
        assert found["executions_per_second"][side].keys() == SUMMARY
    for side in ("swaptrio", "plain_trio"):
        assert found["model_calls_per_execution"][side] > 0
    assert found["ratio"] == found["ratio_by_carrier"][found["carrier"]]
    assert found["stepped_over_trio"].keys() == SUMMARY


def test_b_has_its_figures() -> None:
    """The fuzz, the scheduler alone, and the loop that they are held against."""
    found = small("b", 2)
    figures = {"fuzz", "scheduler", "scheduler_stepped", "loop"}
    assert found["microseconds_per_step"].keys() == figures
    assert found["over_loop"]["loop"] == {"median": 1.0, "min": 1.0, "max": 1.0}


def test_c_has_both_strategies() -> None:
    """With and without steps that stay with their task, for each number of tasks."""
    found = small("c", 1)
    for strategy in ("hand_over", "random_walk"):
        assert found[strategy]["microseconds_per_step"].keys() == {"3", "30", "300"}
        assert found[strategy]["spread"]


def test_g_records_the_same_executions() -> None:
    """Both sides play the same; with the recorder on, each execution gives a whole trace."""
    found = small("g", 2)
    assert found["ratio"].keys() == SUMMARY
    recorded = trio.run(traces.play_all, executions.setup(), range(3), True)
    assert [len(trace.events) for trace in recorded] == [t.header.steps for t in recorded]
    assert trio.run(traces.play_all, executions.setup(), range(3), False) == []


def test_j_has_both_worlds() -> None:
    """A cost for the small world and the large one, and their ratio."""
    found = small("j", 1)
    assert found["microseconds"].keys() == {"small", "large"}
    assert found["ratio"].keys() == SUMMARY


def test_h_writes_so_many_events() -> None:
    """The file is as long as it was asked for, and can be read."""
    assert small("h", 1)["events"] == 200
    trace = traces.long_trace(200)
    assert parse_trace(render_trace(trace), strict=True) == trace


@pytest.mark.usefixtures("tiny")
def test_the_document() -> None:
    """JSON alone on stdout; the machine, the three parts, and each promise with its figure."""
    result = CliRunner().invoke(command.main, ["--rounds", "1"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found.keys() == {"machine", "rounds", *"abcdefghij", "promises"}
    assert {"python", "trio", "cpus"} <= found["machine"].keys()
    for promise in found["promises"].values():
        assert promise.keys() == {"what", "wanted", "measured", "kept"}
    assert len(result.stderr.splitlines()) == len(found["promises"]) == 12
    assert list(compare(found, found)["new_over_old"].values()) == [1.0] * len(
        dict(medians(found))
    )
    assert "| large-vs-small-neighbour | 2 |" in "\n".join(table(found, found))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", list("abcdefghij"))
def test_only_one(name: str) -> None:
    """``--only`` leaves the other parts out, and their promises."""
    result = CliRunner().invoke(command.main, ["--rounds", "1", "--only", name])
    found = json.loads(result.stdout)
    assert found.keys() == {"machine", "rounds", name, "promises"}
    promised = command.BENCHMARKS[name].promises
    assert found["promises"].keys() == promised.keys()
    assert {key.partition(".")[0] for key in promised} <= {name}


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--only", "x"]])
def test_wrong_use(arguments: list[str]) -> None:
    """Is told, with exit code 2 and nothing on stdout."""
    result = CliRunner().invoke(command.main, arguments)
    assert result.exit_code == 2
    assert not result.stdout


def test_d_runs_every_seed_once() -> None:
    """A round is so many items for each process, one after the other, each whole."""
    case = Case("two-faults-one-slot", "v3", matter_of("two-faults-one-slot", "v3"))
    pool = ProcessPool(2)
    counted = [processes.run(pool, case, number, processes.Sizes(2, 5)) for number in (0, 1)]
    pool.close()
    [item] = Plan("random", 20, 20, None, 20).items_of(case)

    assert [each.executions for each in counted] == [20, 20]
    assert counted[1].steps == run_item(item, case.matter).steps


def test_e_reads_each_tenth() -> None:
    """Memory is that of the command and its workers together, once a tenth."""
    found = small("e", 1)

    assert found["executions"] == 600
    assert 2 <= len(found["megabytes_after_each_tenth"]) <= 10
    assert min(found["megabytes_after_each_tenth"]) > 10
    assert found["growth"] > 0.5


def test_f_runs_whole_processes() -> None:
    """Less than the bare interpreter is never used."""
    found = small("f", 1)["milliseconds"]

    assert found["replay"]["median"] > found["help"]["median"] > found["python"]["median"] > 1


def test_i_counts_failures_on_each_side() -> None:
    """All sides make at least as many executions, and ours finds a failure in them."""
    found = small("i", 1)["large-vs-small-neighbour, pre"]

    assert found["ours"]["executions"] == found["plain_trio"]["executions"] == 20
    assert found["hypothesis"]["executions"] >= 20
    assert 1 <= found["ours"]["executions_per_failure"] <= 20
    assert all(side["executions_per_second"] > 0 for side in found.values())


def saved(measured: float, *, kept: bool) -> dict[str, Any]:
    """A document with one figure and one promise."""
    promise = {"what": "rate", "wanted": ">= 3", "measured": measured, "kept": kept}
    figure = {"median": measured, "min": 1.0, "max": 9.0}
    return {"machine": {"cpus": 2}, "a": {"x": {"y": figure}}, "promises": {"a": promise}}


def test_two_runs_compared(tmp_path: Path) -> None:
    """Ratios of all figures; a promise that is not kept any more makes the exit code 1."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(saved(4.0, kept=True)), encoding="utf-8")
    bad.write_text(json.dumps(saved(2.0, kept=False)), encoding="utf-8")
    worse = CliRunner().invoke(compare_command, [str(good), str(bad)])
    better = CliRunner().invoke(compare_command, [str(bad), str(good)])

    assert (worse.exit_code, better.exit_code) == (1, 0)
    found = json.loads(worse.stdout)
    assert found["new_over_old"] == {"a.x.y": 0.5}
    assert found["promises"] == {"a": [4.0, 2.0]}
    assert found["broken"] == ["a"]
    assert "a: the promise was kept, and is not any more" in worse.stderr


def test_the_table_is_made_of_the_saved_run() -> None:
    """docs/benchmarks.md shows what saved.json and million.json in benchmarks/ hold."""
    root = Path(__file__).parents[2]
    files = [root / "benchmarks" / name for name in ("saved.json", "million.json")]
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    page = (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- table -->\n")[2].partition("<!-- end of table -->")[0]

    assert shown.splitlines() == list(table(*documents))


def test_the_long_campaign_is_a_long_one() -> None:
    """What is told of memory is told of a million executions, after each tenth of them."""
    file = Path(__file__).parents[2] / "benchmarks" / "million.json"
    memory = json.loads(file.read_text(encoding="utf-8"))["e"]

    assert memory["executions"] == 1_000_000
    assert len(memory["megabytes_after_each_tenth"]) == 10


def test_rounds_take_turns() -> None:
    """A B A B ..., after a first round that does not count."""
    order: list[tuple[str, int]] = []

    def measure(name: str, number: int) -> float:
        order.append((name, number))
        return float(number)

    found = in_turn(2, {"a": lambda n: measure("a", n), "b": lambda n: 2 * measure("b", n)})
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert found["a"] == Figures((1.0, 2.0))
    assert found["b"].over(found["a"]) == Figures((2.0, 2.0))


def test_what_was_there_is_left_alone_by_the_collector() -> None:
    """A measure pays for the collection of what it makes, and not for the imports' size."""
    frozen: list[int] = []

    def measure(number: int) -> float:
        frozen.append(gc.get_freeze_count())
        assert len(gc.get_objects()) < frozen[-1] / 10
        return 1.0

    in_turn(1, {"a": measure, "b": measure})

    assert min(frozen) > 10_000
    assert gc.get_freeze_count() == 0


def test_a_summary_is_of_the_rounds() -> None:
    """The median, with the least and the most."""
    assert Figures((3.0, 1.0, 2.0)).summary() == {"median": 2.0, "min": 1.0, "max": 3.0}


def test_a_promise_has_a_sense() -> None:
    """Its bound is the least or the most, and keeps it itself."""
    assert Promise("rate", ">=", 3).kept_by(3.0)
    assert not Promise("rate", ">=", 3).kept_by(2.9)
    assert Promise("cost", "<=", 16).report(17.0) == {
        "what": "cost",
        "wanted": "<= 16",
        "measured": 17.0,
        "kept": False,
    }


async def test_round_robin_never_stays() -> None:
    """Every step goes to another task, so that each is a hand-over."""
    chosen: list[str] = []

    class Chosen:
        def step(self, execution: Execution, task: object) -> None:
            chosen.append(task.name)  # type: ignore[attr-defined]  # a Task

        def choice(self, *_: object) -> None: ...

        def end(self, execution: Execution) -> None: ...

    async def body() -> None:
        for _ in range(4):
            await point("body.step")

    def program(execution: Execution) -> None:
        for index in range(5):
            execution.spawn(f"task {index}", body)

    async with open_scheduler() as scheduler:
        await scheduler.run(program, tasks.RoundRobin(), observer=Chosen())
    assert len(chosen) == 25
    assert all(left != right for left, right in pairwise(chosen))
