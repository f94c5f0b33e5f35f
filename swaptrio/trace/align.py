# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which items of two sequences belong together: a longest common subsequence, in bounded time.

The method is that of Myers (1986), which is fast where the sequences are alike. Where they are
not, its cost grows with the square of the number of differences. So it is stopped after
`PATIENCE` of them, the best way found so far is kept, and it starts afresh from there: what
comes out is still a common subsequence, though perhaps not a longest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A pair of positions; none where the other sequence has nothing that belongs to the item.
Place: TypeAlias = tuple[int | None, int | None]

#: Differences in a row that are searched for the best way through.
PATIENCE: Final = 200


def align(one: Sequence[str], other: Sequence[str]) -> list[Place]:
    """All positions of both in order; of those between two pairs, the ones of *one* first."""
    places: list[Place] = []
    i = j = 0
    for left, right in [*_common(one, other), (len(one), len(other))]:
        places += [(number, None) for number in range(i, left)]
        places += [(None, number) for number in range(j, right)]
        places.append((left, right))
        i, j = left + 1, right + 1
    return places[:-1]


def _common(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of positions with equal items. What only one of them has is left out at once."""
    shared = dict.fromkeys(one).keys() & dict.fromkeys(other).keys()
    left = [number for number, item in enumerate(one) if item in shared]
    right = [number for number, item in enumerate(other) if item in shared]
    a, b = [one[number] for number in left], [other[number] for number in right]
    i = j = 0
    while i < len(a) and j < len(b):
        found, i, j = _stretch(a, b, i, j)
        for x, y in found:
            yield left[x], right[y]


def _stretch(
    a: Sequence[str], b: Sequence[str], i: int, j: int
) -> tuple[list[tuple[int, int]], int, int]:
    """Pairs from (*i*, *j*) on, and where they end: at an end, or where patience does.

    As in the paper, *furthest* maps a diagonal (x - y) to the furthest x on it that so many
    differences reach; *history* keeps it for each number of differences, for the way back.
    """
    n, m = len(a) - i, len(b) - j
    furthest = {1: 0}
    history: list[dict[int, int]] = []
    for depth in range(min(PATIENCE, n + m) + 1):
        for k in range(2 * max(0, depth - m) - depth, depth - 2 * max(0, depth - n) + 1, 2):
            x, _ = _enter(furthest, k, depth)
            while x < n and x - k < m and a[i + x] == b[j + x - k]:
                x += 1
            furthest[k] = x
        history.append(dict(furthest))
        if furthest.get(n - m, -1) >= n:
            break
    reached = [k for k in furthest if (k - depth) % 2 == 0 and 0 <= furthest[k] - k <= m]
    k = max(reached, key=lambda k: (2 * furthest[k] - k, -abs(k), k))
    x = furthest[k]
    pairs = _way_back(history, k, x)
    return [(i + left, j + right) for left, right in pairs], i + x, j + x - k


def _enter(furthest: dict[int, int], k: int, depth: int) -> tuple[int, int]:
    """The x at which the diagonal *k* is entered, and the diagonal from which that is."""
    down, right = furthest.get(k + 1, -1), furthest.get(k - 1, -1)
    if k == -depth or (k != depth and right < down):
        return down, k + 1
    return right + 1, k - 1


def _way_back(history: Sequence[dict[int, int]], k: int, x: int) -> list[tuple[int, int]]:
    """The pairs on the way to *x* on the diagonal *k*, which the last of *history* reached."""
    pairs: list[tuple[int, int]] = []
    for depth in range(len(history) - 1, -1, -1):
        before = history[depth - 1] if depth else {1: 0}
        entered, origin = _enter(before, k, depth)
        pairs += [(place, place - k) for place in range(x - 1, entered - 1, -1)]
        k, x = origin, before.get(origin, 0)
    return pairs[::-1]
