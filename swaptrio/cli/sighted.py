# SPDX-License-Identifier: MIT OR Apache-2.0
"""Windows for a person and for a program: who came inside, who never did, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from swaptrio.explore.sights import Sights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.explore.sights import Place, Unseen, Window

#: Entries never seen that are told one by one.
_TOLD: Final = 3


@attrs.frozen(eq=False)
class Sighted:
    """The windows of *sights*; *why* is the reason that something was never seen inside."""

    sights: Sights
    why: str

    def record(self) -> dict[str, Any]:
        """For programs."""
        return {
            "windows": [self._window(window) for window in sorted(self.sights.passed)],
            "never_entered": [self._never(each) for each in self.sights.unseen()],
        }

    def text(self) -> str:
        """In one sentence."""
        sights, unseen = self.sights, list(self.sights.unseen())
        ways = sum(len(by) for by in sights.entered.values())
        text = f"windows: {len(sights.passed)} passed, entered in {ways} ways"
        if not unseen:
            return f"{text}, which are all"
        told = "; ".join(_in_words(each) for each in unseen[:_TOLD])
        left = len(unseen) - _TOLD
        more = f"; and {left} more (--windows lists them)" if left > 0 else ""
        never = "1 way was" if len(unseen) == 1 else f"{len(unseen)} ways were"
        return f"{text}; {never} never seen ({self.why}): {told}{more}"

    def every(self) -> Iterator[str]:
        """Each window, with all that came inside, and all that never did."""
        never: dict[Window, list[Place]] = {}
        for unseen in self.sights.unseen():
            never.setdefault(unseen.window, []).append(unseen.by)
        for window in sorted(self.sights.passed):
            task, opens, closes = window
            yield f"{task}, from {opens} to {closes}: passed {self.sights.passed[window]} times"
            for (other, label), times in sorted(self.sights.entered.get(window, {}).items()):
                yield f"  entered by {other} at {label}: {times} times"
            for other, label in never.get(window, ()):
                yield f"  never by {other} at {label}: {self.why}"

    def _window(self, window: Window) -> dict[str, Any]:
        by = self.sights.entered.get(window, {})
        return {
            **_named(window),
            "passed": self.sights.passed[window],
            "entered": [
                {"task": other, "label": label, "times": times}
                for (other, label), times in sorted(by.items())
            ],
        }

    def _never(self, unseen: Unseen) -> dict[str, Any]:
        other, label = unseen.by
        by = {"task": other, "label": label}
        return {**_named(unseen.window), "by": by, "why": self.why}


def _named(window: Window) -> dict[str, str]:
    task, opens, closes = window
    return {"task": task, "opens": opens, "closes": closes}


def _in_words(unseen: Unseen) -> str:
    task, opens, closes = unseen.window
    other, label = unseen.by
    return f"{task} between {opens} and {closes}, by {other} at {label}"
