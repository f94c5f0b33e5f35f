# SPDX-License-Identifier: MIT OR Apache-2.0
"""All formats, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from swaptrio.trace.formats.chrome import chrome_parts, to_chrome
from swaptrio.trace.formats.ftrace import ftrace_parts, to_ftrace
from swaptrio.trace.formats.itf import MOST as MOST_ITF
from swaptrio.trace.formats.itf import to_itf
from swaptrio.trace.formats.junit import to_junit
from swaptrio.trace.formats.ktap import to_ktap
from swaptrio.trace.formats.mermaid import MOST as MOST_MERMAID
from swaptrio.trace.formats.mermaid import to_mermaid
from swaptrio.trace.formats.shiviz import MOST as MOST_SHIVIZ
from swaptrio.trace.formats.shiviz import to_shiviz
from swaptrio.trace.formats.svg import MOST as MOST_SVG
from swaptrio.trace.formats.svg import to_svg

if TYPE_CHECKING:
    from swaptrio.trace.events import Trace
    from swaptrio.trace.formats.results import Result

T = TypeVar("T")


@attrs.frozen
class Format(Generic[T]):
    """A format: its *name* on a command line, and the *suffix* of its files.

    *summary* says for whom it is, and *lost* what of the input is not in it. *function* makes
    the bytes; it raises a `TraceError` for what it cannot show. Formats that take any length
    have *parts*, which makes the same bytes piece by piece.
    """

    name: str
    suffix: str
    summary: str
    lost: str
    function: Callable[[T], bytes]
    parts: Callable[[T], Iterator[bytes]] | None = None

    def pieces(self, value: T) -> Iterator[bytes]:
        """The bytes for *value*, in one piece or in many."""
        if self.parts is None:
            yield self.function(value)
        else:
            yield from self.parts(value)


def _by_name(*formats: Format[T]) -> Mapping[str, Format[T]]:
    return MappingProxyType({each.name: each for each in formats})


#: What one trace can be made into.
FORMATS: Final[Mapping[str, Format[Trace]]] = _by_name(
    Format(
        "chrome",
        ".json",
        "trace events for Perfetto (ui.perfetto.dev) and Chrome's about:tracing",
        "texts of the state, except in what a step did; virtual time",
        to_chrome,
        chrome_parts,
    ),
    Format(
        "ftrace",
        ".txt",
        "the kernel's own text, for Perfetto and for eyes that are used to it",
        "what is in no counter and no label; bars in names become slashes; task names are cut "
        "after 15 characters",
        to_ftrace,
        ftrace_parts,
    ),
    Format(
        "itf",
        ".itf.json",
        "one state a step, for Apalache, Quint and what else reads TLA+ traces",
        f"what was chosen, and the verdict except its name; {MOST_ITF} steps at most",
        to_itf,
    ),
    Format(
        "shiviz",
        ".log",
        "a log with vector clocks, for ShiViz; paste the expression of its first line there",
        "the state, except in what a step did; the order of steps that nothing orders; "
        f"{MOST_SHIVIZ} steps at most",
        to_shiviz,
    ),
    Format(
        "mermaid",
        ".mmd",
        "a sequence diagram for issues and documentation",
        f"steps that changed nothing; more than {MOST_MERMAID} steps are refused",
        to_mermaid,
    ),
    Format(
        "svg",
        ".svg",
        "a picture of the lanes, with locks as bars and arrows for what orders steps",
        f"the state, except in what a step did; long texts are cut, and whole in tooltips; "
        f"{MOST_SVG} steps at most",
        to_svg,
    ),
)

#: What the results of several executions can be made into.
RESULT_FORMATS: Final[Mapping[str, Format[Sequence[Result]]]] = _by_name(
    Format(
        "ktap",
        ".ktap",
        "the kernel's test protocol, for kselftest, KUnit's parser and CI",
        "a number sign in a name becomes an underscore",
        to_ktap,
    ),
    Format(
        "junit",
        ".xml",
        "JUnit XML, for CI systems",
        "the message of a verdict that was expected",
        to_junit,
    ),
)
