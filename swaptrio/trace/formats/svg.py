# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lanes as a picture: SVG written by hand, without a script.

One lane a task, time downwards, one row a step. A dot is a step, a bar beside the dots a lock
that is held, an arrow a link of `order`; what failed is red. Every mark has a tooltip with all
that it stands for. The colours follow the reader's, light or dark, and so does print.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.trace.ending import outcome
from swaptrio.trace.events import Trace
from swaptrio.trace.formats.texts import refuse_longer, short, title_of
from swaptrio.trace.order import holds, links
from swaptrio.trace.words import Step, ascii_only, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.trace.order import Hold, Link

#: The longest trace that is drawn; a browser draws no more in one picture.
MOST: Final = 10_000

_GUTTER, _LANE, _ROW, _TOP = 56, 280, 18, 64
_BAR, _BARS, _DOT = 6, 4, 30
_LETTERS: Final = (_LANE - _DOT - 16) // 7

_STYLE: Final = """\
.swaptrio-lanes{color:#1b1f24;--paper:#fff;--bad:#c62828;--lock:#3367d6;font:12px monospace}
@media(prefers-color-scheme:dark){
.swaptrio-lanes{color:#e6edf3;--paper:#0d1117;--bad:#ff7b72;--lock:#79a8ff}}
@media print{.swaptrio-lanes{color:#000;--paper:#fff;--bad:#c62828;--lock:#3367d6}}
.swaptrio-lanes text{fill:currentColor;white-space:pre;paint-order:stroke;
stroke:var(--paper);stroke-width:3px}
.swaptrio-lanes .paper{fill:var(--paper)}
.swaptrio-lanes .lane{stroke:currentColor;opacity:.25}
.swaptrio-lanes .dot{fill:currentColor}
.swaptrio-lanes .hold{fill:var(--lock);opacity:.7}
.swaptrio-lanes .arrow{stroke:currentColor;fill:none;opacity:.6;marker-end:url(#swaptrio-tip)}
.swaptrio-lanes .lock{stroke:var(--lock);stroke-dasharray:4 3}
.swaptrio-lanes .tip{fill:currentColor}
.swaptrio-lanes .dim{opacity:.6}
.swaptrio-lanes .head{font-weight:bold}
.swaptrio-lanes text.bad{fill:var(--bad);font-weight:bold}
.swaptrio-lanes path.bad{stroke:var(--bad);stroke-width:2.5;fill:none}
"""

_TIP: Final = (
    '<defs><marker id="swaptrio-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
)


def to_svg(trace: Trace) -> bytes:
    """*trace* as a picture.

    Raises:
        TraceError: it has more than `MOST` steps.
    """
    refuse_longer("SVG", len(trace.events), MOST, "chrome or ftrace take any length")
    active = {event.task: True for event in trace.events}
    names = [task.name for task in trace.header.tasks if task.name in active]
    lanes = {name: _GUTTER + number * _LANE for number, name in enumerate(names)}
    lines = _Picture(trace, lanes).lines()
    return "".join(f"{line}\n" for line in lines).encode("ascii")


