# SPDX-License-Identifier: MIT OR Apache-2.0
"""Results as JUnit XML, which every CI system shows: a suite a name, a case a variant."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from swaptrio.trace.formats.results import by_name
from swaptrio.trace.formats.texts import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.trace.formats.results import Result


def to_junit(results: Sequence[Result]) -> bytes:
    """*results* as JUnit XML."""
    return "".join(f"{line}\n" for line in _lines(results)).encode("ascii")


def _lines(results: Sequence[Result]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites {_sums('swaptrio', results)}>"
    for name, group in by_name(results).items():
        yield f"  <testsuite {_sums(name, group)}>"
        for result in group:
            yield from ("    " + line for line in _case(result))
        yield "  </testsuite>"
    yield "</testsuites>"


def _case(result: Result) -> Iterator[str]:
    facts = f'classname="{_text(result.name)}" name="{_text(result.variant)}"'
    head = f"testcase {facts}{_time([result])}"
    notes = [_text(note) for note in result.notes]
    if result.met:
        body = "\n".join(notes)
        yield f"<{head}><system-out>{body}</system-out></testcase>" if body else f"<{head}/>"
        return
    what = f"expected {result.expected}, got {result.verdict}"
    yield f"<{head}>"
    facts = f'type="{_text(result.verdict)}" message="{_text(what)}"'
    body = "\n".join([_text(result.message), *notes])
    yield f"  <failure {facts}>{body}</failure>"
    yield "</testcase>"


def _sums(name: str, results: Sequence[Result]) -> str:
    failures = sum(not result.met for result in results)
    counts = f'tests="{len(results)}" failures="{failures}" errors="0" skipped="0"'
    return f'name="{_text(name)}" {counts}{_time(results)}'


def _time(results: Sequence[Result]) -> str:
    """The attribute for the time that *results* took, if it was measured."""
    measured = [result.seconds for result in results if result.seconds is not None]
    return f' time="{sum(measured):.3f}"' if measured else ""


def _text(text: str) -> str:
    return escape(short(text, 4000))
