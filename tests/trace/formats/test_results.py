# SPDX-License-Identifier: MIT OR Apache-2.0
"""KTAP and JUnit XML, each read back by a reader of its rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from swaptrio.trace.formats import Result
from swaptrio.trace.formats.junit import to_junit
from swaptrio.trace.formats.ktap import to_ktap

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = (
    Result("two-faults", "v3", "passed", "passed", "", 0.0123),
    Result("two-faults", "pre", "violation of I-TABLE", "violation of I-TABLE", "freed", 0.5),
    Result(
        "slot-recycled",
        "v3",
        "passed",
        "violation of I-DATA",
        "d9 is not d1; <mm> & co. #2",
        notes=("trace: a.jsonl", "open it: swaptrio trace a.jsonl"),
    ),
    Result("slot-recycled", "v4", "deadlock", "passed"),
    Result("two-faults", "v4", "passed", "passed"),
)
RESULT = re.compile(
    r"(ok|not ok) (\d+) ([^#]+?)( # (?:SKIP|TODO|XFAIL|TIMEOUT|ERROR)( [^#]*)?)?"
)

Point = tuple[str, str, str]


def valid_ktap(data: bytes) -> list[Point]:
    """Word, description and directive of each result, nested ones in front of their parent."""
    lines = data.decode("ascii").splitlines()
    found, rest = block(lines, "")
    assert not rest
    return found


def block(lines: list[str], indent: str) -> tuple[list[Point], list[str]]:
    """The results of one block of KTAP, and the lines behind it."""
    assert lines.pop(0) == f"{indent}KTAP version 1"
    found: list[Point] = []
    plan: int | None = None
    number = 0
    while lines and lines[0].startswith(indent):
        line = lines[0][len(indent) :]
        if line == "  KTAP version 1":
            nested, lines = block(lines, indent + "  ")
            found += nested
            continue
        lines = lines[1:]
        if line.startswith("1.."):
            assert plan is None
            plan = int(line[3:])
        elif not line.startswith("# "):
            match = RESULT.fullmatch(line)
            assert match is not None, line
            number += 1
            assert int(match[2]) == number
            found.append((match[1], match[3], (match[4] or "").removeprefix(" # ")))
        if number == plan:
            break
    assert number == plan
    return found, lines


def valid_junit(data: bytes) -> list[tuple[str, str, str]]:
    """Suite, case and message of the failure of each case; the sums are right."""
    assert data.isascii()
    root = ElementTree.fromstring(data)
    assert root.tag == "testsuites"
    found = []
    for suite in root:
        cases = list(suite)
        failures = [case for case in cases if case.find("failure") is not None]
        assert (suite.tag, suite.get("errors"), suite.get("skipped")) == ("testsuite", "0", "0")
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len(failures)
        for case in cases:
            assert case.tag == "testcase"
            assert case.get("classname") == suite.get("name")
            failure = case.find("failure")
            message = "" if failure is None else failure.get("message", "")
            found.append((suite.get("name", ""), case.get("name", ""), message))
    for what in ("tests", "failures"):
        sums = [int(suite.get(what, "")) for suite in root]
        assert int(root.get(what, "")) == sum(sums)
    return found


def test_golden_ktap(same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_ktap(RESULTS)

    same_as_golden("results.ktap", data)
    assert valid_ktap(data) == [
        ("ok", "v3", ""),
        ("ok", "pre", "XFAIL violation of I-TABLE"),
        ("ok", "v4", ""),
        ("ok", "two-faults", ""),
        ("not ok", "v3", ""),
        ("not ok", "v4", ""),
        ("not ok", "slot-recycled", ""),
    ]


def test_golden_junit(same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_junit(RESULTS)

    same_as_golden("results.xml", data)
    assert valid_junit(data) == [
        ("two-faults", "v3", ""),
        ("two-faults", "pre", ""),
        ("two-faults", "v4", ""),
        ("slot-recycled", "v3", "expected passed, got violation of I-DATA"),
        ("slot-recycled", "v4", "expected deadlock, got passed"),
    ]


def test_what_a_pass_is_worth(nasty: str) -> None:
    """The notes of what passed are in both reports, as those of what did not."""
    results = (
        Result("a", "v3", "passed", "passed", notes=("3 windows", "2 < 3 executions # x")),
    )
    hostile = (Result("a", "v3", "passed", "passed", notes=(nasty, nasty)),)
    ktap, junit = to_ktap(results), to_junit(results)
    [out] = ElementTree.fromstring(junit).iter("system-out")

    assert b"  # 3 windows\n  # 2 < 3 executions _ x\n  ok 1 v3\n" in ktap
    assert out.text == "3 windows\n2 < 3 executions # x"
    assert valid_ktap(ktap) == [("ok", "v3", ""), ("ok", "a", "")]
    assert valid_junit(junit) == [("a", "v3", "")]
    assert len(valid_ktap(to_ktap(hostile))) == 2
    assert len(valid_junit(to_junit(hostile))) == 1


def test_no_results() -> None:
    """Nothing is a valid report of nothing."""
    assert valid_ktap(to_ktap(())) == []
    assert valid_junit(to_junit(())) == []


def test_hostile_names(nasty: str) -> None:
    """Whatever the names are, there are as many results as were given."""
    results = (
        Result(nasty, nasty, "passed", nasty, nasty, 1e9),
        Result(nasty, nasty, nasty, nasty, nasty),
        Result(nasty + "x", nasty, nasty, "passed", nasty),
    )

    assert len(valid_ktap(to_ktap(results))) in (4, 5)
    assert len(valid_junit(to_junit(results))) == 3