@attrs.frozen
class _Picture:
    """*trace* with the left edge of the lane of each task that made a step."""

    trace: Trace
    lanes: Mapping[str, int]

    def lines(self) -> Iterator[str]:
        width = _GUTTER + max(1, len(self.lanes)) * _LANE
        height = _TOP + (len(self.trace.events) + 3) * _ROW
        size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        about = 'class="swaptrio-lanes" role="img" aria-labelledby="swaptrio-title"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {about}>'
        yield f'<title id="swaptrio-title">{_xml(title_of(self.trace))}</title>'
        yield f"<style>\n{_STYLE}</style>{_TIP}"
        yield f'<rect class="paper" width="{width}" height="{height}"/>'
        yield _words(8, 20, title_of(self.trace), "head", width // 7)
        yield from self._heads()
        yield from (self._bar(hold, slot) for hold, slot in _slots(holds(self.trace)))
        yield from (self._arrow(link) for link in links(self.trace))
        for step in steps_of(self.trace):
            yield from self._step(step)
        yield from self._verdict(width)
        yield "</svg>"

    def _heads(self) -> Iterator[str]:
        bottom = _row(len(self.trace.events)) + _ROW // 2
        for name, left in self.lanes.items():
            x = left + _DOT
            yield _words(left, 44, name, "head", _LANE // 7)
            yield f'<path class="lane" d="M{x} {_TOP - 10}V{bottom}"/>'

    def _bar(self, hold: Hold, slot: int) -> str:
        x = self.lanes[hold.task] + slot * _BAR
        y, end = _row(hold.first) - _ROW // 2 + 1, _row(hold.last) + _ROW // 2 - 1
        state = "and never gave it back" if hold.open else f"to step {hold.last}"
        text = f"{hold.task} held {hold.lock} from step {hold.first} {state}"
        box = f'x="{x}" y="{y}" width="{_BAR - 1}" height="{end - y}"'
        return f'<rect class="hold" {box}>{_tooltip(text)}</rect>'

    def _arrow(self, link: Link) -> str:
        source, target = (self.trace.events[seq - 1] for seq in (link.source, link.target))
        x, end = self.lanes[source.task] + _DOT, self.lanes[target.task] + _DOT
        end += -5 if end > x else 5
        style = " lock" if link.kind == "lock" else ""
        text = f"{link.kind} {link.object}: {source.task}, step {link.source}, before "
        text += f"{target.task}, step {link.target}"
        path = f"M{x} {_row(link.source)}L{end} {_row(link.target)}"
        return f'<path class="arrow{style}" d="{path}">{_tooltip(text)}</path>'

    def _step(self, step: Step) -> Iterator[str]:
        event = step.event
        x, y = self.lanes[event.task] + _DOT, _row(event.seq)
        number = f'x="{_GUTTER - 8}" y="{y + 4}" text-anchor="end"'
        text = "  ".join([event.label, *step.effects])
        yield f'<text class="dim" {number}>{event.seq}</text>'
        yield f"<g>{_tooltip(f'step {event.seq}, {event.task} at {text}')}"
        yield f'<circle class="dot" cx="{x}" cy="{y}" r="{2 if step.quiet else 4}"/>'
        yield _words(x + 10, y + 4, text, "dim" if step.quiet else "", _LETTERS) + "</g>"

    def _verdict(self, width: int) -> Iterator[str]:
        verdict = self.trace.header.verdict
        if verdict.passed or not self.trace.events:
            return
        last = self.trace.events[-1]
        x, y = self.lanes[last.task] + _DOT, _row(last.seq)
        text = f"{outcome(verdict)}: {verdict.message}" if verdict.message else outcome(verdict)
        cross = f"M{x - 6} {y - 6}L{x + 6} {y + 6}M{x - 6} {y + 6}L{x + 6} {y - 6}"
        yield f'<path class="bad" d="{cross}">{_tooltip(text)}</path>'
        yield _words(8, y + 2 * _ROW, text, "bad", width // 7)


def _slots(found: tuple[Hold, ...]) -> Iterator[tuple[Hold, int]]:
    """Each hold with the place of its bar: the first that is free in its task's lane."""
    busy: dict[tuple[str, int], int] = {}
    for hold in found:
        places = (slot for slot in range(_BARS) if busy.get((hold.task, slot), 0) < hold.first)
        slot = next(places, _BARS - 1)
        busy[hold.task, slot] = max(hold.last, busy.get((hold.task, slot), 0))
        yield hold, slot


def _row(seq: int) -> int:
    """The height of a step."""
    return _TOP + (seq - 1) * _ROW + _ROW // 2


def _words(x: int, y: int, text: str, style: str, letters: int) -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x}" y="{y}">{_xml(short(text, letters))}</text>'


def _tooltip(text: str) -> str:
    return f"<title>{_xml(short(text, 2000))}</title>"


def _xml(text: str) -> str:
    return escape(ascii_only(text))
