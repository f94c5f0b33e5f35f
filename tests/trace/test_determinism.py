# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same execution gives the same bytes, in whatever process."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import sys
from swaptrio.sched import Kind, Mutex, RandomWalk, SpinLock, choose, point, run
from swaptrio.trace import Recorder, draw_lanes, render_trace

class Option:
    pass

def program(execution):
    state.clear()
    locks = [SpinLock(f"cluster {number}") for number in range(3)]
    async def task(name):
        for number, lock in enumerate(locks):
            async with lock.hold(f"{name}.lock"):
                await point(f"{name}.write", Kind.WRITE, f"swap0:{number}")
                state[f"swap0:{number}"] = name
            choose(f"{name}.draw", [Option(), Option()])
        for key in [key for key in state if state[key] == name]:
            del state[key]
    for name in ("fault", "zap", "reclaim", "swapoff"):
        execution.spawn(name, task, name)

state = {}
for seed in range(20):
    recorder = Recorder(lambda: state)
    run(program, RandomWalk(seed=seed), observer=recorder)
    trace = recorder.trace(seed=seed)
    sys.stdout.write(render_trace(trace).decode("ascii") + draw_lanes(trace))

foreign = [name for name in ("pytest", "hypothesis") if name in sys.modules]
assert not foreign, foreign
"""


def test_bytes_do_not_depend_on_the_process() -> None:
    """Two processes with different hash seeds, without pytest and Hypothesis, agree."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "4711")
    ]

    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"swaptrio-trace") == 20
    assert b" at 0x" not in outputs[0]
