# SPDX-License-Identifier: MIT OR Apache-2.0
"""The world at a step, as tables."""

from __future__ import annotations

import attrs
import pytest

from swaptrio.errors import TraceError
from swaptrio.trace import Trace, Value, draw_state

# Slots are sorted as numbers. What a step took is still there, as a dash or a 0 with its star.
CHARGED = """\
state after step 5, fault at charge_memcg.grant (* changed in this step)

task   at                   holds
fault  charge_memcg.grant*

swap0  value
9      f1:0x10
10     s1:103

folio  refs  flags             memcg  data
0x10   1     locked swapcache  m1*    ? ? ? ?

swap0: users 1
m1: swap 2, memory 4*, memsw 4*

swpin.2 4, refaults 1*
"""

BEFORE = """\
state before the first step

swap0  value   owner
9      s1:102  m1
10     s1:103

swap0: users 1
m1: swap 2

swpin.2 4
"""

# Where the columns of a table would be too narrow to be read, each row becomes pairs.
NARROW = """\
state after step 7, fault at
  folio_put.free (* changed in this
  step)

task   at               holds
fault  folio_put.free*

swap0  value
9      -*
10     s1:103

folio  refs  flags  memcg  data
0x10   0*    -*     -*     -*

swap0: users 1
m1: swap 1, memory 0*, memsw 0*

swpin.2 4, refaults 1
"""


def test_the_tables_of_a_step(folio: Trace) -> None:
    """Tasks, slots, objects, and then counters; a star marks what the step changed."""
    assert draw_state(folio, 5) == CHARGED


def test_the_tables_before_the_first_step(folio: Trace) -> None:
    """Step 0 is the world as it was built: nobody stands anywhere, nothing has changed."""
    assert draw_state(folio, 0) == BEFORE


def test_what_is_gone_is_shown_once_more(folio: Trace) -> None:
    """The step that frees an object or a slot still shows its row."""
    assert draw_state(folio, 7, width=40) == NARROW


def test_rows_become_pairs_where_columns_are_too_narrow(folio: Trace) -> None:
    """A table that does not fit is not squeezed beyond reading."""
    flags = "locked swapcache swapbacked"
    event = folio.events[3]
    changes = {**event.changes, "folio 0x10.flags": ("", flags), "folio 0x10.x": (None, flags)}
    events = (*folio.events[:3], attrs.evolve(event, changes=changes))

    lines = draw_state(Trace(folio.header, events), 4, width=40).splitlines()

    start = next(number for number, line in enumerate(lines) if line.startswith("folio"))
    assert lines[start : start + 3] == [
        "folio 0x10: refs 1, flags locked",
        "  swapcache swapbacked*, memcg none,",
        "  data ? ? ? ?, x locked swapcache",
    ]


def test_locks_stand_beside_their_holder(race: Trace) -> None:
    """The locks of a task are those it holds after the step."""
    assert "zap    swap_entry_free.lock*  swap0 cluster 0*\n" in draw_state(race, 4)


@pytest.mark.parametrize("seq", [-1, 8])
def test_a_step_that_is_not_there_is_refused(folio: Trace, seq: int) -> None:
    """The message says which steps there are."""
    with pytest.raises(TraceError, match="the trace has steps 0 to 7"):
        draw_state(folio, seq)


def test_a_width_that_makes_no_sense_is_refused(folio: Trace) -> None:
    """A table is at least 40 columns wide."""
    with pytest.raises(ValueError, match="at least 40 columns wide, not 39"):
        draw_state(folio, 1, width=39)


def test_hostile_names_stay_in_their_cells(folio: Trace) -> None:
    """Foreign letters are escaped, and numbers that no computer holds are only sorted."""
    world: dict[str, Value] = {
        f"s:{'9' * 6000}": "long",
        "s:1": "\u202ex\n</script>",
        "e.\x1b": 1,
    }
    header = attrs.evolve(folio.header, world=world)

    picture = draw_state(Trace(header, folio.events), 0)

    assert picture.isascii()
    assert "\\u202ex\\n</script>" in picture
    assert max(map(len, picture.splitlines())) <= 76
