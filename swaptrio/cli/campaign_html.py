# SPDX-License-Identifier: MIT OR Apache-2.0
"""The report of a campaign as one page that needs nothing else.

No script, no style from elsewhere, and nothing of a name or a message that a browser would take
for its own: every text goes through `escape`.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH: Final = 360
_HEIGHT: Final = 120
_LEFT: Final = 48
_BOTTOM: Final = 20

_STYLE: Final = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem;
  padding: 0 1rem; color: #222; background: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd;
  vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .85em; overflow-wrap: anywhere; }
figure { display: inline-block; margin: .5rem 1rem .5rem 0; }
figcaption, svg text { font-size: 12px; fill: #555; color: #555; }
svg path { fill: none; stroke: #0b62a4; stroke-width: 1.5; }
svg line { stroke: #bbb; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818; } th, td { border-color: #444; }
  a { color: #7db7ff; } svg path { stroke: #7db7ff; } svg text, figcaption { fill: #aaa;
  color: #aaa; }
}
"""


def to_html(report: dict[str, Any]) -> str:
    """The page."""
    return "".join(f"{line}\n" for line in _page(report))


def _page(report: dict[str, Any]) -> Iterator[str]:
    title = f"Campaign {report['store']}"
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{_text(title)}</h1>"
    yield f"<p>{_text(_about(report))}</p>"
    yield from _overview(report["cases"])
    yield "<h2>Failures</h2>"
    yield from _failures(report["cases"])
    yield "<h2>Curves</h2>"
    for case in report["cases"]:
        yield from _curves(case)
    yield "<h2>Machine and versions</h2>"
    yield from _sessions(report)
    yield "</body></html>"


def _about(report: dict[str, Any]) -> str:
    total = report["items_total"]
    items = f"{report['items_done']} items" if total is None else (
        f"{report['items_done']} of {total} items"
    )  # fmt: skip
    seconds = report["seconds"]
    rate = report["executions"] / seconds if seconds else 0.0
    return (
        f"{report['executions']} executions in {seconds:.1f} s ({rate:.0f}/s), {items},"
        f" strategy {report['strategy']}, seeds from {report['first']}"
    )


def _overview(cases: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield _row("th", ["Scenario", "Variant"], ["Executions", "Windows", "Failures"], "<table>")
    for case in cases:
        counts = [case["executions"], case["windows"], len(case["failures"])]
        yield _row("td", [case["scenario"], case["variant"]], counts)
    yield "</table>"


def _row(tag: str, texts: Sequence[str], numbers: Sequence[object], before: str = "") -> str:
    cells = [f"<{tag}>{_text(text)}</{tag}>" for text in texts]
    cells += [f'<{tag} class="number">{_text(number)}</{tag}>' for number in numbers]
    return f"{before}<tr>{''.join(cells)}</tr>"


def _failures(cases: Sequence[dict[str, Any]]) -> Iterator[str]:
    found = [(case, failure) for case in cases for failure in case["failures"]]
    if not found:
        yield "<p>None.</p>"
        return
    yield "<table><tr><th>Where</th><th>What</th><th>Count</th><th>See it</th></tr>"
    for case, failure in found:
        labels = ", ".join(failure["labels"])
        what = f"{failure['ending']} of {failure['check']}" + (
            f" at {labels}" if labels else ""
        )
        yield f"<tr><td>{_text(case['scenario'])}<br>{_text(case['variant'])}</td>"
        yield f"<td><b>{_text(what)}</b><br>{_text(failure['message'])}"
        if failure["deciding"]:
            yield f"<br>decided by: {_text(', '.join(failure['deciding']))}"
        yield f'</td><td class="number">{failure["count"]}</td>'
        yield f"<td><code>{_text(failure['command'])}</code>"
        if failure["trace"] is not None:
            yield f'<br><a href="{_text(_address(failure["trace"]))}">trace</a>'
        yield "</td></tr>"
    yield "</table>"


def _curves(case: dict[str, Any]) -> Iterator[str]:
    yield f"<h3>{_text(case['scenario'])}, {_text(case['variant'])}</h3>"
    yield f"<p>{_text(case['bounds'])}</p>"
    for name, what in (("coverage", "windows entered"), ("distinct", "distinct failures")):
        yield "<figure>"
        yield from _drawing(case[name], case["executions"], what)
        yield f"<figcaption>{what} over executions</figcaption></figure>"


def _drawing(points: Sequence[Sequence[int]], executions: int, what: str) -> Iterator[str]:
    """A curve that rises in steps, with its scales."""
    most = points[-1][1] if points else 0
    last = max([executions, *[at for at, _ in points[-1:]]])
    across = (_WIDTH - _LEFT - 10) / max(1, last)
    up = (_HEIGHT - _BOTTOM - 10) / max(1, most)
    floor = _HEIGHT - _BOTTOM
    path = [f"M{_LEFT} {floor}"]
    for at, number in points:
        path += [f"H{_LEFT + at * across:.1f}", f"V{floor - number * up:.1f}"]
    path.append(f"H{_LEFT + last * across:.1f}")
    label = f'role="img" aria-label="{most} {what} in {executions} executions"'
    yield f'<svg width="{_WIDTH}" height="{_HEIGHT}" {label}>'
    yield f'<line x1="{_LEFT}" y1="{floor}" x2="{_WIDTH}" y2="{floor}"/>'
    yield f'<line x1="{_LEFT}" y1="0" x2="{_LEFT}" y2="{floor}"/>'
    yield f'<path d="{" ".join(path)}"/>'
    yield f'<text x="{_LEFT - 4}" y="14" text-anchor="end">{most}</text>'
    yield f'<text x="{_LEFT - 4}" y="{floor}" text-anchor="end">0</text>'
    yield f'<text x="{_WIDTH}" y="{_HEIGHT - 4}" text-anchor="end">{last}</text>'
    yield "</svg>"


def _sessions(report: dict[str, Any]) -> Iterator[str]:
    yield f"<p>Store made by swaptrio {_text(report['version'])}.</p>"
    yield _row(
        "th", ["Begun", "Machine", "Engine"], ["Jobs", "Executions", "Seconds"], "<table>"
    )
    for each in report["sessions"]:
        machine = ", ".join(f"{key} {value}" for key, value in each["machine"].items())
        numbers = [each["jobs"], each["executions"], f"{each['seconds']:.1f}"]
        yield _row("td", [each["begun"], machine, each["engine"]], numbers)
    yield "</table>"
    yield _row("th", ["Scenario", "Digest", "Variant", "Digest"], [], "<table>")
    for case in report["cases"]:
        digests = (case["scenario_digest"], case["variant_digest"])
        yield _row("td", [case["scenario"], digests[0], case["variant"], digests[1]], [])
    yield "</table>"


def _address(path: str) -> str:
    """*path* as a link within this machine; never one that could run something."""
    from urllib.parse import quote

    return quote(path if path.startswith((".", "/")) else f"./{path}")


def _text(value: object) -> str:
    """*value* as text of the page."""
    return escape(str(value))
