# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whatever somebody pastes is read, or refused in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swaptrio.diagram import DiagramError, parse_diagram, to_window
from swaptrio.scenario.files import find
from swaptrio.scenario.load import load as load_scenario
from swaptrio.variants import load

SCENARIO = load_scenario(find("two-faults-one-slot"))
V3 = load("v3")

#: Pieces that a drawing is made of, and some that it is not.
PIECES = st.sampled_from(
    [
        *(
            "CPU0",
            "CPU1",
            " ",
            "   ",
            "\t",
            "\n",
            "|",
            "│",
            "─",
            "*** ",
            "(first)",
            "()",
            "(",
            ")",
        ),
        *(
            "//",
            "do_swap_page",
            "swap_cache_alloc",
            ".",
            "recheck",
            "insert",
            "charge",
            " fails",
        ),
        *("waits ", "ends", "= -EEXIST", "block_device.complete", "- ", "1. "),
        *("\x1b", "\u202e", "é", "\x00", "²"),
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


@given(st.one_of(st.text(), TEXTS, TEXTS.map("CPU0     CPU1\n{}".format)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a DiagramError comes of a text, and its message is one line a problem."""
    refused: DiagramError | None = None
    try:
        to_window(parse_diagram(text, "race.txt"), SCENARIO, V3)
    except DiagramError as exc:
        refused = exc
    assert refused is None or len(str(refused).splitlines()) == len(refused.problems) > 0
