# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading files of vectors, and what is said of those that cannot be read."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.conform import Vector, read
from swaptrio.conform.files import LONGEST_LINE
from swaptrio.errors import VectorError

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]


def _message(path: Path) -> str:
    with pytest.raises(VectorError) as caught:
        list(read(path))
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message.removeprefix(f"{path}: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its file."""
    return tmp_path / "vectors.jsonl"


def _write(file: Path, *records: object) -> None:
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))


def test_plain_and_gzip(data: Path, vectors: dict[str, list[Vector]], file: Path) -> None:
    """A packed file gives the same vectors, whatever it is called."""
    file.write_bytes(gzip.compress((data / "v3.jsonl").read_bytes()))

    packed = list(read(file))

    assert [vector.out for vector in packed] == [vector.out for vector in vectors["v3"]]
    assert packed[1].source == "vectors.jsonl:2"


def test_one_by_one(file: Path, record: Record) -> None:
    """Vectors are there before the rest of the file is looked at."""
    _write(file, record, "no vector")

    found = read(file)

    assert next(found).id == "mine"
    with pytest.raises(VectorError, match="line 2"):
        next(found)


def test_blank_lines(file: Path, record: Record) -> None:
    """A blank line is no vector, and counts as a line."""
    file.write_text(f"\n{json.dumps(record)}\n  \n")

    assert [vector.source for vector in read(file)] == ["vectors.jsonl:2"]


def test_remarks(file: Path, record: Record) -> None:
    """Further keys of a line are remarks."""
    _write(file, {**record, "recorded": "by hand"})

    assert len(list(read(file))) == 1


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    assert _message(tmp_path / "no.jsonl") == (
        "the file cannot be read: No such file or directory"
    )


def test_directory(tmp_path: Path) -> None:
    """A directory is no file."""
    assert _message(tmp_path) == "the file cannot be read: Is a directory"


@pytest.mark.parametrize("text", ["", "\n", " \n\n"])
def test_empty_file(file: Path, text: str) -> None:
    """A file without any vector is a mistake."""
    file.write_text(text)

    assert _message(file) == "there is no vector in the file"


def test_truncated_gzip(file: Path, data: Path) -> None:
    """A packed file that ends too early says after which line."""
    packed = gzip.compress((data / "v3.jsonl").read_bytes())
    file.write_bytes(packed[: len(packed) // 2])

    message = _message(file)

    assert message.startswith("line ")
    assert "the file cannot be read: Compressed file ended before" in message


def test_truncated_gzip_header(file: Path) -> None:
    """A packed file that ends at once has no line to name."""
    file.write_bytes(b"\x1f\x8b\x08")

    assert _message(file).startswith("the file cannot be read: Compressed file ended")


@pytest.mark.parametrize("place", [1, 2])
def test_spoilt_gzip(file: Path, data: Path, place: int) -> None:
    """A packed file with wrong bytes, or a wrong sum at its end, cannot be read."""
    packed = bytearray(gzip.compress((data / "v3.jsonl").read_bytes()))
    at = len(packed) // 2 if place == 1 else len(packed) - 6
    packed[at] ^= 0xFF
    packed[at + 1] ^= 0xFF
    file.write_bytes(packed)

    with pytest.raises(VectorError):
        list(read(file))


def test_binary(file: Path) -> None:
    """Bytes that are no text are not guessed at."""
    file.write_bytes(b"\x00\xff\xfe\x80" * 10)

    assert _message(file) == "line 1: not JSON: no UTF-8 text, byte 2"


def test_other_encoding(file: Path, record: Record) -> None:
    """Only UTF-8 is read."""
    file.write_bytes(json.dumps(record).encode("utf-16"))

    assert _message(file) == "line 1: not JSON: no UTF-8 text, byte 1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "Expecting value, column 1"),
        ('{"id": 1', "Expecting ',' delimiter, column 9"),
        ('{"id": NaN}', "NaN is no number"),
        ('{"id": [-Infinity]}', "-Infinity is no number"),
        ("[" * 100_000, "nested too deep"),
        ('{"in":' * 100_000, "nested too deep"),
    ],
)
def test_no_json(file: Path, record: Record, line: str, reason: str) -> None:
    """A line that is no JSON is named, with the place in it."""
    file.write_text(f"{json.dumps(record)}\n{line}\n")

    assert _message(file) == f"line 2: not JSON: {reason}"


