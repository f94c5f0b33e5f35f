# SPDX-License-Identifier: MIT OR Apache-2.0
"""Cases to run, stores to run them in, and a way to compare what stores hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.explore.campaign import Case, Engine, Failure, Known, Plan, Runner, State, Store
from swaptrio.explore.campaign import matter_of as matter_of_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCENARIO = "large-vs-small-neighbour"

#: v3, but where the folio is made in one of 23 steps the interpreter dies; 1 in 30 seeds.
DEADLY = '''"""It kills."""
import os
from swaptrio.mm.kernel import plain
from swaptrio.sched import current
from swaptrio.variants import v3

BASE = "v3"
theirs = plain(v3.swap_cache_alloc_folio)


async def swap_cache_alloc_folio(kernel, targ_entry, gfp, orders, vmf, mpol, ilx):
    folio = await theirs(kernel, targ_entry, gfp, orders, vmf, mpol, ilx)
    if current().step % 23 == 0:
        os._exit(7)
    return folio
'''


class Silent:
    """Nobody listens; what there was to say is kept."""

    def __init__(self) -> None:
        self.beats = 0
        self.done = 0
        self.failures: list[Failure] = []
        self.losses: list[int] = []

    def beat(self, state: State) -> None:
        """Count it, and the items that are done."""
        self.beats += 1
        self.done = state.done

    def found(self, case: Known, failure: Failure) -> None:
        """Keep it."""
        self.failures.append(failure)

    def lost(self, items: int) -> None:
        """Keep it."""
        self.losses.append(items)


@pytest.fixture
def listener() -> Silent:
    """Hears and keeps."""
    return Silent()


@pytest.fixture
def case_of() -> Callable[[str], Case]:
    """Makes the case of one scenario and a variant."""
    return lambda variant: Case(SCENARIO, variant, matter_of_names(SCENARIO, variant))


@pytest.fixture
def cases(case_of: Callable[[str], Case]) -> tuple[Case, ...]:
    """A variant that fails often, and one that does not."""
    return case_of("pre"), case_of("v3")


@pytest.fixture
def deadly(tmp_path: Path, case_of: Callable[[str], Case]) -> Case:
    """A variant that kills the interpreter with some seeds."""
    (tmp_path / "deadly.py").write_text(DEADLY, encoding="utf-8")
    return case_of(str(tmp_path / "deadly.py"))


@pytest.fixture
def plan() -> Plan:
    """Six items of two cases, the last of each shorter than the others."""
    return Plan("random", 10, 90, None, 40)


@pytest.fixture
def content() -> Callable[[Store], Any]:
    """All that a store holds and that may not depend on who ran what when."""

    def of(store: Store) -> Any:
        return [
            (
                case.name,
                [(each.first, each.count, each.executions, each.steps, each.given_up)
                 for each in store.done(case)],
                store.failures(case),
                store.windows(case),
            )
            for case in store.cases
        ]  # fmt: skip

    return of


@pytest.fixture
def carry_out(listener: Silent) -> Callable[..., Store]:
    """Runs a campaign in a new store, to its end or until *stop*."""

    def run(
        path: Path,
        plan: Plan,
        cases: tuple[Case, ...],
        engine: Engine,
        stop: Callable[[], bool] = lambda: False,
    ) -> Store:
        old = path.exists()
        opened = Store.open(path, write=True) if old else Store.make(path, plan, cases)
        Runner(opened, cases, engine, listener, stop).run()
        return opened

    return run
