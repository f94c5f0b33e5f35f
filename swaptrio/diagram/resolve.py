# SPDX-License-Identifier: MIT OR Apache-2.0
"""What one line of a drawing means: the first rule that fits.

  1. a result, such as ``= -EEXIST`` or ``spin_unlock()``: a remark, which asks for nothing
  2. ``ends``, ``runs to its end``: the task runs until it has ended
  3. ``function.step``: that label, or that draw
  4. a function with a step behind it: that label
  5. a function with lines indented below it: a frame, in which those lines are looked up
  6. a function with one label: that label
  7. a step of the frame it stands in; a deed; a step that only one function has

Whatever fits none of them is told, with all that it could mean or the nearest word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.diagram.drawing import Mode
from swaptrio.diagram.vocabulary import COMPLETE, DEEDS, STEPS, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

_BULLET: Final = re.compile(r"(?:\d+[.)]|[-*>=~]*>|[-*])\s+")
_WAITS_FIRST: Final = re.compile(
    r"(?:waits?|waiting|blocks|blocked|stands|sleeps)"
    r"(?: (?:for|at|on|in|before))?(?: the)? (?=\w)",
    re.IGNORECASE,
)
_LEADING: Final = re.compile(r"([A-Za-z_]\w*(?:[.-]\w+)*)\s*(\([^()]*\))?[;:,]?\s*(.*)")
_REMARK: Final = re.compile(
    r"[=<\[{}]|-E[A-Z]|\.\.\.|…|returns?\b|goto\b|spin_unlock|pte_unmap|VM_FAULT|(?:waits|blocked)\W*$",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(
    r"(?:ends|exits|finishes|(?:runs )?to (?:its|the) end)\b", re.IGNORECASE
)
_WAITS: Final = re.compile(r"\b(?:waits?|waiting|blocks|blocked)\b|\.\.\.$", re.IGNORECASE)
_FAILS: Final = re.compile(r"\b(?:fails?|failed|failing)\b|-ENOMEM\b|\bNULL\b", re.IGNORECASE)
_GOES: Final = re.compile(r"\b(?:ok|succeeds|succeeded|granted)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z_]+")

#: The draw behind a step that can fail, by the label of the step.
DRAW_OF: Final = {
    "vma_alloc_folio.alloc": "alloc_pages.grant",
    "folio_alloc_mpol.alloc": "alloc_pages.grant",
    "charge_memcg.wait": "charge_memcg.grant",
    "swap_read_folio_bdev.wait": "submit_bio.status",
}


@attrs.frozen
class Meaning:
    """What a line means.

    *labels* and *mode* as in a `DrawnStep`; *draw* and *option* where something is drawn;
    *frame* is the function that the line opens. *problem*, with its *hint*, says why it means
    nothing, and *foreign* that another variant would know it.
    """

    labels: tuple[str, ...] = ()
    mode: Mode = "performs"
    draw: str = ""
    option: str = ""
    frame: str = ""
    foreign: bool = False
    problem: str = ""
    hint: str = ""


def meaning(
    text: str, vocabulary: Vocabulary, frames: Sequence[str], below: Sequence[str]
) -> Meaning:
    """What *text* means inside of *frames*, innermost last, with the lines *below* it."""
    text = _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
    waiting = _WAITS_FIRST.match(text)
    text = text[waiting.end() :] if waiting else text
    found = _LEADING.match(text)
    if _REMARK.match(text):
        return Meaning()
    if _ENDS.match(text):
        return Meaning(mode="ends")
    if found is None:
        return Meaning(problem="this line names no function and no step")
    name = found[1].lstrip("_").lower() or found[1]
    mode: Mode = "waits" if waiting or _WAITS.search(found[3]) else "performs"
    lines = tuple(line for line in below if not _REMARK.match(line))
    said = _Said(name, bool(found[2]), found[3], mode, vocabulary, tuple(frames), lines)
    return said.meaning()


@attrs.frozen
class _Said:
    """A line taken apart: its first word *name*, whether that is a *call*, and the *rest*."""

    name: str
    call: bool
    rest: str
    mode: Mode
    known: Vocabulary
    frames: tuple[str, ...]
    below: tuple[str, ...]

    def meaning(self) -> Meaning:
        if self.name in self.known.draws:
            return Meaning(draw=self.name, option=self._option())
        if self.name in self.known.labels:
            return self._step((self.name,))
        if self.name in self.known.elsewhere:
            return Meaning(foreign=True)
        if self.name in self.known.steps and self.name not in DEEDS:
            return self._function()
        return self._word()

    def _option(self) -> str:
        if self.name == COMPLETE:
            return self.rest.split(" ")[0] or "0"
        return "fail" if _FAILS.search(self.rest) else "ok"

    def _step(self, labels: tuple[str, ...]) -> Meaning:
        draw = next((DRAW_OF[label] for label in labels if label in DRAW_OF), "")
        option = "fail" if _FAILS.search(self.rest) else "ok" if _GOES.search(self.rest) else ""
        frame = self.name if self.below else ""
        if not draw or not option:
            return Meaning(labels=labels, mode=self.mode, frame=frame)
        return Meaning(labels, self.mode, draw, option, frame)

    def _function(self) -> Meaning:
        """A function that the variant has, with one label or more."""
        labels = self.known.steps[self.name]
        named = self.known.of_step(_forms(_first(self.rest)), (self.name,))
        if named:
            return self._step(named)
        if self.below:
            return Meaning(frame=self.name)
        return self._step(labels) if len(labels) == 1 else _ambiguous(labels)

    def _is_a_step(self, line: str) -> bool:
        return bool(self.known.of_step(_forms(_first(line)), (self.name,)))

    def _word(self) -> Meaning:
        """A step, a deed, or a function without a label of its own."""
        if named := self.known.of_step(_forms(_first(self.rest)), (self.name,)):
            return self._step(named)
        for function in reversed(self.frames):
            if labels := self.known.of_step(_forms(self.name), self._functions(function)):
                return self._step(labels)
        if any(self._is_a_step(line) for line in self.below):
            return Meaning(frame=self.name)
        for form in _forms(self.name):
            if form in DEEDS:
                labels = self.known.stands_for(DEEDS[form])
                return self._step(labels) if labels else Meaning(foreign=True)
        labels = self.known.of_step(_forms(self.name), sorted(self.known.steps))
        if len(labels) == 1 or (labels and self.name.startswith("folio_")):
            return self._step(labels)
        if labels:
            return _ambiguous(labels)
        return self._without_labels()

    def _functions(self, frame: str) -> tuple[str, ...]:
        """The function of a frame, or those whose name its own begins with.

        A drawing may name the function that calls: swap_cache_alloc_folio() for
        _swap_cache_alloc().
        """
        longer = (name for name in self.known.steps if frame.startswith(f"{name}_"))
        return (frame, *sorted(longer))

    def _without_labels(self) -> Meaning:
        if self.name in self.known.functions:
            message = "nothing stops in this function itself; draw what it calls, or its steps"
            return Meaning(frame=self.name) if self.below else Meaning(problem=message)
        if any(self.name in label.split(".") for label in self.known.elsewhere):
            return Meaning(foreign=True)
        return Meaning(problem=self._unknown(), hint=self.known.near(self.name))

    def _unknown(self) -> str:
        if "." in self.name:
            return f"{self.known.variant} has no such label"
        if self.call or "_" in self.name:
            return "the model has no such function"
        return "this line names no function and no step"


def _first(text: str) -> str:
    found = _WORD.search(text.lower()) if text[:1].isalpha() or text[:1] == "_" else None
    return found[0] if found else ""


def _forms(word: str) -> tuple[str, ...]:
    """The steps that *word* may mean: itself, without an ending, and what it is short for."""
    bare = [word, *(word.removesuffix(end) for end in ("s", "es", "ed", "d") if word)]
    forms = [step for form in bare for step in (form, *STEPS.get(form, ()))]
    return tuple(dict.fromkeys(form for form in forms if form))


def _ambiguous(labels: Sequence[str]) -> Meaning:
    return Meaning(problem=f"this may be any of {', '.join(labels)}; name one")
