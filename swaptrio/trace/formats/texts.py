# SPDX-License-Identifier: MIT OR Apache-2.0
"""What several formats share: JSON that can stand anywhere, short names, and a limit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from swaptrio.trace.ending import outcome
from swaptrio.trace.layout import cut
from swaptrio.trace.problems import trace_error
from swaptrio.trace.words import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swaptrio.trace.events import Trace

#: The longest name that a viewer is given; the rest would not fit on any screen.
LONGEST: Final = 200


def to_json(value: object) -> str:
    """*value* as one line of JSON in printable ASCII, which may also stand within a page."""
    text = json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")
    return text.replace("</", "<\\/").replace("<!--", "\\u003c!--")


def short(text: str, longest: int = LONGEST) -> str:
    """*text* as one line of printable ASCII, cut where it is longer than *longest*."""
    return cut(ascii_only(text), longest)


def slug(text: str, longest: int = LONGEST) -> str:
    """*text* as a word of harmless characters, never empty."""
    chars = (
        char if char.isascii() and (char.isalnum() or char in "._:-") else "_" for char in text
    )
    return "".join(chars)[:longest] or "_"


def slugs(names: Iterable[str], longest: int = LONGEST) -> dict[str, str]:
    """A `slug` for each of *names*, all different."""
    found: dict[str, str] = {}
    used: dict[str, bool] = {}
    for name in names:
        word = slug(name, longest)
        number = 2
        while word in used:
            tail = f"_{number}"
            word = slug(name, longest - len(tail)) + tail
            number += 1
        used[word] = True
        found[name] = word
    return found


def title_of(trace: Trace) -> str:
    """What ran and how it ended, in one line of printable ASCII."""
    header = trace.header
    parts = [header.scenario or "trace"]
    parts += [f"variant {header.variant}"] if header.variant else []
    parts += [f"seed {header.seed}"] if header.seed is not None else []
    parts += [outcome(header.verdict)]
    return short(", ".join(parts))


def refuse_longer(name: str, found: int, most: int, advice: str) -> None:
    """Refuse to write the format *name* for *found* steps where only *most* make sense.

    Raises:
        TraceError: it is so; the message ends with *advice*.
    """
    if found > most:
        message = f"{name} is for at most {most} steps, and this trace has {found}; {advice}"
        raise trace_error("", "", message)
