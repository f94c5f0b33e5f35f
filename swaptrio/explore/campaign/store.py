# SPDX-License-Identifier: MIT OR Apache-2.0
"""The store of a campaign: what is planned, what is done, and what has been found.

An item's results and the note that it is done go in together, in one transaction, and an item
that is done already changes nothing. So the store always holds what some set of items has
shown, each counted once, whatever happens to whoever writes it.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from swaptrio import __version__
from swaptrio.explore.campaign import schema
from swaptrio.explore.campaign.plan import Plan
from swaptrio.explore.campaign.result import Failure, FailureKind, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from swaptrio.explore.campaign.item import Item
    from swaptrio.explore.campaign.plan import Case
    from swaptrio.explore.campaign.result import Result


@attrs.frozen
class Known:
    """A case as a store knows it: *id* is its number there, *typed* what a user wrote."""

    id: int
    scenario: str
    variant: str
    digests: tuple[str, str]
    typed: tuple[str, str]

    @property
    def name(self) -> tuple[str, str]:
        """The names of scenario and variant."""
        return self.scenario, self.variant


@attrs.frozen
class Done:
    """An item that is done; the rest is as in `Result`."""

    first: int
    count: int
    executions: int
    steps: int
    seconds: float
    given_up: bool = attrs.field(converter=bool)
    tasks: int
    longest: int
    settled: int
    span: int


@attrs.frozen
class Session:
    """One time that somebody ran the campaign."""

    begun: str
    machine: dict[str, Any]
    engine: str
    jobs: int
    executions: int
    seconds: float


@attrs.define(eq=False)
class Store:
    """An open store. Who writes holds its lock (see `lock`)."""

    path: Path
    _connection: sqlite3.Connection

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Store:
        """The store at *path*.

        Raises:
            StoreError: there is none, or it cannot be used.
        """
        return cls(path, schema.connect(path, write=write))

    @classmethod
    def make(cls, path: Path, plan: Plan, cases: Iterable[Case]) -> Store:
        """A new store at *path*, made whole or not at all.

        Raises:
            StoreError: there is a file already, or it cannot be written.
        """
        with _told(path):
            new = cls(path, schema.create(path))
            new._begin(plan, cases)
            new.close()
            schema.publish(path)
        return cls.open(path, write=True)

    def close(self) -> None:
        """Write back what is in the log, if nobody else reads."""
        self._connection.close()

    @property
    def plan(self) -> Plan:
        """What the campaign is to run of each case."""
        columns = "strategy, first, seeds, time, chunk"
        return Plan(*self._rows(f"SELECT {columns} FROM campaign")[0])

    @property
    def version(self) -> str:
        """The version of swaptrio that made it."""
        return str(self._rows("SELECT version FROM campaign")[0][0])

    @property
    def cases(self) -> tuple[Known, ...]:
        """All cases, in the order in which they take their turns."""
        columns = (
            "id, scenario, variant, scenario_digest, variant_digest, scenario_typed,"
            " variant_typed"
        )
        rows = self._rows(f"SELECT {columns} FROM kase ORDER BY id")
        return tuple(Known(row[0], row[1], row[2], row[3:5], row[5:7]) for row in rows)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Who has run it, in order."""
        columns = "begun, machine, engine, jobs, executions, seconds"
        rows = self._rows(f"SELECT {columns} FROM session ORDER BY id")
        return tuple(Session(row[0], json.loads(row[1]), *row[2:]) for row in rows)

    def done(self, case: Known) -> tuple[Done, ...]:
        """The items of *case* that are done, in the order of their seeds."""
        query = f"SELECT {_COLUMNS['item']} FROM item WHERE kase = ? ORDER BY first"
        rows = self._rows(query, case.id)
        return tuple(Done(*row) for row in rows)

    def covered(self, case: Known) -> dict[int, int]:
        """The first seeds and the counts of the items of *case* that are done."""
        return {each.first: each.count for each in self.done(case)}

    def failures(self, case: Known) -> tuple[Failure, ...]:
        """The failures of *case*, in the order of their kinds."""
        columns = "ending, rule, labels, count, first, by, length, schedule, message"
        query = f"SELECT {columns} FROM failure WHERE kase = ?"
        found = [
            Failure(FailureKind(row[0], row[1], tuple(json.loads(row[2]))), *row[3:])
            for row in self._rows(query, case.id)
        ]
        return tuple(sorted(found, key=lambda failure: failure.kind))

    def windows(self, case: Known) -> tuple[Window, ...]:
        """The windows that executions of *case* have entered, by their labels."""
        query = "SELECT stood, came, first FROM entered WHERE kase = ? ORDER BY stood, came"
        return tuple(Window(*row) for row in self._rows(query, case.id))

    def executions(self) -> int:
        """How many there were of all cases."""
        return int(self._rows("SELECT coalesce(sum(executions), 0) FROM item")[0][0])

    def begin_session(self, machine: dict[str, Any], engine: str, jobs: int) -> int:
        """Note that somebody runs the campaign now; its number, for `add`."""
        query = "INSERT INTO session (machine, engine, jobs) VALUES (?, ?, ?) RETURNING id"
        with self._writing():
            row = self._rows(query, json.dumps(machine, sort_keys=True), engine, jobs)
        return int(row[0][0])

    def seconds(self) -> float:
        """How long the campaign has been run so far."""
        return float(self._rows("SELECT coalesce(sum(seconds), 0) FROM session")[0][0])

    def add(
        self,
        session: int,
        seconds: float,
        results: Iterable[tuple[Known, Item, Result]],
    ) -> None:
        """Put *results* in, all or none; *seconds* is how long *session* has lasted.

        Raises:
            StoreError: the store cannot be written. It holds what it held.
        """
        with self._writing():
            added = sum([self._add(*each) for each in results])
            query = "UPDATE session SET executions = executions + ?, seconds = ? WHERE id = ?"
            self._connection.execute(query, (added, seconds, session))

    def extend(self, plan: Plan) -> None:
        """Go as far as *plan* says, which differs in *seeds* or *time* only."""
        with self._writing():
            query = "UPDATE campaign SET seeds = ?, time = ?"
            self._connection.execute(query, (plan.seeds, plan.time))

    def drop(self, case: Known) -> None:
        """Forget *case* and all that was found of it."""
        with self._writing():
            for table in ("item", "failure", "entered"):
                self._connection.execute(f"DELETE FROM {table} WHERE kase = ?", (case.id,))
            self._connection.execute("DELETE FROM kase WHERE id = ?", (case.id,))

    def copy(self, case: Known, other: Store) -> None:
        """Put into this store what *other* knows of *case*, which has another number here."""
        [own] = [each for each in self.cases if each.name == case.name]
        with self._writing():
            for table, columns in _COLUMNS.items():
                marks = ", ".join("?" * (columns.count(",") + 2))
                rows = other._rows(f"SELECT {columns} FROM {table} WHERE kase = ?", case.id)
                query = f"INSERT INTO {table} (kase, {columns}) VALUES ({marks})"
                self._connection.executemany(query, [(own.id, *row) for row in rows])

    def compact(self) -> None:
        """Give back the room that is not used."""
        with _told(self.path):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _begin(self, plan: Plan, cases: Iterable[Case]) -> None:
        with self._writing():
            self._connection.execute(
                "INSERT INTO campaign (id, version, strategy, first, seeds, time, chunk)"
                " VALUES (1, ?, ?, ?, ?, ?, ?)",
                (__version__, plan.strategy, plan.first, plan.seeds, plan.time, plan.chunk),
            )
            columns = (
                "scenario, scenario_digest, scenario_typed, variant, variant_digest,"
                " variant_typed"
            )
            for case in cases:
                row = zip(case.name, case.digests, (case.scenario, case.variant), strict=True)
                self._connection.execute(
                    f"INSERT INTO kase ({columns}) VALUES (?, ?, ?, ?, ?, ?)",
                    [value for values in row for value in values],
                )

    def _add(self, case: Known, item: Item, result: Result) -> int:
        """How many executions *result* adds: none where *item* is done already."""
        facts = (result.executions, result.steps, result.seconds, result.given_up)
        sizes = (result.tasks, result.longest, result.settled, result.span)
        row = (case.id, item.first, item.count, *facts, *sizes)
        marks = ", ".join("?" * len(row))
        query = f"INSERT OR IGNORE INTO item (kase, {_COLUMNS['item']}) VALUES ({marks})"
        if not self._connection.execute(query, row).rowcount:
            return 0
        for failure in result.failures:
            self._add_failure(case, failure)
        self._connection.executemany(
            "INSERT INTO entered (kase, stood, came, first) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET first = min(first, excluded.first)",
            [(case.id, each.stood, each.came, each.first) for each in result.windows],
        )
        return result.executions

    def _add_failure(self, case: Known, failure: Failure) -> None:
        key = (case.id, failure.kind.ending, failure.kind.rule, json.dumps(failure.kind.labels))
        columns = "count, first, by, length, schedule, message"
        where = "kase = ? AND ending = ? AND rule = ? AND labels = ?"
        for row in self._rows(f"SELECT {columns} FROM failure WHERE {where}", *key):
            failure = failure.joined(Failure(failure.kind, *row))
        facts = attrs.astuple(failure, recurse=False)[1:]
        marks = ", ".join("?" * (len(key) + len(facts)))
        names = f"kase, {_COLUMNS['failure']}"
        query = f"INSERT OR REPLACE INTO failure ({names}) VALUES ({marks})"
        self._connection.execute(query, (*key, *facts))

    def _rows(self, query: str, *values: object) -> list[Any]:
        with _told(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


_COLUMNS = {
    "item": "first, count, executions, steps, seconds, given_up, tasks, longest, settled, span",
    "failure": "ending, rule, labels, count, first, by, length, schedule, message",
    "entered": "stood, came, first",
}


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """In this block what SQLite has to complain of is told as ours."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        schema.refuse(path, f"cannot be written or read: {reason}; what is in it is safe")
    except sqlite3.DatabaseError as exc:
        schema.refuse(path, f"is damaged, and was left as it is: {exc}")
