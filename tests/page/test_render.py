# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page as bytes: nothing of a trace can become markup, and nothing leads outside."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from swaptrio.page import render_page
from swaptrio.page.render import SCRIPTS
from swaptrio.trace import parse_trace, render_trace

if TYPE_CHECKING:
    from tests.page.conftest import Traces

#: How many bytes a step may take, with all that stands once.
BYTES_A_STEP = 90

#: The tag before the data.
DATA = '<script type="application/json" id="data">'

#: What would load something, or lead to another place.
OUTSIDE = ("http:", "https:", "//www", "url(", "@import", "src=", "import(")

RENDER = """
import sys
from swaptrio.page import render_page
from swaptrio.trace import parse_trace
trace = parse_trace(sys.stdin.buffer.read())
sys.stdout.buffer.write(render_page(trace, trace))
"""


def block(page: bytes, opening: str) -> str:
    """What stands between the tag *opening* and the end of its element."""
    text = page.decode("ascii")
    tag = re.escape(opening.split()[0].strip("<>"))
    found = re.findall(f"{re.escape(opening)}(.*?)</{tag}>", text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def script(page: bytes) -> str:
    """The program of a page."""
    return block(page, "<script>")


def data(page: bytes) -> dict[str, Any]:
    """The data of a page."""
    found: dict[str, Any] = json.loads(block(page, DATA))
    return found


def policy(page: bytes) -> list[str]:
    """The rules of the page's policy."""
    found = re.search(rb'Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    return found[1].decode("ascii").split("; ")


def test_same_trace_same_bytes(traces: Traces) -> None:
    """The same trace gives the same bytes, also in another process with another hash seed."""
    trace = traces.told()
    page = render_page(trace, trace)
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", RENDER],
            input=render_trace(trace),
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert done.stdout == page


def test_a_file_is_enough(traces: Traces) -> None:
    """A trace that was written and read again gives the same page."""
    trace = traces.told(second_check=False)

    assert render_page(parse_trace(render_trace(trace))) == render_page(trace)


def test_no_text_is_markup(traces: Traces) -> None:
    """The data holds every text as it is, and nothing that ends its block or opens a tag."""
    page = render_page(traces.hostile(), traces.hostile())
    raw = block(page, DATA)

    assert "<" not in raw
    assert raw.isascii()
    assert set(traces.hostile_texts) <= set(data(page)["traces"][0]["texts"])


def test_title_is_escaped(traces: Traces) -> None:
    """A title is a text, whatever it holds."""
    for title in traces.hostile_texts:
        page = render_page(traces.stuck(), title=title)
        told = html.unescape(block(page, "<title>"))
        assert told == html.unescape(html.escape(title.encode("utf-8", "replace").decode()))
        assert data(page)["title"] == title


def test_tags_do_not_depend_on_the_trace(traces: Traces) -> None:
    """A hostile trace gives a page with the same tags as any other."""
    pages = [render_page(trace) for trace in (traces.told(), traces.hostile())]
    tags = [re.findall(rb"<[a-zA-Z/!][^>]*>", page) for page in pages]

    assert [tag for tag in tags[0] if b"Policy" not in tag] == [
        tag for tag in tags[1] if b"Policy" not in tag
    ]


def test_policy_names_script_and_style(traces: Traces) -> None:
    """The policy allows the page's own script and style, by their digests, and nothing else."""
    page = render_page(traces.told())

    def digest(text: str) -> str:
        found = hashlib.sha256(text.encode("ascii")).digest()
        return base64.b64encode(found).decode("ascii")

    assert policy(page) == [
        "default-src 'none'",
        f"script-src 'sha256-{digest(script(page))}'",
        f"style-src 'sha256-{digest(block(page, '<style>'))}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_policy_comes_first(traces: Traces) -> None:
    """The policy stands before whatever it governs."""
    page = render_page(traces.told())

    assert page.index(b"Content-Security-Policy") < page.index(b"<style>")


@pytest.mark.parametrize("word", OUTSIDE)
def test_nothing_leads_outside(traces: Traces, word: str) -> None:
    """The page names no address and loads nothing."""
    assert word not in render_page(traces.told()).decode("ascii")


def test_no_markup_is_made_from_texts(traces: Traces) -> None:
    """The program has no way to make markup or code out of a text."""
    makers = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\bFunction\("
    assert re.findall(makers, script(render_page(traces.told()))) == []


def test_all_assets_are_used() -> None:
    """Every part of the program is in the page."""
    found = {path.name for path in (files("swaptrio.page") / "assets").iterdir()}
    assert found == {*SCRIPTS, "page.html", "page.css"}


def test_size_is_bounded(traces: Traces) -> None:
    """A step takes some tens of bytes, as all texts stand once."""
    some, more = (len(render_page(traces.long(steps))) for steps in (1_000, 6_000))

    assert (more - some) / 5_000 < BYTES_A_STEP


def test_large_numbers_stay_exact(traces: Traces) -> None:
    """A number that a browser could not hold travels as a text."""
    values = data(render_page(traces.hostile()))["traces"][0]["values"]

    assert str(2**70) in values
    assert all(abs(value) < 2**53 for value in values if isinstance(value, int))


def test_title_tells_what_ran(traces: Traces) -> None:
    """Without a title the page is headed by what ran and how it ended."""
    page = render_page(traces.told(second_check=False), traces.told())

    assert data(page)["title"] == "told, pre, violation of I-TABLE / told, v3, passed"
