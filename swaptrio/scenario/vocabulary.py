# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether a scenario speaks the words of the model: variants, labels, checks, options.

The scenario room does not know them by itself. Whoever has loaded the variants passes them in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from swaptrio.errors import Problem, listed, place, shown
from swaptrio.sched.verdict import TOLD_BY
from swaptrio.words import nearest

if TYPE_CHECKING:
    from swaptrio.scenario.windows import Expect, Window, WindowStep

#: Variants that one message names at most.
MOST_NAMED: Final = 4


@attrs.frozen
class _Vocabulary:
    variants: Collection[str]
    labels: Mapping[str, Collection[str]]
    checks: Collection[str]
    choices: Mapping[str, Collection[str]]


def check_words(
    windows: Iterable[tuple[int, Window]],
    file: str,
    *,
    variants: Collection[str],
    labels: Mapping[str, Collection[str]],
    checks: Collection[str],
    choices: Mapping[str, Collection[str]],
) -> tuple[Problem, ...]:
    """The words of *windows* that the model does not have, as problems of *file*.

    The labels of a window must be known to each variant that it expects something of, except
    for ``n/a`` and where ``instead`` has other steps. Where it expects nothing of anybody, one
    variant that knows the label is enough.

    Args:
        windows: those of a scenario, with their numbers.
        file: its path, as messages shall name it.
        variants: the names of all variants, mutants among them.
        labels: by variant, the labels at which its tasks stand. A variant without an entry is
            not checked.
        checks: the identifiers of all checks.
        choices: by label of a choice, its options.
    """
    vocabulary = _Vocabulary(variants, labels, checks, choices)
    return listed(
        problem.under("window", index).of(file)
        for index, window in windows
        for problem in _window(window, vocabulary)
    )


def _window(window: Window, known: _Vocabulary) -> Iterator[Problem]:
    led = [variant for variant in _led_by_steps(window, known) if variant in known.labels]
    yield from _steps(window.steps, led, known, every=bool(window.expect))
    yield from _choices(window.choices, known)
    for variant, instead in window.instead.items():
        yield from _variant("instead", variant, known)
        here = [variant] if variant in known.labels else []
        for problem in (
            *_steps(instead.steps or (), here, known, every=True),
            *_choices(instead.choices or {}, known),
        ):
            yield problem.under("instead", variant)
    for variant, expect in window.expect.items():
        yield from _variant("expect", variant, known)
        for problem in _expect(expect, known):
            yield problem.under("expect", variant)


def _led_by_steps(window: Window, known: _Vocabulary) -> Iterator[str]:
    """The variants that go by the steps of the window itself."""
    for variant in window.expect or sorted(known.variants):
        expect = window.expect.get(variant)
        instead = window.instead.get(variant)
        meant = expect is None or expect.verdict != "n/a"
        if meant and (instead is None or instead.steps is None):
            yield variant


def _steps(
    steps: tuple[WindowStep, ...], led: list[str], known: _Vocabulary, *, every: bool
) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        without = [variant for variant in led if step.until not in known.labels[variant]]
        if not step.until or not without or not (every or without == led):
            continue
        every_label = {label for variant in without for label in known.labels[variant]}
        where = place("steps", index, "until")
        message = f"there is no such label in {_some_of(without)}"
        yield _wrong(where, step.until, message, every_label)


def _choices(choices: Mapping[str, tuple[str, ...]], known: _Vocabulary) -> Iterator[Problem]:
    for label, options in choices.items():
        if label not in known.choices:
            where = place("choices", label)
            yield _wrong(where, label, "nothing is chosen at this label", known.choices)
            continue
        offered = known.choices[label]
        for index, option in enumerate(options):
            if option not in offered:
                message = f"must be one of {', '.join(sorted(offered))}"
                yield _wrong(place("choices", label, index), option, message, offered)


def _variant(key: str, variant: str, known: _Vocabulary) -> Iterator[Problem]:
    if variant not in known.variants:
        message = "there is no such variant"
        yield _wrong(place(key, variant), variant, message, known.variants)


def _expect(expect: Expect, known: _Vocabulary) -> Iterator[Problem]:
    checks = (*known.checks, *TOLD_BY.get(expect.verdict, ()))
    if expect.check and expect.check not in checks:
        yield _wrong("check", expect.check, "there is no such check", checks)
    for index, check in enumerate(expect.reports):
        if check not in known.checks:
            where = place("reports", index)
            yield _wrong(where, check, "there is no such check", known.checks)


def _some_of(variants: list[str]) -> str:
    more = len(variants) - MOST_NAMED
    return ", ".join(variants[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _wrong(where: str, word: str, message: str, known: Collection[str]) -> Problem:
    return Problem("", where, shown(word), message, nearest(word, known) or "")
