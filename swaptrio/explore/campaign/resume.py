# SPDX-License-Identifier: MIT OR Apache-2.0
"""Going on with a campaign: with the very scenarios and variants that it began with.

Results of two versions of a scenario or of the code do not belong into one store. Where
something has changed, the campaign can go on in a new store, which takes over what has not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.errors import Problem, StoreError
from swaptrio.explore.campaign.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from swaptrio.explore.campaign.plan import Case
    from swaptrio.explore.campaign.store import Known

FORK: Final = "use --fork-store FILE to go on in a new store"


def check_unchanged(store: Store, cases: Iterable[Case]) -> None:
    """See that *cases* are those of *store*.

    Raises:
        StoreError: some have changed; names each with both digests.
    """
    problems = tuple(_changes(store, cases))
    if problems:
        raise StoreError(problems)


def fork(store: Store, path: Path, cases: tuple[Case, ...]) -> Store:
    """A new store at *path* with the plan of *store* for *cases*.

    What *store* holds of a case that has not changed is taken over.

    Raises:
        StoreError: there is a file at *path* already, or it cannot be written.
    """
    new = Store.make(path, store.plan, cases)
    digests = {case.name: case.digests for case in cases}
    for known in store.cases:
        if digests.get(known.name) == known.digests:
            new.copy(known, store)
    return new


def spelled(known: Known, files: Mapping[str, str]) -> str:
    """What to load for the variant of *known*: its name, or one of *files* by its name.

    A store is data. It never leads to a file of code being run: who wants that names the file.

    Raises:
        StoreError: the variant is in a file, and *files* has none of its name.
    """
    if not known.typed[1].endswith(".py"):
        return known.variant
    if known.variant not in files:
        message = "this variant is in a file; name it once more with --variant"
        raise StoreError((Problem(known.typed[1], "", "", message),))
    return files[known.variant]


def _changes(store: Store, cases: Iterable[Case]) -> Iterator[Problem]:
    """One for each scenario and each variant that is not what it was."""
    now = {case.name: case for case in cases}
    told: dict[tuple[str, str], None] = {}
    for known in store.cases:
        case = now[known.name]
        for what, name, old, new in zip(
            ("scenario", "variant"), known.name, known.digests, case.digests, strict=True
        ):
            if old != new and (what, name) not in told:
                told[what, name] = None
                message = f"{what} {name} has changed: it was {old} and is {new}; {FORK}"
                yield Problem(str(store.path), "", "", message)
