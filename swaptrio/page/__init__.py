# SPDX-License-Identifier: MIT OR Apache-2.0
"""A trace as a page: one HTML file to scrub through time in, without server or network.

    page = render_page(open_trace("lost-update.jsonl"))
    Path("lost-update.html").write_bytes(page)

A second trace stands beside the first, its steps aligned with those of the first by task and
label, and the first difference marked::

    render_page(open_trace("pre.jsonl"), other=open_trace("v3.jsonl"))
"""

from swaptrio.page.render import render_page

__all__ = ["render_page"]
