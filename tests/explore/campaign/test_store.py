# SPDX-License-Identifier: MIT OR Apache-2.0
"""The store holds what some set of items has shown, each once; else it says what is wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import permutations
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.errors import StoreError
from swaptrio.explore.campaign import (
    Case,
    Failure,
    FailureKind,
    Plan,
    Result,
    Store,
    Window,
    locked,
    schema,
)
from swaptrio.explore.campaign.lock import lock_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KIND = FailureKind("violation", "I-ONE", ("a.b",))
OTHER = FailureKind("violation", "I-ONE", ("a.c",))


def result(*failures: Failure, windows: tuple[Window, ...] = ()) -> Result:
    """Of an item of ten seeds."""
    return Result(10, 100, failures, windows)


#: Of three items of ten seeds each, two with the same failure, and the best in the middle.
RESULTS = (
    result(Failure(KIND, 2, 3, 3, 9, "nine", "at 3"), windows=(Window("x", "y", 3),)),
    result(
        Failure(KIND, 3, 12, 14, 5, "five", "at 14"),
        Failure(OTHER, 1, 11, 11, 1, "one", "at 11"),
        windows=(Window("x", "y", 10), Window("x", "z", 11)),
    ),
    result(Failure(KIND, 1, 25, 25, 5, "late", "at 25"), windows=(Window("x", "z", 20),)),
)


@pytest.fixture
def ten(plan: Plan) -> Plan:
    """Items of ten seeds."""
    return attrs.evolve(plan, first=0, seeds=30, chunk=10)


@pytest.fixture
def store(tmp_path: Path, ten: Plan, cases: tuple[Case, ...]) -> Store:
    """A new one, with a session of number 1."""
    made = Store.make(tmp_path / "s.sqlite", ten, cases)
    made.begin_session({"cpus": 2}, "processes", 2)
    return made


def put(store: Store, plan: Plan, case: Case, numbers: tuple[int, ...]) -> None:
    """Add the results with these numbers, one after the other."""
    known = store.cases[0]
    items = list(plan.items_of(case))
    for number in numbers:
        store.add(1, 0.5, [(known, items[number], RESULTS[number])])


def test_it_remembers(store: Store, ten: Plan, cases: tuple[Case, ...]) -> None:
    """Plan, cases and sessions come back as they went in, from the file."""
    put(store, ten, cases[0], (0, 1))
    store.close()
    again = Store.open(store.path)

    assert again.plan == ten
    assert [known.name for known in again.cases] == [case.name for case in cases]
    assert [known.digests for known in again.cases] == [case.digests for case in cases]
    [session] = again.sessions
    assert (session.machine, session.engine, session.jobs) == ({"cpus": 2}, "processes", 2)
    assert (session.executions, session.seconds) == (20, 0.5)
    assert again.executions() == 20


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_does_not_matter(
    store: Store, ten: Plan, cases: tuple[Case, ...], order: tuple[int, ...]
) -> None:
    """Counts add up, the lowest seed and the shortest schedule stay, in whatever order."""
    put(store, ten, cases[0], order)
    known = store.cases[0]

    assert store.failures(known) == (
        Failure(KIND, 6, 3, 14, 5, "five", "at 14"),
        Failure(OTHER, 1, 11, 11, 1, "one", "at 11"),
    )
    assert store.windows(known) == (Window("x", "y", 3), Window("x", "z", 11))
    assert [each.first for each in store.done(known)] == [0, 10, 20]


def test_an_item_counts_once(
    store: Store, ten: Plan, cases: tuple[Case, ...], content: Callable[[Store], Any]
) -> None:
    """Adding what is there changes nothing."""
    put(store, ten, cases[0], (0, 1, 2))
    before = content(store)
    put(store, ten, cases[0], (2, 1, 0, 1))

    assert content(store) == before
    assert store.executions() == 30


def test_all_or_none(store: Store, ten: Plan, cases: tuple[Case, ...]) -> None:
    """Where one of several results cannot be added, none is."""
    known = store.cases[0]
    items = list(ten.items_of(cases[0]))
    broken = attrs.evolve(RESULTS[1], windows=(Window("x", None, 3),))  # type: ignore[arg-type]  # on purpose

    with pytest.raises(StoreError):
        store.add(1, 0.5, [(known, items[0], RESULTS[0]), (known, items[1], broken)])

    assert store.done(known) == ()
    assert store.failures(known) == ()


def test_a_full_disk(store: Store, ten: Plan, cases: tuple[Case, ...]) -> None:
    """What cannot be written is told, and what was there stays."""
    put(store, ten, cases[0], (0,))
    known = store.cases[0]
    full = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {full}")
    windows = tuple(Window("w" * 500, str(number), 1) for number in range(200))
    item = list(ten.items_of(cases[0]))[1]

    with pytest.raises(StoreError, match="disk is full; what is in it is safe"):
        store.add(1, 1.0, [(known, item, result(windows=windows))])

    assert [each.first for each in store.done(known)] == [0]
    store._connection.execute(f"PRAGMA max_page_count = {full + 100}")
    store.add(1, 1.0, [(known, item, result(windows=windows))])
    assert [each.first for each in store.done(known)] == [0, 10]


@pytest.mark.parametrize("cut", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
def test_a_power_cut(
    tmp_path: Path,
    store: Store,
    ten: Plan,
    cases: tuple[Case, ...],
    content: Callable[[Store], Any],
    cut: float,
) -> None:
    """With its log cut anywhere a store holds whole results of the first items."""
    states = [content(store)]
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(3):
        put(store, ten, cases[0], (number,))
        states.append(content(store))
    log = store.path.with_name("s.sqlite-wal").read_bytes()
    left = tmp_path / "left.sqlite"
    left.write_bytes(store.path.read_bytes())
    left.with_name("left.sqlite-wal").write_bytes(log[: int(cut * len(log))])

    found = content(Store.open(left, write=True))

    assert found in states
    if cut in (0.0, 1.0):
        assert found == states[0 if cut == 0.0 else 3]


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """Nobody else gets it, and after the block everybody can."""
    path = tmp_path / "s.sqlite"
    with locked(path):
        in_use = r"is in use by another campaign, process \d+"
        with pytest.raises(StoreError, match=in_use), locked(path):
            pass
    with locked(path):
        assert lock_of(path).exists()


@pytest.mark.parametrize(
    "bad", [b"", b"no database at all", b"SQLite format 3\0" + b"and more " * 500]
)
def test_what_is_no_store_stays(tmp_path: Path, bad: bytes) -> None:
    """A file that is something else is refused, and nothing in it changes."""
    path = tmp_path / "s.sqlite"
    path.write_bytes(bad)

    with pytest.raises(StoreError, match="was left as it is"):
        Store.open(path, write=True)
    assert path.read_bytes() == bad


def test_another_database(tmp_path: Path) -> None:
    """One that is not ours is refused."""
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (x)")

    with pytest.raises(StoreError, match="not the store of a campaign"):
        Store.open(path, write=True)


def test_a_damaged_store(store: Store) -> None:
    """Is said to be damaged, wherever the damage is, and is not touched."""
    store.close()
    whole = store.path.read_bytes()
    for page in range(1, len(whole) // 4096):
        broken = bytearray(whole)
        broken[page * 4096 : page * 4096 + 64] = b"\xff" * 64
        store.path.write_bytes(broken)
        with pytest.raises(StoreError, match="was left as it is"):
            Store.open(store.path, write=True)
        assert store.path.read_bytes() == bytes(broken)


def test_a_store_whose_content_is_damaged(
    store: Store, ten: Plan, cases: tuple[Case, ...]
) -> None:
    """SQLite does not see what changes inside of a text or a number; the sums of rows do."""
    put(store, ten, cases[0], (0, 1))
    store.close()
    whole = store.path.read_bytes()
    for text in (b"at 14", b"five", KIND.rule.encode(), b"processes", b"cpus", b"random"):
        at = whole.index(text)
        for new in (b"zz", b"\xff\xfe"):
            broken = whole[:at] + new + whole[at + 2 :]
            store.path.write_bytes(broken)
            with pytest.raises(StoreError, match="is damaged, and was left as it is: the sum"):
                Store.open(store.path)
            assert store.path.read_bytes() == broken
    store.path.write_bytes(whole)
    Store.open(store.path).close()


@pytest.mark.parametrize("place", [b"TABLE kase", b"sqlite_autoindex_kase_1", b"kase_0"])
def test_a_store_whose_tables_are_damaged(store: Store, place: bytes) -> None:
    """What SQLite complains of may itself be no text."""
    store.close()
    broken = store.path.read_bytes().replace(place, b"\xa3" * len(place), 1)
    store.path.write_bytes(broken)

    with pytest.raises(StoreError, match="was left as it is"):
        Store.open(store.path, write=True)
    assert store.path.read_bytes() == broken


def test_a_newer_store(store: Store) -> None:
    """One that a newer version made is refused with both numbers."""
    store._connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    store.close()

    with pytest.raises(StoreError, match="newer swaptrio: format 3, here 2"):
        Store.open(store.path, write=True)


def test_an_older_store(store: Store) -> None:
    """So is one of an older version, whose code was another one as well."""
    store._connection.execute(f"PRAGMA user_version = {schema.VERSION - 1}")
    store.close()

    with pytest.raises(StoreError, match="older swaptrio: format 1, here 2"):
        Store.open(store.path, write=True)


def test_none_there(tmp_path: Path) -> None:
    """A store that is not there is not made by opening it."""
    with pytest.raises(StoreError, match="there is no such store"):
        Store.open(tmp_path / "s.sqlite", write=True)
    assert list(tmp_path.iterdir()) == []


def test_no_half_store(
    tmp_path: Path, plan: Plan, cases: tuple[Case, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where making one fails there is none; the next attempt makes one."""
    path = tmp_path / "s.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_begin", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store.make(path, plan, cases)
    assert not path.exists()

    Store.make(path, plan, cases).close()
    assert [each.name for each in tmp_path.iterdir()] == ["s.sqlite"]
    with pytest.raises(StoreError, match="a file of this name already"):
        Store.make(path, plan, cases)


def test_the_log_of_a_deleted_store(
    store: Store,
    ten: Plan,
    cases: tuple[Case, ...],
    content: Callable[[Store], Any],
) -> None:
    """Does not come back to life in a new store of the same name."""
    put(store, ten, cases[0], (0, 1, 2))
    store.path.unlink()
    assert store.path.with_name("s.sqlite-wal").exists()

    new = Store.make(store.path, ten, cases)

    assert new.executions() == 0
    assert content(new)[0][1:] == ([], (), ())


def test_compaction_keeps_all(
    store: Store, ten: Plan, cases: tuple[Case, ...], content: Callable[[Store], Any]
) -> None:
    """A store without what was dropped holds the rest, and is no larger."""
    put(store, ten, cases[0], (0, 1, 2))
    before = content(store)
    store.drop(store.cases[1])
    store.compact()

    assert content(store) == before[:1]
