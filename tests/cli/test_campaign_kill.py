# SPDX-License-Identifier: MIT OR Apache-2.0
"""Nothing is lost: a campaign that is killed again and again ends as one that is not.

``SWAPTRIO_KILLS`` says how often it is killed, at moments drawn from ``SWAPTRIO_KILL_SEED``.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.explore.campaign import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="finds processes in /proc"
)

#: How often a campaign is killed, and what the moments are drawn from.
KILLS = min(50, int(os.environ.get("SWAPTRIO_KILLS", "4")))
SEED = int(os.environ.get("SWAPTRIO_KILL_SEED", "1"))

#: Seconds after which a process that should be gone is not.
PATIENCE = 30

RUN = ("run", "race.toml", "--variant", "pre", "--seeds", "2000", "--chunk", "50")


def content(store: Store) -> Any:
    """All that may not depend on who was killed when."""
    with closing(store):
        return [
            (
                case.name,
                [attrs.evolve(each, seconds=0.0) for each in store.done(case)],
                store.failures(case),
                store.windows(case),
            )
            for case in store.cases
        ]


def campaign(*args: object, **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "swaptrio.cli", "campaign", *map(str, args), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def descendants(parent: int) -> list[int]:
    """The processes that *parent* has started, and theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2]
            if int(fields.split()[1]) == parent:
                child = int(path.parent.name)
                found += [child, *descendants(child)]
    return found


def is_alive(process: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_gone(processes: list[int]) -> None:
    """Wait until none of *processes* is left."""
    until(lambda: not any(map(is_alive, processes)))


def has_begun() -> bool:
    """Whether some items are done."""
    path = Path("s.sqlite")
    if not path.exists():
        return False
    with closing(Store.open(path)) as store:
        return store.executions() > 0


@pytest.fixture(scope="module")
def moments() -> Iterator[float]:
    """Random times to live."""
    random = Random(SEED)
    return iter(lambda: random.uniform(0.1, 1.6), None)


#: It is the same for all tests.
_whole: list[Any] = []


@pytest.fixture
def whole(race: str) -> Any:
    """What an undisturbed run finds."""
    if not _whole:
        _whole.append(resume_to_the_end("whole.sqlite"))
    return _whole[0]


def resume_to_the_end(path: str) -> Any:
    """Go on undisturbed; what the store holds then."""
    if Path(path).exists():
        process = campaign("resume", "--store", path)
    else:
        process = campaign(*RUN, "--store", path)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stdout + stderr
    return content(Store.open(Path(path)))


@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_killed_at_random_moments(victim: str, whole: Any, moments: Iterator[float]) -> None:
    """SIGKILL, again and again: items and failures are those of the undisturbed run."""
    for _ in range(KILLS):
        began = Path("s.sqlite").exists()
        arguments = ("resume",) if began else RUN
        process = campaign(*arguments, "--store", "s.sqlite")
        with suppress(subprocess.TimeoutExpired):
            process.wait(next(moments))
        workers = descendants(process.pid)
        if victim == "worker":
            for worker in workers[-1:]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(next(moments))
            workers = descendants(process.pid)
        process.kill()
        process.communicate()
        until_gone(workers)

    assert resume_to_the_end("s.sqlite") == whole


def test_ctrl_c(whole: Any) -> None:
    """It stops at once with 130, says how to go on, and leaves nobody behind."""
    process = campaign(*RUN, "--store", "s.sqlite", process_group=0)
    until(has_begun)
    workers = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert "campaign resume --store s.sqlite" in stdout
    assert "Traceback" not in stderr
    until_gone(workers)
    assert resume_to_the_end("s.sqlite") == whole


def test_a_full_disk(whole: Any) -> None:
    """What no longer fits is told, what did fit is kept, and with room again all comes in."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

    process = campaign(*RUN, "--store", "s.sqlite", preexec_fn=limit)
    _, stderr = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "s.sqlite: cannot be written or read" in stderr
    assert resume_to_the_end("s.sqlite") == whole


def test_two_at_once(whole: Any) -> None:
    """The second is refused while the first runs, and the first does not notice."""
    first = campaign(*RUN, "--store", "s.sqlite")
    until(lambda: Path("s.sqlite").exists())
    second = campaign("resume", "--store", "s.sqlite")
    _, stderr = second.communicate(timeout=PATIENCE)
    first.communicate(timeout=120)

    assert second.returncode == 2
    assert f"is in use by another campaign, process {first.pid}" in stderr
    assert content(Store.open(Path("s.sqlite"))) == whole
