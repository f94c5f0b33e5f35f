# SPDX-License-Identifier: MIT OR Apache-2.0
"""Results as KTAP version 1, the kernel's test protocol.

Each name is a test, with a nested one for each variant. A variant that breaks as it should is
``ok`` with the directive XFAIL, as kselftest writes it. A verdict that was not expected is told
in diagnostic lines before its result, where kunit_tool shows them; so are all notes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swaptrio.trace.formats.results import by_name
from swaptrio.trace.formats.texts import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.trace.formats.results import Result

_INDENT = "  "


def to_ktap(results: Sequence[Result]) -> bytes:
    """*results* as KTAP."""
    return "".join(f"{line}\n" for line in _lines(results)).encode("ascii")


def _lines(results: Sequence[Result]) -> Iterator[str]:
    groups = by_name(results)
    yield "KTAP version 1"
    yield f"1..{len(groups)}"
    for number, (name, group) in enumerate(groups.items(), 1):
        yield from (_INDENT + line for line in _nested(name, group))
        yield f"{_word(all(result.met for result in group))} {number} {_text(name)}"


def _nested(name: str, group: Sequence[Result]) -> Iterator[str]:
    yield "KTAP version 1"
    yield f"# Subtest: {_text(name)}"
    yield f"1..{len(group)}"
    for number, result in enumerate(group, 1):
        if not result.met:
            yield f"# expected {_text(result.expected)}, got {_text(result.verdict)}"
        if not result.met and result.message:
            yield f"# {_text(result.message)}"
        for note in result.notes:
            yield f"# {_text(note)}"
        if result.seconds is not None:
            yield f"# {result.seconds:.3f} s"
        directive = f" # XFAIL {_text(result.verdict)}" if result.met and result.breaks else ""
        yield f"{_word(result.met)} {number} {_text(result.variant)}{directive}"


def _word(good: bool) -> str:
    return "ok" if good else "not ok"


def _text(text: str) -> str:
    """A description; a ``#`` would begin a directive."""
    return short(text).replace("#", "_").strip() or "-"
