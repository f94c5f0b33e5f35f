# SPDX-License-Identifier: MIT OR Apache-2.0
"""A smaller scenario that fails in the same way, for a person and for a program."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.explore import Reduced


def smaller_line(case: Case, reduced: Reduced | None) -> Iterator[str]:
    """For people: the options that lead to it, if there is one."""
    if reduced is not None:
        options = [*_less(case, reduced).less, "--schedule", str(reduced.minimal.schedule)]
        yield f"  smaller: {shlex.join(options)}"


def smaller_record(
    console: Console, case: Case, reduced: Reduced | None
) -> dict[str, Any] | None:
    """For programs."""
    if reduced is None:
        return None
    minimal = reduced.minimal
    return {
        "without": list(reduced.without),
        "schedule": str(minimal.schedule),
        "names": str(minimal.names),
        "size": attrs.asdict(minimal.size),
        "command": _less(case, reduced).command(console, minimal.schedule),
    }


def _less(case: Case, reduced: Reduced) -> Case:
    return attrs.evolve(case, without=(*case.without, *reduced.without))
