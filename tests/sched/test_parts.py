# SPDX-License-Identifier: MIT OR Apache-2.0
"""Numbers of parts of states, which another process can go on with."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import Enum, IntEnum, StrEnum
from pathlib import Path

import pytest

from swaptrio.sched.parts import Parts, digest


class Plain(Enum):
    """Members that equal nothing but themselves."""

    ONE = 1


class Number(IntEnum):
    """Members that are numbers."""

    ONE = 1


class Word(StrEnum):
    """Members that are words."""

    ONE = "one"


def code() -> object:
    """A function whose code holds a set, and another function's code."""
    return lambda x: x in {"a", "b", "c"}


PARTS = (
    (object, 3),
    (bool, True),
    (dict, "a", None, b"b", 2.5, range(3)),
    (None, (), ((),)),
    (Plain.ONE, Number, Word.ONE),
    (code.__code__, 4),
)


def tell() -> None:
    """Print the digests of all parts."""
    print([digest(part).hex() for part in PARTS])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_digest_is_the_same_in_each_process(seed: int) -> None:
    """It depends on no address, and on no seed."""
    told = [
        subprocess.run(
            [sys.executable, "-c", "import test_parts; test_parts.tell()"],
            cwd=Path(__file__).parent,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONHASHSEED": str(each),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for each in (0, seed)
    ]
    assert told[0] == told[1]
    assert len(dict.fromkeys(told[0].split(","))) == len(PARTS)


@pytest.mark.parametrize(
    ("one", "other"), [(Number.ONE, 1), (Word.ONE, "one"), ((bool, True), (bool, 1))]
)
def test_equal_parts_have_one_digest(one: object, other: object) -> None:
    """What a table takes for one is one."""
    assert one == other
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("a,b",)),
        (("a", ("b",)), (("a",), "b")),
        (1, "1"),
        (b"a", "a"),
        (Plain.ONE, 1),
        (dict, list),
        ((lambda: 1).__code__, (lambda: 2).__code__),
    ],
)
def test_other_parts_have_other_digests(one: object, other: object) -> None:
    """What differs is spelled otherwise, however it is nested."""
    assert one != other
    assert digest(one) != digest(other)


def test_numbers_go_on() -> None:
    """What was known has its number again; what is new has one that nobody had."""
    first = Parts()
    assert [first[part] for part in "abca"] == [0, 1, 2, 0]

    second = Parts(first.digests())
    assert [second[part] for part in "dcb"] == [3, 2, 1]

    third = Parts(second.digests())
    assert [third[part] for part in "edcba"] == [4, 3, 2, 1, 0]