def test_huge_number(file: Path, record: Record) -> None:
    """A number of thousands of digits is refused and not computed."""
    text = json.dumps(record).replace('"orders": 1', f'"orders": {"9" * 5000}')
    file.write_text(text)

    assert _message(file).startswith("line 1: not JSON: Exceeds the limit")


def test_long_line(file: Path) -> None:
    """A line of any length is refused after a bounded part of it was read."""
    file.write_bytes(b'{"id": "' + b"x" * (50 << 20) + b'"}\n')

    assert _message(file) == f"line 1: longer than {LONGEST_LINE:_} bytes"


def test_long_line_in_gzip(file: Path) -> None:
    """What a small file unpacks to is bounded too."""
    file.write_bytes(gzip.compress(b"[" * (8 << 20)))

    assert _message(file) == f"line 1: longer than {LONGEST_LINE:_} bytes"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "line 1: expected a table (got a list)"),
        ("text", "line 1: expected a table (got 'text')"),
        (None, "line 1: expected a table"),
        ({}, "line 1, id: missing"),
        ({"id": "a"}, "line 1, grp: missing"),
        ({"id": 7}, "line 1, id: expected a text (got 7)"),
        ({"id": "a", "grp": "b"}, "line 1, in: missing"),
        ({"id": "a", "grp": "b", "in": []}, "line 1, in: expected a table (got a list)"),
    ],
)
def test_no_vector(file: Path, value: object, message: str) -> None:
    """A line that holds something else is told what it lacks."""
    _write(file, value)

    assert _message(file) == message


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("base", 8, "in.base: expected a multiple of 16 (got 8)"),
        ("base", 512, "in.base: expected 0 to 496 (got 512)"),
        ("base", 16.0, "in.base: expected a whole number (got 16.0)"),
        ("target", -1, "in.target: expected 0 to 511 (got -1)"),
        ("target", True, "in.target: expected a whole number (got true)"),
        ("orders", -1, f"in.orders: expected 0 to {2**64 - 1} (got -1)"),
        ("orders", 2**64, f"in.orders: expected 0 to {2**64 - 1} (got a number of 65 bits)"),
        ("vmf", 1, "in.vmf: expected true or false (got 1)"),
        ("mpol", None, "in.mpol: expected true or false"),
        ("fault_page", None, "in.fault_page: needed where vmf is true"),
        ("fault_page", -5, f"in.fault_page: expected 0 to {2**52 - 1} (got -5)"),
        ("table", "yes", "in.table: expected true or false (got 'yes')"),
        ("win", "-" * 16, "in.win: expected a list (got '----------------')"),
        ("win", ["-"] * 15, "in.win: expected 16 slots, not 15 (got a list)"),
        ("win", ["-"] * 15 + [7], "in.win[15]: expected a text (got 7)"),
        ("rest", "x", "in.rest: expected one of '-', 's' (got 'x')"),
        ("alloc", {}, "in.alloc: expected a list (got a table)"),
        ("alloc", [True], "in.alloc[0]: expected a list (got true)"),
        ("alloc", [[True]], "in.alloc[0]: expected 2 items: good, ops (got a list)"),
        ("alloc", [[1, []]], "in.alloc[0][0]: expected true or false (got 1)"),
        ("charge", [[True, [[]]]], "in.charge[0][1][0]: expected the name of an interference"),
        ("charge", [[True, [["fre", 1]]]], "did you mean 'free'?"),
        ("charge", [[True, [["free", 512]]]], "in.charge[0][1][0][1]: expected 0 to 511"),
        ("charge", [[True, [["free", 1, 2]]]], "expected 2 items: name, slot (got a list)"),
        ("alloc", [[True, [["shadow", 1]]]], "expected 3 items: name, slot, value"),
        ("alloc", [[True, [["shadow", 1, 2**58]]]], "in.alloc[0][1][0][2]: expected 0 to"),
        ("alloc", [[True, [["cache", 1, 10, "T"]]]], "in.alloc[0][1][0][2]: expected 0 to 9"),
        ("alloc", [[True, [["cache", 1, 1, "new"]]]], "expected the name of a foreign folio"),
        ("alloc", [[True, [["cache", 1, 1, "a b"]]]], "expected the name of a foreign folio"),
        ("deferred", True, "in.deferred: expected a list (got true)"),
        ("deferred", [1], "in.deferred[0]: expected true or false (got 1)"),
        ("memcg", [], "in.memcg: expected a table (got a list)"),
        ("memcg", {"x": 1}, "in.memcg: expected the number of a slot, 0 to 511 (got 'x')"),
        ("memcg", {"512": 1}, "in.memcg: expected the number of a slot, 0 to 511 (got '512')"),
        ("memcg", {"17": -1}, "in.memcg.17: expected 0 to 65535 (got -1)"),
        ("order", 1, "in: there is no such key (got 'order'); did you mean 'orders'?"),
    ],
)
def test_wrong_input(file: Path, record: Record, key: str, value: object, message: str) -> None:
    """A wrong value of what the call was given is named with its place."""
    record["in"][key] = value
    _write(file, record)

    assert message in _message(file)
    assert _message(file).startswith("line 1, in")


