# SPDX-License-Identifier: MIT OR Apache-2.0
"""The race catalogue as a page: each entry, its scenarios, and what they expect of versions.

``python -m swaptrio.explore.catalogue > docs/catalogue.md`` writes the page from the scenario
files. What it says is what they expect; that they are right is for `matrix` to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swaptrio.scenario.files import find, names
from swaptrio.scenario.play import expected_of, load_checked
from swaptrio.variants import VERSIONS, Variant, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from swaptrio.scenario.format import Scenario

#: All entries of the catalogue, with the name that it has for each.
ENTRIES: Final = {
    "A01": "two-faults-one-slot",
    "A02": "target-freed-during-alloc",
    "A03": "slot-recycled-between-checks",
    "A04": "large-vs-small-neighbour",
    "A05": "prepatch-conflict-becomes-oom",
    "A06": "neighbour-freed-between-checks",
    "A07": "count-drops-while-inserting",
    "A08": "partial-count-drop-then-charge-fail",
    "A09": "charge-fail-clobbers-neighbour-shadows",
    "A10": "chris-literal-order-minus-one",
    "A11": "v4-while-orders-without-thp",
    "A12": "mixed-owner-range",
    "A13": "mixed-zero-flags-range",
    "A15": "readahead-over-bad-slot",
    "A16": "readahead-caches-hibernation-slot",
    "A17": "stats-before-charge",
    "A18": "lookup-sees-uncharged-then-gone",
    "A19": "charge-reclaim-under-folio-lock",
    "A20": "eexist-loop-progress",
    "A21": "lookup-vs-frozen-refs",
    "A23": "swapoff-vs-alloc",
    "A25": "v2-no-mpol-no-vmf",
    "A26": "shmem-ilx-reuse",
    "A27": "empty-shadow-counts-as-refault",
    "B01": "skip-swapcache-aba",
    "B02": "charge-wrong-memcg-aba",
    "B03": "swapcache-prepare-tick",
    "B04": "readahead-has-cache-livelock",
    "B05": "shmem-direct-swapin-livelock",
    "B06": "thp-swapin-partial-cache",
    "B07": "early-cache-free-repeated-fault",
    "B08": "reserved-but-not-cached",
    "B10": "use-without-lock",
    "C01": "swapoff-vs-swapin-uaf",
    "C02": "free-vs-swapoff",
    "C03": "swapoff-vs-alloc-scan",
    "C04": "swapoff-vs-get-swap-pages",
    "C07": "swapon-reuse-aba",
    "C08": "inuse-zero-before-cleanup",
    "C09": "count-continuation-race",
    "D01": "zswap-writeback-recycled-slot",
    "D02": "zswap-writeback-abort-leak",
    "D03": "zswap-lru-vs-swapoff",
    "D04": "zswap-exclusive-load-on-bypass",
    "D06": "partial-zeromap-large-read",
    "D07": "zeromap-bit-rmw",
    "D08": "zero-rewrite-keeps-zswap-copy",
    "E01": "shmem-mthp-softlockup",
    "E02": "shmem-split-then-large-cached",
    "E03": "shmem-truncate-vs-split",
    "E04": "truncate-vs-writepage-count",
    "F01": "uffd-move-foreign-folio",
    "F02": "uffd-move-missed-folio",
    "G01": "split-clobbers-entry",
    "G02": "split-cached-to-nonzero-order",
    "G03": "migrate-then-split-tail-entries",
    "G04": "v1-swapout-vs-deferred-split",
    "G05": "v1-swapout-stat-order",
    "G06": "alloc-charge-swap-rollback",
    "G07": "offline-memcg-swapin",
    "H01": "reclaim-just-read-folio",
    "H02": "dirty-after-refcheck",
    "H04": "writeback-blocks-removal",
    "H05": "read-error-stays-cached",
}

#: Why an entry has no scenario, where nothing of it can be shown.
ABSENT: Final = {
    "A26": "It is about the node that a page comes from. The model has no nodes: the "
    "interleave index is handed down as in the kernel, and nothing that it decides can "
    "be seen. No invariant speaks of it, and no data depend on it.",
}

_HEAD: Final = """\
# The race catalogue

Every race that swaptrio knows by name, and what its scenarios expect of each version: `ok`,
the checks that it fails, or `n/a` where the step does not exist there. `swaptrio matrix` plays
them all. This page is written by `python -m swaptrio.explore.catalogue`.

The status says what an entry rests on. *verified*: the mail, the commit or the code that tells
of the race was read. *inference*: the race, or the order of its events, was worked out from
code and not reported, as far as was seen; the notes say what the model found. *hash*: only the
subject of a commit and its id were read, and the story is from memory; what the model shows is
then that such a race is possible, not that it is the one that was mended.
"""


def page() -> str:
    """The page, as Markdown."""
    scenarios = [load_checked(find(name)) for name in names()]
    by_entry = {
        entry: [scenario for scenario in scenarios if scenario.catalogue == entry]
        for entry in ENTRIES
    }
    return "\n".join((_HEAD, *_table(by_entry), "", *_notes(scenarios), "", *_absent()))


def _table(by_entry: Mapping[str, list[Scenario]]) -> Iterator[str]:
    versions = [load(name) for name in VERSIONS]
    yield f"| entry | scenario | status | {' | '.join(VERSIONS)} |"
    yield f"|---|---|---|{'---|' * len(VERSIONS)}"
    for entry, slug in ENTRIES.items():
        for scenario in by_entry[entry]:
            words = " | ".join(verdict_word(scenario, version) for version in versions)
            yield f"| {entry} | {scenario.name} | {scenario.status} | {words} |"
        if not by_entry[entry]:
            yield f"| {entry} | {slug} | no scenario |{' |' * len(VERSIONS)}"


def verdict_word(scenario: Scenario, version: Variant) -> str:
    """What the windows of a scenario expect of a version: what it fails, or ok, or n/a."""
    expected = [expected_of(window, version) for window in scenario.window]
    failed = dict.fromkeys(
        each.check or each.verdict for each in expected if each.verdict not in ("passed", "n/a")
    )
    if failed:
        return ", ".join(failed)
    return "ok" if any(each.verdict == "passed" for each in expected) else "n/a"


def _notes(scenarios: list[Scenario]) -> Iterator[str]:
    yield "## Notes\n"
    for scenario in sorted(scenarios, key=lambda each: (each.catalogue, each.name)):
        if scenario.note:
            yield f"- **{scenario.catalogue} {scenario.name}**: {scenario.note}"


def _absent() -> Iterator[str]:
    yield "## Without a scenario\n"
    for entry, reason in ABSENT.items():
        yield f"- **{entry} {ENTRIES[entry]}**: {reason}"


if __name__ == "__main__":
    print(page())
