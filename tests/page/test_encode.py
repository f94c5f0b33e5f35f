# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trace in tables and columns holds all that the trace holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.page.encode import encode
from swaptrio.trace import Value, state_at

if TYPE_CHECKING:
    from tests.page.conftest import Traces


def states(found: dict[str, Any]) -> list[dict[str, Value]]:
    """The state before the first step and after each, as the program finds them."""
    keys, values = found["keys"], found["values"]
    state = {keys[place]: values[value] for place, value in enumerate(found["world"])}
    told, at = [dict(state)], 0
    for number in found["changes"]:
        for place in range(at, at + number):
            key, now = keys[found["key"][place]], found["now"][place]
            if now == -1:
                state.pop(key, None)
            else:
                state[key] = values[now]
        at += number
        told.append(dict(state))
    return told


@pytest.mark.parametrize("which", ["told", "stuck", "long"])
def test_states_come_back(traces: Traces, which: str) -> None:
    """The state at each step is that of the trace."""
    trace = traces.long(300) if which == "long" else getattr(traces, which)()
    expected = [state_at(trace, seq) for seq in range(len(trace.events) + 1)]

    assert states(encode(trace)) == expected


def test_columns_come_back(traces: Traces) -> None:
    """Each step's task, kind, label, object and locks are those of the trace."""
    trace = traces.told()
    found = encode(trace)
    for place, event in enumerate(trace.events):
        assert found["tasks"][found["task"][place]][0] == event.task
        assert found["kinds"][found["kind"][place]] == event.word
        assert found["texts"][found["label"][place]] == event.label
        assert found["texts"][found["object"][place]] == event.object
        assert found["locksets"][found["held"][place]] == list(event.held)
        assert sum(found["passed"][: place + 1]) == event.time
    assert found["option"] == {2: "ok"}


def test_who_woke_whom(traces: Traces) -> None:
    """Messages and wake-ups are told; a lock only where the other stood there meanwhile."""
    found = encode(traces.told())
    texts = found["texts"]
    links = [(texts[kind], source, target) for kind, _, source, target in found["links"]]

    assert links == [("message", 6, 8), ("wake", 10, 11)]


def test_a_lock_that_was_waited_for(traces: Traces) -> None:
    """Who stood at a lock while it was held is told from whom it came."""
    story = traces.story()
    story.step("a", "f.start", "start")
    story.step("b", "f.start", "start")
    story.step("a", "f.lock", "lock", "L")
    story.step("a", "f.unlock", "unlock", "L")
    story.step("b", "f.lock", "lock", "L")
    found = encode(story.trace())

    assert [link[2:] for link in found["links"]] == [[4, 5]]
