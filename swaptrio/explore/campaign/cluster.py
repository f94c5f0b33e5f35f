# SPDX-License-Identifier: MIT OR Apache-2.0
"""An engine of many machines: a Dask cluster. It needs the extra ``dask``.

The same items go to the same functions as in a pool of processes. A worker that is lost is
replaced by Dask, and what it had is run by another; only an item that lost several of them
comes back, and is run under guard.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from swaptrio.errors import SwaptrioError
from swaptrio.explore.campaign.engine import deaf

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Seconds that a scheduler has to answer; twice that and the import of Dask are within ten.
PATIENCE: Final = 4.0


class NoCluster(SwaptrioError):
    """There is no cluster to run on; the message says why."""


@attrs.define(eq=False)
class DaskCluster:
    """The workers of *client*; *cluster* is theirs where it is ours to close."""

    client: Any
    cluster: Any
    jobs: int
    lost: tuple[type[BaseException], ...]
    name: str = "dask"
    _executor: Executor | None = None

    @property
    def width(self) -> int:
        """One item to run and one to come, for each."""
        return 2 * self.jobs

    def submit(self, function: Callable[..., T], /, *args: object) -> Future[T]:
        """Have *function* called by a worker of the cluster."""
        if self._executor is None:
            self._executor = self.client.get_executor(pure=False)
        return self._executor.submit(function, *args)

    def restart(self) -> None:
        """Dask has done so already."""

    def close(self) -> None:
        """Leave the cluster; stop it, if nobody else could use it."""
        with suppress(Exception):  # it may be gone
            if self._executor is not None:
                self._executor.shutdown(wait=False, cancel_futures=True)
        for each in (self.client, self.cluster):
            with suppress(Exception):  # it may be gone
                if each is not None:
                    each.close()


def open_cluster(address: str | None, jobs: int) -> DaskCluster:
    """The cluster whose scheduler is at *address*; without one, *jobs* processes here.

    Raises:
        NoCluster: Dask is not installed, or nobody answers within `PATIENCE` seconds.
    """
    try:
        import distributed
    except ImportError:
        msg = "--engine dask needs the extra dask: pip install 'swaptrio[dask]'"
        raise NoCluster(msg) from None
    lost = (BrokenExecutor, CancelledError, distributed.scheduler.KilledWorker)
    if address is not None:
        client = _client(distributed, address)
        threads = sum(client.nthreads().values())
        if not threads:
            client.close()
            msg = f"the scheduler at {address} has no workers"
            raise NoCluster(msg)
        return DaskCluster(client, None, threads, lost)
    with deaf():
        cluster = distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, dashboard_address=None
        )
        return DaskCluster(_client(distributed, cluster), cluster, jobs, lost)


async def _greet(distributed: Any, address: str) -> None:
    """Shake hands with the scheduler; Dask itself waits for ever where nobody shakes back."""
    comm = await asyncio.wait_for(distributed.comm.connect(address, PATIENCE), PATIENCE)
    await comm.close()


def _client(distributed: Any, where: Any) -> Any:
    try:
        if isinstance(where, str):
            asyncio.run(_greet(distributed, where))
        return distributed.Client(where, timeout=PATIENCE, set_as_default=False)
    except ValueError as exc:
        msg = f"{where} is no address of a scheduler: {exc}"
        raise NoCluster(msg) from None
    except Exception as exc:  # what somebody else answers may make Dask raise anything
        msg = f"no Dask scheduler answers at {where}"
        raise NoCluster(msg) from exc
