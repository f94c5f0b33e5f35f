# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of versions as a page, and the rows of one read back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from swaptrio.study.necessity.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.study.necessity.table import Row, Studied

#: What the page says before its tables.
HEAD: Final = """\
# What each lock and check is for

Each lock, check, reference and order of the functions by which a version swaps in goes, one at
a time, and the version that is left is run: by default, through the windows of all scenarios in
which the whole version passes, and by chance. The first failure that the whole version does not
have under the same schedule is made simple and stands here, with how often it leaves the
default. What parts there are, and how one goes, is told in `swaptrio.variants.parts`.

These functions are all that a version has for itself and, of what all versions share, the fault
(`do_swap_page`), the lookup, and what puts folios into the cache and takes them out. Readahead,
files, reclaim and swapoff are not among them, but where a version has its own.

A row is replayed by its names:

    swaptrio replay SCENARIO --variant 'VERSION~PART' --schedule 'SCHEDULE'

Where the column says *window* only what its file expects is not met: `--window` replays that.
A schedule of `-` is the default: whoever runs goes on for as long as it can.

This page is written by `python -m swaptrio.study.necessity docs/necessity.md`, which keeps the
rows that still hold. `swaptrio necessity --variant V` makes such a table for any version, or a
file of your own.
"""

_ROW: Final = re.compile(
    r"\| `(?P<part>[^`]+)` \| .* \| (?P<scenario>[a-z0-9-]+) \| (?P<check>[^|]+) "
    r"\| (?P<size>\d+|window) \| (?:`(?P<schedule>[^`]+)`|(?P<window>[a-z0-9-]+)) \|"
)


def page(studies: Sequence[Studied]) -> str:
    """The page, as Markdown."""
    return "\n".join((HEAD, *(line for each in studies for line in _version(each))))


def _version(studied: Studied) -> Iterator[str]:
    yield f"## {studied.variant.name}"
    yield ""
    yield summary(studied).capitalize() + "."
    yield ""
    yield "| part | what goes | scenario | check | deviations | schedule or window |"
    yield "|---|---|---|---|---|---|"
    for row in studied.rows:
        if row.notice is not None:
            yield _noticed(row, row.notice)
    yield ""
    yield "Nobody notices that these have gone:"
    yield ""
    for row in studied.unnoticed:
        yield _unnoticed(row)
    yield ""


def summary(studied: Studied) -> str:
    """How many parts there are, and how many are noticed."""
    counts = [f"parts: {len(studied.rows)}", f"noticed: {len(studied.noticed)}"]
    counts.append(f"not noticed: {len(studied.unnoticed)}")
    if studied.malformed:
        counts.append(
            f"without which the code does not hang together: {len(studied.malformed)}"
        )
    return ", ".join(counts)


def _noticed(row: Row, notice: Notice) -> str:
    what = row.part.what.replace("|", "\\|")
    size, way = str(notice.deviations), f"`{notice.schedule}`"
    if notice.window:
        size, way = "window", notice.window
    check = notice.check or notice.message
    return f"| `{row.part.name}` | `{what}` | {notice.scenario} | {check} | {size} | {way} |"


def _unnoticed(row: Row) -> str:
    assert row.reason is not None
    return f"- `{row.part.name}` (`{row.part.what}`): {row.reason.kind}. {because(row)}"


def because(row: Row) -> str:
    """Why nobody notices, and what was looked at."""
    assert row.reason is not None
    looked = f"{row.executions} executions of all scenarios show nothing"
    classes = [f"{result.program} ({result.traces})" for result in row.explored]
    if classes:
        looked += f", nor do all classes of {', '.join(classes)}, in short surroundings"
    return f"{row.reason.text} {looked}."


def noticed_in(text: str, version: str) -> dict[str, Notice]:
    """What notices by part, as the section of *version* on a page says; without messages.

    That of a window has what it misses as its message.
    """
    section = text.partition(f"\n## {version}\n")[2].partition("\n## ")[0]
    found = {}
    for line in section.splitlines():
        match = _ROW.fullmatch(line)
        if match:
            found[match["part"]] = _read(match)
    return found


def _read(match: re.Match[str]) -> Notice:
    if match["window"]:
        return Notice(match["scenario"], "", match["check"], window=match["window"])
    return Notice(match["scenario"], match["check"], "", match["schedule"], int(match["size"]))
