# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names of strategies, as a command line has them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from swaptrio.sched.strategies import (
    STRATEGIES,
    Auto,
    DelayBounding,
    FairRandom,
    FairTail,
    Pct,
    RandomWalk,
    Surw,
    WindowDirected,
    Words,
    parse,
)
from swaptrio.sched.strategies.registry import MIX
from swaptrio.sched.strategies.wrapper import Wrapper


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_name_makes_a_strategy(name: str) -> None:
    """Without anything behind the name; with the seed that is given."""
    assert parse(name, 17).seed == 17
    assert STRATEGIES[name].written.startswith(name)
    assert STRATEGIES[name].summary


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_has_a_file_that_begins_with_its_paper(name: str) -> None:
    """One file for each: it begins with its name, the authors, the title, venue and year."""
    strategy = parse(name)
    while isinstance(strategy, Wrapper):
        strategy = strategy.inner
    module = type(strategy).__module__
    assert Path(sys.modules[module].__file__ or "").stem.startswith(name)
    first, _, _ = (sys.modules[module].__doc__ or "").partition("\n\n")
    assert re.search(r': .+ ".+", [A-Z][A-Za-z]+ (19|20)\d\d', first.replace("\n", " ")), first


def test_what_stands_behind_the_colon() -> None:
    """Depth, delays, patience, words, windows."""
    pct, delay = parse("pct:5"), parse("delay:0")
    assert isinstance(pct, FairTail)
    assert isinstance(pct.inner, Pct)
    assert pct.inner.depth == 5
    assert isinstance(delay, FairTail)
    assert isinstance(delay.inner, DelayBounding)
    assert delay.inner.delays == 0
    fair = parse("fair:7")
    assert isinstance(fair, FairRandom)
    assert fair.patience == 7
    surw = parse("surw:swap0*,folio 0x1000")
    assert isinstance(surw, FairTail)
    assert isinstance(surw.inner, Surw)
    assert isinstance(surw.inner.interest, Words)
    assert surw.inner.interest.words == ("swap0*", "folio 0x1000")
    window = parse("window:f.check/f.use,g.a/g.b")
    assert isinstance(window, FairTail)
    assert isinstance(window.inner, WindowDirected)
    assert window.inner.windows.known == [("f.check", "f.use"), ("g.a", "g.b")]
    assert isinstance(parse("random"), RandomWalk)


def test_auto_mixes_known_ones() -> None:
    """Each part has a name and a weight."""
    auto = parse("auto")
    assert isinstance(auto, Auto)
    assert len(auto.members) == len(MIX)
    assert sum(MIX.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ptc:3", "no strategy 'ptc'; did you mean 'pct'?"),
        ("Random", "no strategy 'Random'; did you mean 'random'?"),
        ("", "no strategy ''; there are auto, random, pct"),
        ("x" * 200, "no strategy 'xxx"),
        ("pct:", "nothing follows the colon of 'pct:'; it is written pct[:DEPTH]"),
        ("pct:0", "'0' is no whole number from 1 to 10000; it is written pct[:DEPTH]"),
        ("pct:-1", "'-1' is no whole number from 1"),
        ("pct:3:4", "'3:4' is no whole number"),
        ("pct:99999999999999999999", "is no whole number from 1 to 10000"),
        ("pct:\u0663", "is no whole number"),
        ("delay:two", "strategy 'delay:two': 'two' is no whole number from 0 to 10000"),
        ("fair:0", "from 1 to 10000"),
        ("pos:1", "it takes nothing behind its name, so not '1'"),
        ("surw:a,,b", "a word between commas is empty"),
        ("window:a", "'a' is not two labels with a slash between them"),
        ("window:a/b/c", "'a/b/c' is not two labels"),
        ("window:/b", "'/b' is not two labels"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    """What is wrong, the nearest right word, and how it is written."""
    with pytest.raises(ValueError, match=r"strategy|colon") as caught:
        parse(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250
