# SPDX-License-Identifier: MIT OR Apache-2.0
"""A campaign on a Dask cluster finds what it finds elsewhere, whoever is killed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.explore.campaign import CRASHED, Case, Plan, ProcessPool, Store
from swaptrio.explore.campaign.cluster import PATIENCE, NoCluster, open_cluster

if TYPE_CHECKING:
    from pathlib import Path

CarryOut = Callable[..., Store]
Content = Callable[[Store], Any]

needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="the extra dask is not installed"
)
#: Dask warns of its own doings at its ends, some of them while others run.
loud = pytest.mark.filterwarnings("ignore")


@needs_dask
@loud
def test_a_worker_that_is_killed(
    tmp_path: Path,
    plan: Plan,
    cases: tuple[Case, ...],
    carry_out: CarryOut,
    content: Content,
) -> None:
    """One of two workers dies in the middle: the store is that of a pool of processes."""
    long = attrs.evolve(plan, seeds=1600, chunk=80)
    whole = content(carry_out(tmp_path / "whole", long, cases, ProcessPool(2)))
    engine = open_cluster(None, 2)
    workers = list(engine.client.run(os.getpid).values())
    beats = count()

    def kill_one() -> bool:
        if next(beats) == 4:
            os.kill(workers[0], signal.SIGKILL)
        return False

    store = carry_out(tmp_path / "s", long, cases, engine, kill_one)

    assert len(workers) == 2
    assert next(beats) > 5
    assert content(store) == whole


@needs_dask
@loud
def test_a_variant_that_kills_workers(
    tmp_path: Path,
    deadly: Case,
    case_of: Callable[[str], Case],
    carry_out: CarryOut,
) -> None:
    """It is found out on a cluster too, and the others' items are run."""
    plan = Plan("random", 0, 12, None, 12)
    cases = (deadly, case_of("v3"))
    store = carry_out(tmp_path / "s", plan, cases, open_cluster(None, 1))

    known, other = store.cases
    assert [each.kind.ending for each in store.failures(known)] == [CRASHED]
    assert [each.executions for each in store.done(other)] == [12]


@needs_dask
@loud
@pytest.mark.parametrize("listens", [False, True])
def test_nobody_answers(listens: bool) -> None:
    """An address where nobody listens, or somebody who says nothing, is told in time."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        if listens:
            other.listen()
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(NoCluster, match=f"no Dask scheduler answers at {address}"):
            open_cluster(address, 1)

    assert time.monotonic() - begun < 10
    assert PATIENCE < 10


@needs_dask
@loud
@pytest.mark.parametrize(
    "words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 64, b"x"]
)
def test_somebody_else_answers(words: bytes) -> None:
    """A server of something else is no scheduler, whatever it says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            with suppress(OSError):  # it is closed at the end
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(words)

        Thread(target=talk, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(NoCluster, match=f"no Dask scheduler answers at {address}"):
            open_cluster(address, 1)


@needs_dask
@loud
def test_what_is_no_address() -> None:
    """Is told."""
    with pytest.raises(NoCluster, match="address of a scheduler"):
        open_cluster("nonsense://x", 1)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a cluster is told what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(NoCluster, match=r"pip install 'swaptrio\[dask\]'"):
        open_cluster(None, 1)