@pytest.mark.parametrize(
    "token", ["", "s", "s1", "s1:", "s-1:2", "s16:1", "s1:x", f"s1:{2**58}", "f1:", "f16:A",
              "g1:A", "--", "bb", "f1:new", "s1:1zz", "s\u0661:1", "s1:1\n", "S1:1"],
)  # fmt: skip
def test_bad_token(file: Path, record: Record, token: str) -> None:
    """A token of no known form is named with its place."""
    record["in"]["win"][3] = token
    _write(file, record)

    assert _message(file).startswith("line 1, in.win[3]: ")


@pytest.mark.parametrize("key", ["base", "win", "charge", "fault_page"])
def test_missing_input(file: Path, record: Record, key: str) -> None:
    """What the call was given has to be complete."""
    del record["in"][key]
    _write(file, record)

    assert _message(file) == f"line 1, in.{key}: missing"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("ret", "ENOENT", "out.ret: expected a table (got 'ENOENT')"),
        ("win", ["-"] * 17, "out.win: expected 16 slots, not 17 (got a list)"),
        ("win", ["x"] * 16, "out.win[0]: expected a slot token"),
        ("rest", [[1, 2]], "out.rest[0]: expected 3 items: first, number, token (got a list)"),
        ("rest", [[1, 0, "-"]], "out.rest[0][1]: expected 1 to 512 (got 0)"),
        ("table", None, "out.table: expected true or false"),
        ("refault", "7", "out.refault: expected a whole number or null (got '7')"),
        ("locks", True, "out.locks: expected a whole number (got true)"),
        ("trace", [], "out.trace: expected a text (got a list)"),
        ("tracee", "", "out: there is no such key (got 'tracee'); did you mean 'trace'?"),
    ],
)
def test_wrong_result(
    file: Path, record: Record, key: str, value: object, message: str
) -> None:
    """A result that could match nothing is a mistake of the file."""
    record["out"][key] = value
    _write(file, record)

    assert _message(file).startswith(f"line 1, {message}")


@pytest.mark.parametrize("key", ["ret", "warn", "trace"])
def test_missing_result(file: Path, record: Record, key: str) -> None:
    """A result has to be complete, or it could not be compared."""
    del record["out"][key]
    _write(file, record)

    assert _message(file) == f"line 1, out.{key}: missing"


def test_undefined_result(file: Path, record: Record) -> None:
    """A result that says only why there is none needs nothing else."""
    record["out"] = {"abort": "OOB_READ", "locks": 0, "trace": "L"}
    _write(file, record)

    assert [vector.undefined for vector in read(file)] == [True]


def test_control_characters(file: Path, record: Record) -> None:
    """Nothing from a file reaches the terminal as a control character."""
    record["in"]["\x1b[2J"] = 1
    _write(file, record)

    assert "\\x1b" in _message(file)
