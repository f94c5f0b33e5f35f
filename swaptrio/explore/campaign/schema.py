# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a store, and whether a file is one.

A store is an SQLite database in WAL mode, written by one process at a time. It is made whole in
a file of another name and then given its own, so no other process ever sees half of one. Before
it is opened for writing it is looked at without any right to write: whatever is wrong with a
file, it stays as it was.

Each row has a sum of its other columns, which triggers keep: SQLite would not notice where what
is in a page is damaged, and only the frame is whole.

Nobody may open the file of a store but SQLite. Its locks are those that POSIX takes from a
process as soon as that closes the file, whichever descriptor it closes; then a log is deleted
that somebody still reads.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote

from swaptrio.errors import Problem, StoreError

if TYPE_CHECKING:
    from pathlib import Path

#: What marks an SQLite file as ours: "swTr".
APPLICATION: Final = 0x73775472

#: Counts the changes of the tables.
VERSION: Final = 2

#: Seconds to wait while another process holds the file for a moment.
PATIENCE: Final = 10.0

_FOREIGN: Final = "is not the store of a campaign, and was left as it is"

TABLES: Final = """
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL,          -- of swaptrio
    strategy TEXT NOT NULL,
    first INTEGER NOT NULL,         -- seed
    seeds INTEGER,                  -- of each case; NULL where the time decides
    time REAL,                      -- seconds; NULL where the seeds decide
    chunk INTEGER NOT NULL,         -- seeds of an item
    sum INTEGER
) STRICT;
CREATE TABLE kase (                 -- a scenario and a variant; "case" is a word of SQL
    id INTEGER PRIMARY KEY,
    scenario TEXT NOT NULL,
    scenario_digest TEXT NOT NULL,
    scenario_typed TEXT NOT NULL,
    variant TEXT NOT NULL,
    variant_digest TEXT NOT NULL,
    variant_typed TEXT NOT NULL,
    sum INTEGER,
    UNIQUE (scenario, variant)
) STRICT;
CREATE TABLE item (                 -- one row for each that is done
    kase INTEGER NOT NULL REFERENCES kase,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    executions INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    seconds REAL NOT NULL,
    given_up INTEGER NOT NULL,
    tasks INTEGER NOT NULL,         -- the most of an execution
    longest INTEGER NOT NULL,       -- execution, in steps
    settled INTEGER NOT NULL,       -- executions with PCT's bound
    span INTEGER NOT NULL,          -- decisions for which they have it
    sum INTEGER,
    PRIMARY KEY (kase, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE failure (
    kase INTEGER NOT NULL REFERENCES kase,
    ending TEXT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,           -- JSON
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,         -- seed
    by INTEGER NOT NULL,            -- seed of the schedule
    length INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    message TEXT NOT NULL,
    sum INTEGER,
    PRIMARY KEY (kase, ending, rule, labels)
) STRICT, WITHOUT ROWID;
CREATE TABLE entered (              -- windows
    kase INTEGER NOT NULL REFERENCES kase,
    stood TEXT NOT NULL,
    came TEXT NOT NULL,
    first INTEGER NOT NULL,         -- seed
    sum INTEGER,
    PRIMARY KEY (kase, stood, came)
) STRICT, WITHOUT ROWID;
CREATE TABLE session (              -- one row for each time that the campaign was gone on with
    id INTEGER PRIMARY KEY,
    begun TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    machine TEXT NOT NULL,          -- JSON
    engine TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    executions INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,
    sum INTEGER
) STRICT;
"""


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to the store at *path*, after a look at what it is.

    Raises:
        StoreError: there is none, or it is no store, damaged, or newer than this version.
    """
    if not path.is_file():
        refuse(path, "there is no such store")
    try:
        with closing(_open(path, "ro")) as reading:
            _inspect(path, reading)
        return _open(path, "rw" if write else "ro")
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            refuse(path, _FOREIGN)
        refuse(path, f"cannot be read, and was left as it is: {exc}")
    except UnicodeDecodeError:  # of what SQLite would complain of
        refuse(path, "is damaged, and was left as it is: its tables have no names")
    except OSError as exc:
        refuse(path, f"cannot be read: {exc.strerror or exc}")


def create(path: Path) -> sqlite3.Connection:
    """A connection to a store that is made in the file of a new name; `publish` it."""
    with suppress(FileNotFoundError):
        draft(path).unlink()
    connection = _open(draft(path), "rwc")
    connection.executescript(TABLES)
    for table in _tables(connection):
        connection.executescript(_triggers(connection, table))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    return connection


def publish(path: Path) -> None:
    """Give the store that `create` made its name, unless there is one already.

    Raises:
        StoreError: there is one.
    """
    new = draft(path)
    for suffix in ("-wal", "-shm"):  # of a store that was deleted without them
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        refuse(path, "there is a file of this name already")
    finally:
        new.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def draft(path: Path) -> Path:
    """The file in which the store at *path* is made."""
    return path.with_name(f".{path.name}.new")


def refuse(path: Path, message: str) -> NoReturn:
    """Say what is wrong with the store at *path*."""
    raise StoreError((Problem(str(path), "", "", message),)) from None


def _open(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(address, PATIENCE, isolation_level=None, uri=True)
    connection.create_function("sum_of", -1, sum_of, deterministic=True)
    if mode == "rw":
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _inspect(path: Path, connection: sqlite3.Connection) -> None:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        refuse(path, _FOREIGN)
    if version > VERSION:
        refuse(path, f"was made by a newer swaptrio: format {version}, here {VERSION}")
    if version < VERSION:
        refuse(path, f"was made by an older swaptrio: format {version}, here {VERSION}")
    [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        refuse(path, f"is damaged, and was left as it is: {' '.join(verdict.split())}")
    for table in _tables(connection):
        if number := _damaged(connection, table):
            message = f"is damaged, and was left as it is: the sum of row {number} of {table}"
            refuse(path, f"{message} is wrong")


def sum_of(*values: object) -> int:
    """What tells a row with these *values* from one that was damaged."""
    plain = [value.encode() if isinstance(value, str) else value for value in values]
    return zlib.crc32(repr(plain).encode())


def _tables(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
    return [name for (name,) in connection.execute(query).fetchall()]


def _columns(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """The columns of *table* but for the sum; and those of its key."""
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = [name for _, name, *_ in rows if name != "sum"]
    return names, [name for _, name, *_, key in rows if key]


def _triggers(connection: sqlite3.Connection, table: str) -> str:
    """What keeps the sums of *table*."""
    columns, key = _columns(connection, table)
    values = ", ".join(f"NEW.{name}" for name in columns)
    where = " AND ".join(f"{name} = NEW.{name}" for name in key)
    return "".join(
        f"CREATE TRIGGER {table}_{number} AFTER {event} ON {table} BEGIN"
        f" UPDATE {table} SET sum = sum_of({values}) WHERE {where}; END;\n"
        for number, event in enumerate(("INSERT", f"UPDATE OF {', '.join(columns)}"))
    )


def _damaged(connection: sqlite3.Connection, table: str) -> int:
    """The number of the first row of *table* whose sum is wrong, from 1; 0 for none."""
    columns, _ = _columns(connection, table)
    connection.text_factory = bytes  # as what is damaged need not be text
    try:
        rows = connection.execute(f"SELECT sum, {', '.join(columns)} FROM {table}")
        wrong = (
            row for row, (known, *values) in enumerate(rows, 1) if sum_of(*values) != known
        )
        return next(wrong, 0)
    finally:
        connection.text_factory = str
