# SPDX-License-Identifier: MIT OR Apache-2.0
"""What others have reported for these programs, and what was promised for ours.

Mean schedules to the first bug, by the artifacts of two papers (20 trials each): SURW's (Zhao
et al., ASPLOS 2025; a measuring run counted) and RFF's (Wolff et al., ASPLOS 2024). None stands
for no bug found. Both instrument C programs, so ``every`` is the granularity to compare with;
the programs of `unlike_c` are no measure all the same.
"""

from __future__ import annotations

from typing import Any, Final

#: By program: the means of each strategy in the SURW artifact, and of POS, PCT-3 and RFF in
#: that of RFF.
_PUBLISHED: Final[dict[str, tuple[float | None, ...]]] = {
    "reorder_3": (None, 185, 148, 86, 24, 7, 223, 241, 7),
    "reorder_4": (None, 554, 362, 533, 22, 7, 1464, 395, 6),
    "reorder_5": (None, 647, 1094, 2169, 27, 10, 4377, 1126, 6),
    "reorder_10": (None, 3225, 4462, None, 74, 17, None, 2356, 6),
    "reorder_20": (None, 3005, 3297, None, 10, 6, None, 2128, 6),
    "reorder_100": (None, None, None, None, 3785, 194, None, 7447, 6),
    "wronglock": (36, 51, 20, 10, 4, 7, 1, 88, 1),
    "wronglock_3": (36, 58, 14, 11, 5, 9, 1, 40, 1),
    "deadlock01": (3, 13, 7, 4, 3, 2, 4, 20, 5),
    "bluetooth": (215, 112, 83, 36, 1494, 70, 72, 161, 45),
    "stack": (176, 3, 3, 2, 986, 5, 2, 2, 2),
    "account": (18, 4, 4, 4, 3, 6, 1, 9, 1),
    "lazy01": (21, 5, 5, 5, 4, 2, 5, 10, 6),
    "token_ring": (13, 8, 8, 9, 9, 8, 7, 8, 5),
}

_COLUMNS: Final = (
    ("surw_artifact", ("random", "pct:3", "pct:10", "pos", "urw", "surw")),
    ("rff_artifact", ("pos", "pct:3", "rff")),
)

#: What the best strategy needs at most, and what would be better still.
TARGETS: Final = {
    "reorder_3": 7,
    "reorder_4": 8,
    "reorder_5": 10,
    "reorder_10": 17,
    "reorder_20": 6,
    "reorder_100": 130,
    "wronglock": 4,
    "wronglock_3": 4,
    "deadlock01": 5,
    "bluetooth": 12,
}
STRETCH: Final = {name: 6 for name in TARGETS if name.startswith("reorder")}


def published(program: str) -> dict[str, Any]:
    """The figures of others for *program*; empty where there are none."""
    figures = iter(_PUBLISHED.get(program, ()))
    if program not in _PUBLISHED:
        return {}
    return {
        artifact: {strategy: next(figures) for strategy in strategies}
        for artifact, strategies in _COLUMNS
    }
