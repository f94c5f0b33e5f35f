# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture: well-formed, without a script, and nothing is fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import attrs
import pytest

from swaptrio.errors import TraceError
from swaptrio.trace import Trace
from swaptrio.trace.formats.svg import MOST, to_svg

if TYPE_CHECKING:
    from collections.abc import Callable

#: All elements and attributes that there are.
SHAPES = {"svg", "title", "style", "defs", "marker", "path", "rect", "text", "g", "circle"}
ATTRIBUTES = {"width", "height", "viewBox", "class", "role", "aria-labelledby", "id"}
ATTRIBUTES |= {"refX", "refY", "markerWidth", "markerHeight", "orient"}
ATTRIBUTES |= {"d", "x", "y", "cx", "cy", "r", "text-anchor"}


def valid(data: bytes) -> ElementTree.Element:
    """The root of a picture that holds nothing but shapes and texts."""
    assert data.isascii()
    root = ElementTree.fromstring(data)
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in SHAPES
        assert set(element.attrib) <= ATTRIBUTES
    urls = re.findall(rb"url\(.*?\)|https?:[^\"]*|@import|href", data)
    assert set(urls) == {b"http://www.w3.org/2000/svg", b"url(#swaptrio-tip)"}
    assert root[0].tag.endswith("title")
    return root


def classes(root: ElementTree.Element, name: str) -> int:
    """How many elements are of the class *name*."""
    return sum(name in element.get("class", "").split() for element in root.iter())


def test_golden(talk: Trace, same_as_golden: Callable[[str, bytes], None]) -> None:
    """The whole file, byte for byte; and it is valid."""
    data = to_svg(talk)

    valid(data)
    same_as_golden("talk.svg", data)


def test_everything_is_there(talk: Trace) -> None:
    """A dot a step, a bar a hold, an arrow a link, and a cross where it failed."""
    root = valid(to_svg(talk))

    found = {name: classes(root, name) for name in ("dot", "hold", "arrow", "lane", "bad")}
    assert found == {"dot": 15, "hold": 3, "arrow": 5, "lane": 3, "bad": 2}


def test_a_passed_trace_has_no_cross(calm: Trace) -> None:
    """Where nothing failed nothing is red."""
    assert classes(valid(to_svg(calm)), "bad") == 0


def test_both_colour_schemes_and_print(talk: Trace) -> None:
    """The picture follows the reader's colours."""
    data = to_svg(talk)

    assert b"prefers-color-scheme:dark" in data
    assert b"@media print" in data
    assert b"currentColor" in data


def test_a_long_trace_is_refused(talk: Trace) -> None:
    """A browser draws no picture of any height; the message says what to use."""
    events = tuple(attrs.evolve(talk.events[0], seq=seq) for seq in range(1, MOST + 2))

    with pytest.raises(TraceError, match="SVG is for at most 10000 steps"):
        to_svg(Trace(talk.header, events))


def test_a_trace_without_steps(record: Callable[..., Trace]) -> None:
    """A picture without a step is valid too."""
    assert classes(valid(to_svg(record(lambda _e, _s: None))), "dot") == 0


def test_hostile_names(hostile: Trace) -> None:
    """Whatever the names are, they are text."""
    assert classes(valid(to_svg(hostile)), "dot") == 15
