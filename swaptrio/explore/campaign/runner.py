# SPDX-License-Identifier: MIT OR Apache-2.0
"""Carrying a plan out: items to an engine, results to a store.

The loop keeps the engine busy and the store up to date, and decides nothing else. Items are
handed out in the order of the plan, those left out that are done. Where a worker is lost, all
items that were under way are suspects and run again under guard (see `guard`); a case that was
seen to kill stays under guard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from swaptrio.errors import SwaptrioError
from swaptrio.explore.campaign.engine import Engine
from swaptrio.explore.campaign.guard import run_guarded
from swaptrio.explore.campaign.item import Item
from swaptrio.explore.campaign.machine import machine
from swaptrio.explore.campaign.plan import Case
from swaptrio.explore.campaign.result import CRASHED, Failure, FailureKind, Result
from swaptrio.explore.campaign.store import Known, Store
from swaptrio.explore.campaign.work import CARRIER, run_item
from swaptrio.explore.pace import Pace
from swaptrio.sched import Carrier

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Seconds between two looks whether to stop.
BEAT: Final = 0.1

#: Times in a row that workers may be lost without one result.
MOST_LOSSES: Final = 10


class WorkersLost(SwaptrioError):
    """The workers die and die, whatever they are given."""


@attrs.define
class State:
    """How far it is. *total* is None where the time decides, which is *time* in all.

    *done* items, *executions*, and *failed* ones of *distinct* kinds count from the campaign's
    beginning; of these *here* items and *fresh* executions are this session's. So are
    *seconds*; *before* are those of the sessions before.
    """

    total: int | None
    time: float | None
    done: int = 0
    executions: int = 0
    here: int = 0
    fresh: int = 0
    failed: int = 0
    distinct: int = 0
    seconds: float = 0.0
    before: float = 0.0


class Listener(Protocol):
    """Who is told how a campaign goes."""

    def beat(self, state: State) -> None:
        """Several times a second."""

    def found(self, case: Known, failure: Failure) -> None:
        """A failure of a kind that was not seen before."""

    def lost(self, items: int) -> None:
        """A worker is gone, and so many items are run again."""


@attrs.frozen
class Piece:
    """An item on its way."""

    known: Known
    case: Case
    item: Item
    guarded: bool = False


@attrs.define(eq=False)
class Runner:
    """Carries out what *store* plans with *cases*, which belong to its own, one each."""

    store: Store
    cases: tuple[Case, ...]
    engine: Engine
    listener: Listener
    stop: Callable[[], bool]
    carrier: Carrier = CARRIER
    state: State = attrs.field(init=False)
    _pace: Pace = attrs.field(init=False)
    _session: int = attrs.field(init=False)
    _seen: dict[tuple[int, FailureKind], None] = attrs.Factory(dict)
    _deadly: dict[int, None] = attrs.Factory(dict)
    _again: deque[Piece] = attrs.Factory(deque)
    _under_way: dict[Future[Result], Piece] = attrs.Factory(dict)
    _losses: int = 0

    def __attrs_post_init__(self) -> None:
        plan = self.store.plan
        self._pace = Pace.start()
        total = plan.total(map(self.store.covered, self.store.cases))
        self.state = State(total, plan.time, before=self.store.seconds())
        for known in self.store.cases:
            self.state.done += len(self.store.done(known))
            for failure in self.store.failures(known):
                self._note(known, failure)
        self.state.executions = self.store.executions()
        self._session = self.store.begin_session(machine(), self.engine.name, self.engine.jobs)

    def run(self) -> State:
        """Run until all is done, or the time is over, or `stop` says so.

        Raises:
            StoreError: the store cannot be written any more; what is in it is safe.
            SwaptrioError: the items cannot be run.
        """
        pieces = self._pieces()
        try:
            while not self.stop():
                self._hand_out(pieces)
                if not self._under_way:
                    break
                self._take_in()
                self.listener.beat(self.state)
        finally:
            self.engine.close()
        return self.state

    def _pieces(self) -> Iterator[Piece]:
        """What is left to do, until the time is over."""
        plan = self.store.plan
        own = {known.name: known for known in self.store.cases}
        done = {known.id: self.store.covered(known) for known in own.values()}
        for case, whole in plan.items(self.cases):
            known = own[case.name]
            item = whole.left(done[known.id])
            if item is None:
                continue
            if plan.time is not None and self._seconds() >= plan.time:
                return
            yield Piece(known, case, item)

    def _seconds(self) -> float:
        return self.state.before + self._pace.seconds

    def _hand_out(self, pieces: Iterator[Piece]) -> None:
        while len(self._under_way) < self.engine.width:
            piece = self._again.popleft() if self._again else next(pieces, None)
            if piece is None:
                return
            guarded = piece.guarded or piece.known.id in self._deadly
            function = run_guarded if guarded else run_item
            try:
                future = self.engine.submit(
                    function, piece.item, piece.case.matter, self.carrier
                )
            except self.engine.lost:
                self._again.append(piece)
                self._start_again()
                return
            self._under_way[future] = piece

    def _take_in(self) -> None:
        ended, _ = wait(self._under_way, BEAT, FIRST_COMPLETED)
        results = []
        lost = []
        for future in [each for each in self._under_way if each in ended]:
            piece = self._under_way.pop(future)
            try:
                results.append((piece, future.result()))
            except self.engine.lost:
                lost.append(piece)
        self.state.seconds = self._pace.seconds
        if results:
            self._keep(results)
        if lost:
            self._again.extend(attrs.evolve(piece, guarded=True) for piece in lost)
            self._start_again()

    def _start_again(self) -> None:
        self._losses += 1
        if self._losses > MOST_LOSSES:
            msg = f"workers were lost {self._losses} times in a row; the campaign stops"
            raise WorkersLost(msg)
        self.engine.restart()
        for future in [each for each in self._under_way if self._is_void(each)]:
            self._again.append(attrs.evolve(self._under_way.pop(future), guarded=True))
        self.listener.lost(len(self._again))

    def _is_void(self, future: Future[Result]) -> bool:
        if not future.done():
            return False
        return future.cancelled() or isinstance(future.exception(), self.engine.lost)

    def _keep(self, results: list[tuple[Piece, Result]]) -> None:
        self._losses = 0
        self.store.add(
            self._session,
            self.state.seconds,
            [(piece.known, piece.item, result) for piece, result in results],
        )
        for piece, result in results:
            self.state.done += 1
            self.state.here += 1
            self.state.executions += result.executions
            self.state.fresh += result.executions
            for failure in result.failures:
                if self._note(piece.known, failure):
                    self.listener.found(piece.known, failure)

    def _note(self, known: Known, failure: Failure) -> bool:
        """Count *failure*; whether it is of a new kind."""
        self.state.failed += failure.count
        if failure.kind.ending == CRASHED:
            self._deadly[known.id] = None
        key = (known.id, failure.kind)
        if key in self._seen:
            return False
        self._seen[key] = None
        self.state.distinct += 1
        return True
