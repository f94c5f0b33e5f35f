# SPDX-License-Identifier: MIT OR Apache-2.0
"""The file of ``swaptrio explore --resume``: what an interrupted search knows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swaptrio import __version__
from swaptrio.cli.case import is_file
from swaptrio.errors import BadInput, Problem
from swaptrio.explore.campaign.item import code_digest
from swaptrio.explore.exhaustive.saved import BadSave, load, save
from swaptrio.scenario.files import DIGITS, digest
from swaptrio.trace.write import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.cli.case import Case
    from swaptrio.cli.console import Console
    from swaptrio.explore import Settings
    from swaptrio.explore.exhaustive.crew import Crew
    from swaptrio.explore.exhaustive.saved import Begun, Kept


def about_of(case: Case, settings: Settings) -> dict[str, Any]:
    """What a saved search must be of."""
    path = Path(case.spelled)
    return {
        "version of swaptrio": __version__,
        "code of swaptrio": code_digest().hex()[:DIGITS],
        "version of Python": f"{sys.implementation.cache_tag}, -O{sys.flags.optimize}",
        "scenario": case.scenario.name,
        "text of the scenario": case.digest,
        "variant": case.variant.name,
        "text of the variant": digest(path) if is_file(path) else "",
        "choice of --all": not settings.stop_at_first,
        "choice of --preemptions": settings.preemptions,
        "choice of --cache": settings.cache,
    }


def begun_in(
    resume: Path, about: dict[str, Any], begin: Callable[[], Begun]
) -> Begun | Crew | None:
    """The search that was kept, if one was.

    Raises:
        BadInput: no search can go on from the file.
    """
    if not is_file(resume):
        return None
    try:
        return load(resume.read_text(encoding="utf-8"), about, begin)
    except BadSave as exc:
        raise BadInput(
            (Problem(str(resume), "", "", f"cannot go on from it: {exc}"),)
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput((Problem(str(resume), "", "", f"cannot be read: {exc}"),)) from None


def keep(console: Console, resume: Path, about: dict[str, Any], search: Kept) -> None:
    """Keep a search that can go on; the file of one that is done goes."""
    tally = search.tally
    try:
        if tally.outcome is None or tally.interrupted:
            write_whole([save(search, about).encode()], resume)
        else:
            resume.unlink(missing_ok=True)
    except OSError as exc:
        console.regret(f"{resume}: cannot be written: {exc.strerror or exc}")
