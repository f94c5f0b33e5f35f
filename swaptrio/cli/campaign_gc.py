# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio campaign gc``: a store without what is of no use any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from swaptrio.cli import codes
from swaptrio.cli.console import short
from swaptrio.errors import BadInput, harmless
from swaptrio.explore.campaign import Store, locked, matter_of
from swaptrio.explore.campaign.resume import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from swaptrio.cli.console import Console
    from swaptrio.explore.campaign import Known


def run_gc(console: Console, path: Path, files: Sequence[str], *, dry_run: bool) -> int:
    """Drop what is stale from the store at *path*; the exit code."""
    Store.open(path).close()
    with locked(path):
        store = Store.open(path, write=True)
        before = path.stat().st_size
        stale = list(_stale(store, files))
        if not dry_run:
            for case, _ in stale:
                store.drop(case)
            store.compact()
        store.close()
    after = path.stat().st_size
    verb = "would go" if dry_run else "dropped"
    for case, why in stale:
        console.say(harmless(f"{verb}: {case.scenario}, variant {case.variant}: {why}"))
    if not stale:
        console.say("nothing is stale")
    if not dry_run:
        console.say(f"{short(path)}: {before} bytes before, {after} now")
    console.document(
        {
            "stale": [[*case.name, why] for case, why in stale],
            "dry_run": dry_run,
            "bytes_before": before,
            "bytes_after": after,
        }
    )
    return codes.OK


def _stale(store: Store, files: Sequence[str]) -> Iterator[tuple[Known, str]]:
    """The cases that are not what they were, and why. Code is compared, and not run."""
    named = {Path(file).stem: file for file in files}
    for case in store.cases:
        if case.typed[1].endswith(".py") and case.variant not in named:
            continue  # nobody has said where it is now, so nobody can say that it has changed
        try:
            matter = matter_of(case.typed[0], spelled(case, named))
        except BadInput as exc:
            yield case, str(exc)
            continue
        pairs = zip(
            ("the scenario", "the variant"),
            case.digests,
            (matter.scenario_digest, matter.variant_digest),
            strict=True,
        )
        changed = [what for what, old, new in pairs if old != new]
        if changed:
            yield case, f"{' and '.join(changed)} changed"
