# SPDX-License-Identifier: MIT OR Apache-2.0
"""Verdicts, and the cycle of a wait-for graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.sched import (
    Diverged,
    Ending,
    ModelError,
    Schedule,
    Verdict,
    Violation,
    Waiting,
    WindowNotReached,
)
from swaptrio.sched.verdict import classify, find_cycle


def graph(**edges: str) -> tuple[Waiting, ...]:
    """One wait-for edge for each keyword; holders are single letters."""
    return tuple(Waiting(task, "here", "it", tuple(to)) for task, to in edges.items())


@pytest.mark.parametrize(
    ("waiting", "cycle"),
    [
        (graph(), ()),
        (graph(a=""), ()),
        (graph(a="b"), ()),
        (graph(a="b", b="a"), ("a", "b")),
        (graph(a="a"), ("a",)),
        (graph(p="q", q="a", a="b", b="c", c="a"), ("a", "b", "c")),
        (graph(p="xa", a="b", b="a", x=""), ("a", "b")),
        (graph(p="q", q="r", r=""), ()),
    ],
)
def test_find_cycle(waiting: tuple[Waiting, ...], cycle: tuple[str, ...]) -> None:
    """The cycle is told without the tasks that only lead to it; none where there is none."""
    assert find_cycle(waiting) == cycle


@given(st.dictionaries(st.sampled_from("abcdef"), st.text("abcdef", max_size=3)))
@settings(deadline=None)
def test_find_cycle_finds_cycles_only(edges: dict[str, str]) -> None:
    """What is told is a cycle; and if nothing is, the graph can be taken apart leaf by leaf."""
    cycle = find_cycle(graph(**edges))
    for task, holder in zip(cycle, cycle[1:] + cycle[:1], strict=True):
        assert holder in edges[task]
    left = dict(edges)
    while leaf := next((t for t, to in left.items() if not set(to) & left.keys()), None):
        del left[leaf]
    assert bool(cycle) == bool(left)


def test_find_cycle_is_linear_and_deep() -> None:
    """Neither a chain of thousands nor a dense graph is too much."""
    names = [f"t{number}" for number in range(5000)]
    chain = tuple(Waiting(a, "here", "it", (b,)) for a, b in pairwise(names))
    dense = tuple(
        Waiting(a, "here", "it", tuple(names[n + 1 : 60])) for n, a in enumerate(names[:60])
    )
    assert find_cycle(chain) == ()
    assert find_cycle(dense) == ()


def test_waiting_reads_as_a_sentence() -> None:
    """An edge says who waits where for what, and who holds it if that is known."""
    assert (
        str(Waiting("a", "f.lock", "L", ("b", "c"))) == "a waits at f.lock for L, held by b, c"
    )
    assert str(Waiting("a", "f.get", "Q", ())) == "a waits at f.get for Q"


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (Violation("I-X", "seen"), (Ending.VIOLATION, "I-X", "seen")),
        (AssertionError("1 is 2"), (Ending.VIOLATION, "assertion", "1 is 2")),
        (AssertionError(), (Ending.VIOLATION, "assertion", "AssertionError")),
        (Diverged(3, "a", "b"), (Ending.DIVERGED, "", "step 3: expected a, found b")),
        (WindowNotReached(2, "no"), (Ending.UNREACHED, "", "window entry 2: no")),
        (WindowNotReached(0, "no"), (Ending.UNREACHED, "", "choice: no")),
        (ModelError("bad"), (Ending.ERROR, "", "bad")),
        (KeyError("k"), (Ending.ERROR, "", "KeyError: 'k'")),
        (OSError(), (Ending.ERROR, "", "OSError")),
    ],
)
def test_classify(exc: BaseException, expected: tuple[Ending, str, str]) -> None:
    """Each kind of exception is one kind of ending, with what there is to say."""
    assert classify(exc) == expected


def test_verdict_in_one_line() -> None:
    """A verdict prints its ending, the broken check and the message; one kind has passed."""
    verdict = Verdict(Ending.VIOLATION, 7, Schedule(), "I-X", "seen")
    assert str(verdict) == "violation: I-X: seen"
    assert not verdict.passed
    assert Verdict(Ending.PASSED, 7, Schedule()).passed
