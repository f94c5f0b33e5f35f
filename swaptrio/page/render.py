# SPDX-License-Identifier: MIT OR Apache-2.0
"""Put the page together: the template, the style, the program and the traces as data.

Nothing in a trace is to be trusted, for a scenario or a variant may be somebody else's, and so
may the file. Therefore:

  * the data is JSON in a block that no browser executes, ASCII only, and with every ``<``
    escaped, so that no text can end the block or open a comment in it;
  * the program puts texts into the page as texts, never as markup;
  * the policy of the page names the program and the style by their digests and allows nothing
    else: no other script, no handler in an attribute, no image, no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from swaptrio.page.encode import encode
from swaptrio.page.pair import pair
from swaptrio.trace.ending import outcome
from swaptrio.trace.formats.texts import refuse_longer

if TYPE_CHECKING:
    from swaptrio.trace import Trace

#: The parts of the program, in the order in which they build on each other.
SCRIPTS: Final = (
    "dom.js",
    "recording.js",
    "rows.js",
    "search.js",
    "shapes.js",
    "picture.js",
    "lanes.js",
    "overview.js",
    "cells.js",
    "facts.js",
    "state.js",
    "history.js",
    "print.js",
    "main.js",
)

#: The longest trace that a page can show; a browser is slow with more.
MOST: Final = 200_000

_MARK: Final = re.compile(r"\{\{(\w+)\}\}")


def render_page(trace: Trace, other: Trace | None = None, title: str = "") -> bytes:
    """*trace* as one HTML file that needs nothing else; the same bytes for the same trace.

    Args:
        trace: what to show.
        other: a second trace to stand beside it: another variant, or a schedule that passes.
        title: what heads the page; without one it tells what ran and how it ended.

    Raises:
        TraceError: a trace has more than `MOST` steps.
    """
    for each in (trace, other or trace):
        refuse_longer("a page", len(each.events), MOST, "chrome or ftrace take any length")
    title = title or _title(trace, other)
    script, style = _script(), _asset("page.css")
    parts = {
        "title": html.escape(_plain(title)),
        "policy": _policy(script, style),
        "style": style,
        "script": script,
        "data": _json(_data(trace, other, title)),
    }
    page = _MARK.sub(lambda mark: parts[mark[1]], _asset("page.html"))
    return page.encode("ascii", "xmlcharrefreplace")


def _data(trace: Trace, other: Trace | None, title: str) -> dict[str, Any]:
    data: dict[str, Any] = {"title": title, "traces": [encode(trace)], "pair": None}
    if other is not None:
        data["traces"].append(encode(other))
        data["pair"] = pair(trace, other).encoded()
    return data


def _title(trace: Trace, other: Trace | None) -> str:
    told = _name(trace)
    return told if other is None else f"{told} / {_name(other)}"


def _name(trace: Trace) -> str:
    header = trace.header
    parts = [header.scenario or "trace", header.variant, outcome(header.verdict)]
    return ", ".join(part for part in parts if part)


def _plain(text: str) -> str:
    """*text* without the halves of characters that no encoding can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _json(data: dict[str, Any]) -> str:
    """ASCII, and without a ``<``: inside of JSON it stands in strings only."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _policy(script: str, style: str) -> str:
    """What the page may do: run this program, use this style, and nothing else."""
    rules = [
        "default-src 'none'",
        f"script-src '{_digest(script)}'",
        f"style-src '{_digest(style)}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("ascii")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def _script() -> str:
    """The whole program in a scope of its own."""
    parts = "\n".join(_asset(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


@cache
def _asset(name: str) -> str:
    path = files("swaptrio.page") / "assets" / name
    return path.read_text(encoding="ascii")
