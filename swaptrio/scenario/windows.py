# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a scenario that say how a race is reached, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from swaptrio.scenario.rules import (
    FEW,
    LOWER_NAME,
    WORD,
    between,
    each,
    entries,
    follows,
    like,
    once,
    one_line,
    one_of,
    perhaps,
    prose,
    refuse,
    some,
    wrong,
)
from swaptrio.sched.verdict import TOLD_BY

if TYPE_CHECKING:
    from swaptrio.errors import Problem

Ending = Literal["passed", "violation", "deadlock", "livelock", "n/a"]

_SLOT: Final = like(r"[A-Za-z][A-Za-z0-9_-]*:(0|[1-9][0-9]*)", "DEVICE:SLOT, as in swap0:17")
_STATE: Final = like(
    r"(-|b|[sf](0|[1-9][0-9]{0,3}))z?", "-, b, or s or f with a count, as in f1; z may follow"
)


@attrs.frozen(kw_only=True)
class WindowStep:
    """One step of a window.

    Args:
        run: the task that runs.
        until: the label it must stand at; empty lets it run to its end.
        times: at which arrival there, counted from 1, up to 1000.
    """

    run: str = attrs.field(validator=follows(LOWER_NAME))
    until: str = attrs.field(default="", validator=follows(perhaps(WORD)))
    times: int = attrs.field(default=1, validator=follows(between(1, 1000)))

    def __attrs_post_init__(self) -> None:
        if self.times > 1 and not self.until:
            refuse([wrong(None, "needed where times is given").under("until")])


_CHOICES: Final = (FEW, entries(WORD, each(WORD)))


@attrs.frozen(kw_only=True)
class Instead:
    """What differs in a window for one variant; None leaves what the window says.

    Args:
        steps: the steps for this variant.
        choices: the choices for this variant.
    """

    steps: tuple[WindowStep, ...] | None = attrs.field(
        default=None, validator=follows(perhaps(FEW))
    )
    choices: Mapping[str, tuple[str, ...]] | None = attrs.field(
        default=None, validator=follows(perhaps(*_CHOICES))
    )


@attrs.frozen(kw_only=True)
class Expect:
    """What an execution of one variant must end with.

    Args:
        verdict: ``passed``, ``violation``, ``deadlock``, ``livelock``, or ``n/a`` where the
            window means nothing to the variant.
        check: the check that a violation breaks. A deadlock may name one too, as
            ``lost-wakeup``, and so may a livelock, as ``starvation``.
        reason: one line, needed with ``n/a``.
        results: what tasks return, by name of the task.
        slots: final words by ``DEVICE:SLOT``: ``-`` free, ``s`` or ``f`` (shadow or folio) with
            the count, ``b`` bad; ``z`` is added where the zero flag is set.
        counters: final values of counters, by name.
        reports: soft findings that must be reported, by check.
    """

    verdict: Ending = attrs.field(validator=follows(one_of(get_args(Ending))))
    check: str = attrs.field(default="", validator=follows(perhaps(WORD)))
    reason: str = attrs.field(default="", validator=follows(one_line))
    results: Mapping[str, str] = attrs.field(
        factory=dict, validator=follows(FEW, entries(LOWER_NAME, some, one_line))
    )
    slots: Mapping[str, str] = attrs.field(
        factory=dict, validator=follows(FEW, entries(_SLOT, _STATE))
    )
    counters: Mapping[str, int] = attrs.field(
        factory=dict, validator=follows(FEW, entries(WORD, between(-(10**12), 10**12)))
    )
    reports: tuple[str, ...] = attrs.field(default=(), validator=follows(FEW, each(WORD), once))

    def __attrs_post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[Problem]:
        if self.verdict == "violation" and not self.check:
            yield wrong(None, "needed where the verdict is violation").under("check")
        checked = self.verdict in ("violation", "livelock")
        if self.check and not checked and self.check not in TOLD_BY.get(self.verdict, ()):
            message = f"not used where the verdict is {self.verdict}"
            yield wrong(self.check, message).under("check")
        if self.verdict == "n/a":
            yield from self._problems_of_nothing()

    def _problems_of_nothing(self) -> Iterator[Problem]:
        if not self.reason.strip():
            yield wrong(None, "needed where the verdict is n/a").under("reason")
        for key in ("results", "slots", "counters", "reports"):
            if getattr(self, key):
                yield wrong(None, "not used where the verdict is n/a").under(key)


@attrs.frozen(kw_only=True)
class Window:
    """An order of steps that leads into a race, and what comes of it.

    Args:
        name: its name; the first window of a scenario is the default one.
        steps: who runs, until where, one after the other.
        choices: the options drawn at a label, in order.
        story: one sentence on it.
        instead: by variant, what differs where its labels do.
        expect: by variant, what must come of it.
    """

    name: str = attrs.field(default="main", validator=follows(LOWER_NAME))
    steps: tuple[WindowStep, ...] = attrs.field(default=(), validator=follows(FEW))
    choices: Mapping[str, tuple[str, ...]] = attrs.field(
        factory=dict, validator=follows(*_CHOICES)
    )
    story: str = attrs.field(default="", validator=follows(prose))
    instead: Mapping[str, Instead] = attrs.field(factory=dict, validator=follows(FEW))
    expect: Mapping[str, Expect] = attrs.field(factory=dict, validator=follows(FEW))

    def steps_for(self, variant: str) -> tuple[WindowStep, ...]:
        """The steps that *variant* is led by."""
        instead = self.instead.get(variant)
        return self.steps if instead is None or instead.steps is None else instead.steps

    def choices_for(self, variant: str) -> Mapping[str, tuple[str, ...]]:
        """The choices that *variant* is given."""
        instead = self.instead.get(variant)
        return self.choices if instead is None or instead.choices is None else instead.choices
