# SPDX-License-Identifier: MIT OR Apache-2.0
"""The benchmarks run, and say what they should. Nothing here looks at how fast anything is."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
import trio
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import executions, steps, tasks, traces
from benchmarks.promises import Promise
from benchmarks.rounds import Figures, in_turn
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
            return traces.measure_recording(rounds, traces.Sizes(executions=2))
        case "e":
            return traces.measure_writing(rounds, traces.Sizes(events=200))
        case _:
            return tasks.measure(rounds, tasks.Sizes(short=600, long=1200, times=1))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command run each benchmark with the smallest sizes."""

    def shrunk(name: str, benchmark: command.Benchmark) -> command.Benchmark:
        return command.Benchmark(
            lambda rounds: small(name, rounds), benchmark.promise, benchmark.measured
        )

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


def test_d_records_the_same_executions() -> None:
    """Both sides play the same; with the recorder on, each execution gives a whole trace."""
    found = small("d", 2)
    assert found["ratio"].keys() == SUMMARY
    recorded = trio.run(traces.play_all, executions.setup(), range(3), True)
    assert [len(trace.events) for trace in recorded] == [t.header.steps for t in recorded]
    assert trio.run(traces.play_all, executions.setup(), range(3), False) == []


def test_e_writes_so_many_events() -> None:
    """The file is as long as it was asked for, and can be read."""
    assert small("e", 1)["events"] == 200
    trace = traces.long_trace(200)
    assert parse_trace(render_trace(trace), strict=True) == trace


@pytest.mark.usefixtures("tiny")
def test_the_document() -> None:
    """JSON alone on stdout; the machine, the three parts, and each promise with its figure."""
    result = CliRunner().invoke(command.main, ["--rounds", "1"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found.keys() == {"machine", "rounds", *"abcde", "promises"}
    assert {"python", "trio", "cpus"} <= found["machine"].keys()
    for promise in found["promises"].values():
        assert promise.keys() == {"what", "wanted", "measured", "kept"}
    assert len(result.stderr.splitlines()) == 5


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", list("abcde"))
def test_only_one(name: str) -> None:
    """``--only`` leaves the other parts out, and their promises."""
    result = CliRunner().invoke(command.main, ["--rounds", "1", "--only", name])
    found = json.loads(result.stdout)
    assert found.keys() == {"machine", "rounds", name, "promises"}
    assert found["promises"].keys() == {name}


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--only", "f"]])
def test_wrong_use(arguments: list[str]) -> None:
    """Is told, with exit code 2 and nothing on stdout."""
    result = CliRunner().invoke(command.main, arguments)
    assert result.exit_code == 2
    assert not result.stdout


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
