# SPDX-License-Identifier: MIT OR Apache-2.0
"""ITF: every state is whole and typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from swaptrio.errors import TraceError
from swaptrio.trace import Trace, Value, state_at
from swaptrio.trace.formats.itf import MOST, to_itf

if TYPE_CHECKING:
    from collections.abc import Callable


def valid(data: bytes) -> list[dict[str, Any]]:
    """The states of a file, with Python's own types for those of ITF."""
    assert data.isascii()
    document = json.loads(data)
    assert list(document) == ["#meta", "params", "vars", "states"]
    assert document["#meta"]["format"] == "ITF"
    assert not any("\ud800" <= char <= "\udfff" for char in str(document))
    states = []
    for index, state in enumerate(document["states"]):
        assert set(state) == {"#meta", *document["vars"]}
        assert state["#meta"]["index"] == index
        states.append({name: decoded(state[name]) for name in document["vars"]})
    for state in states:
        assert all(isinstance(value, str) for value in state["at"].values())
        assert all(isinstance(value, set) for value in state["held"].values())
        assert all(isinstance(value, str) for value in state["words"].values())
        assert all(isinstance(value, int) for value in state["counts"].values())
    return states


def decoded(value: Any) -> Any:
    """A value of ITF as one of Python."""
    match value:
        case {"#map": pairs}:
            assert len({key for key, _ in pairs}) == len(pairs)
            return {key: decoded(item) for key, item in pairs}
        case {"#set": items}:
            assert len(set(items)) == len(items)
            return set(items)
        case {"#bigint": digits}:
            return int(digits)
        case str() | int():
            assert isinstance(value, str) or abs(value) < 2**53
            return value
    raise AssertionError(value)


def test_golden(talk: Trace, same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_itf(talk)

    valid(data)
    same_as_golden("talk.itf.json", data)


def test_every_state_is_that_of_the_trace(talk: Trace) -> None:
    """State n is what the world was after step n, with who stood where and held what."""
    states = valid(to_itf(talk))

    assert [{**state["words"], **state["counts"]} for state in states] == [
        state_at(talk, seq) for seq in range(len(talk.events) + 1)
    ]
    assert states[4]["at"] == {"fault": "swap_cache_alloc.check", "disk": "", "helper": ""}
    assert states[3]["held"]["fault"] == {"folio 0x10", "swap0 cluster 0"}


def test_large_numbers_keep_their_digits(talk: Trace) -> None:
    """A number that a float cannot hold is written as a big one."""
    world: dict[str, Value] = {"least": -(2**53), "most": 2**53 - 1, "more": 2**60}
    header = attrs.evolve(talk.header, world=world)

    data = to_itf(Trace(header, talk.events))

    assert valid(data)[0]["counts"] == world
    assert b'["more",{"#bigint":"1152921504606846976"}]' in data
    assert b'["most",9007199254740991]' in data


def test_a_long_trace_is_refused(talk: Trace) -> None:
    """States are told whole, so there is a limit, and the message names it."""
    event = talk.events[0]
    events = tuple(attrs.evolve(event, seq=seq) for seq in range(1, MOST + 2))

    with pytest.raises(TraceError, match="ITF is for at most 10000 steps, and this trace has"):
        to_itf(Trace(talk.header, events))


def test_hostile_names(hostile: Trace) -> None:
    """Whatever the names are, the file is valid, and can stand within a page."""
    data = to_itf(hostile)

    assert len(valid(data)) == 16
    assert b"</" not in data
