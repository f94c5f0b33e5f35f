# SPDX-License-Identifier: MIT OR Apache-2.0
"""Strategies by name, as a command line has them: ``pct:3``, ``surw:swap0*``, ``auto``.

What stands behind the colon is the strategy's own. Strategies that hold tasks back come with a
fair tail, so that none of them takes its own doing for a livelock of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from swaptrio.sched.strategies.auto import Auto
from swaptrio.sched.strategies.delay_bounding import DelayBounding
from swaptrio.sched.strategies.fair_random import FairRandom
from swaptrio.sched.strategies.fair_tail import FairTail
from swaptrio.sched.strategies.feedback import Feedback
from swaptrio.sched.strategies.interest import Words
from swaptrio.sched.strategies.pct import Pct
from swaptrio.sched.strategies.pos import Pos
from swaptrio.sched.strategies.protocol import SeededStrategy
from swaptrio.sched.strategies.random_walk import RandomWalk
from swaptrio.sched.strategies.surw import Surw
from swaptrio.sched.strategies.urw import Urw
from swaptrio.sched.strategies.window_directed import WindowDirected
from swaptrio.sched.strategies.windows import Window, Windows
from swaptrio.words import did_you_mean

#: The largest number that makes sense behind a colon.
LARGEST: Final = 10_000

#: What `auto` mixes, and how often each decides. Feedback measured best on programs that others
#: measured; many changes of priority and few delays do on scenarios, and cost the least; the
#: others find in a few executions what these are slow to find.
MIX: Final = {
    "feedback": 0.3,
    "pct:10": 0.3,
    "delay:3": 0.2,
    "surw": 0.1,
    "random": 0.1,
}


@attrs.frozen
class Entry:
    """One strategy: how it is *written*, what it does in a line, and how it is made.

    *make* takes a seed and what stands behind the colon, empty for nothing.
    """

    written: str
    summary: str
    make: Callable[[int, str], SeededStrategy]


def parse(text: str, seed: int = 0) -> SeededStrategy:
    """The strategy that *text* names, with that first *seed*.

    Raises:
        ValueError: there is none of that name, or it does not take what is behind the colon.
    """
    name, colon, argument = text.partition(":")
    entry = STRATEGIES.get(name)
    if entry is None:
        hint = did_you_mean(name, STRATEGIES)
        msg = f"no strategy {_shown(name)}{hint or '; there are ' + ', '.join(STRATEGIES)}"
        raise ValueError(msg)
    if colon and not argument:
        msg = f"nothing follows the colon of {_shown(text)}; it is written {entry.written}"
        raise ValueError(msg)
    try:
        return entry.make(seed, argument)
    except ValueError as exc:
        msg = f"strategy {_shown(text)}: {exc}; it is written {entry.written}"
        raise ValueError(msg) from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def _number(argument: str, default: int, least: int) -> int:
    if not argument:
        return default
    digits = argument.isascii() and argument.isdigit() and len(argument) <= len(str(LARGEST))
    if not digits or not least <= int(argument) <= LARGEST:
        msg = f"{_shown(argument)} is no whole number from {least} to {LARGEST}"
        raise ValueError(msg)
    return int(argument)


def _nothing(argument: str) -> None:
    if argument:
        msg = f"it takes nothing behind its name, so not {_shown(argument)}"
        raise ValueError(msg)


def _words(argument: str) -> tuple[str, ...]:
    words = tuple(argument.split(","))
    if not all(words):
        msg = "a word between commas is empty"
        raise ValueError(msg)
    return words


def _plain(make: Callable[[int], SeededStrategy]) -> Callable[[int, str], SeededStrategy]:
    def made(seed: int, argument: str) -> SeededStrategy:
        _nothing(argument)
        return make(seed)

    return made


def _surw(seed: int, argument: str) -> SeededStrategy:
    return FairTail(Surw(seed, Words(_words(argument)) if argument else None))


def _window(seed: int, argument: str) -> SeededStrategy:
    windows = Windows(learns=True)
    if argument:
        windows = Windows([_labels(word) for word in _words(argument)])
    return FairTail(WindowDirected(seed, windows))


def _labels(word: str) -> Window:
    opens, _, closes = word.partition("/")
    if not opens or not closes or "/" in closes:
        msg = f"{_shown(word)} is not two labels with a slash between them"
        raise ValueError(msg)
    return opens, closes


def _auto(seed: int) -> SeededStrategy:
    return Auto(seed, tuple(parse(text, seed) for text in MIX), tuple(MIX.values()))


STRATEGIES: Final = {
    "auto": Entry("auto", "a mix of the others, drawn by the seed", _plain(_auto)),
    "random": Entry("random", "every candidate is as likely as the others", _plain(RandomWalk)),
    "pct": Entry(
        "pct[:DEPTH]",
        "random priorities with DEPTH - 1 change points (3)",
        lambda seed, argument: FairTail(Pct(seed, _number(argument, 3, 1))),
    ),
    "pos": Entry("pos", "random priorities of operations, drawn again in races", _plain(Pos)),
    "urw": Entry("urw", "uniform over interleavings, by expected events", _plain(Urw)),
    "surw": Entry("surw[:WORD,...]", "uniform over the orders of what fits the words", _surw),
    "delay": Entry(
        "delay[:DELAYS]",
        "in turn, but DELAYS times somebody is passed over (2)",
        lambda seed, argument: FairTail(DelayBounding(seed, _number(argument, 2, 0))),
    ),
    "fair": Entry(
        "fair[:PATIENCE]",
        "random, but nobody waits much longer than PATIENCE decisions (20)",
        lambda seed, argument: FairRandom(seed, _number(argument, 20, 1)),
    ),
    "feedback": Entry(
        "feedback",
        "steers towards reads-from pairs that nobody has seen",
        _plain(lambda seed: FairTail(Feedback(seed))),
    ),
    "window": Entry(
        "window[:FROM/TO,...]", "lets others interfere between two labels of a task", _window
    ),
}
