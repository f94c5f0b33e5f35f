# SPDX-License-Identifier: MIT OR Apache-2.0
"""Q10 is answered by what interferes with the double check, and not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from swaptrio.mm.errno import Errno
from swaptrio.mm.swap_h import swp_cluster_offset
from swaptrio.mm.swap_table import swap_table_get, swp_tb_is_bad
from swaptrio.sched import open_scheduler
from swaptrio.study.ask.lab import Lab
from swaptrio.study.ask.q10 import (
    NOT_BAD,
    PROPERTIES,
    Seen,
    claims,
    findings,
    seen,
    seen_of_bad,
)
from swaptrio.variants import Variant, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.mm.kernel import Kernel
    from swaptrio.mm.swap_h import SwapClusterInfo, SwpEntry

BY_NAME = {each.name: each for each in PROPERTIES}


@pytest.fixture(scope="module")
def found() -> list[Seen]:
    """What the study finds in the versions as they are."""

    async def everything() -> list[Seen]:
        async with open_scheduler("stepped") as scheduler:
            lab = Lab(scheduler)
            everything = await findings(lab)
        assert lab.proves
        return everything

    return trio.run(everything)


async def changed(found: list[Seen], name: str, version: str, variant: Variant) -> list[Seen]:
    """*found*, where *variant* is looked at in the place of *version*."""
    async with open_scheduler("stepped") as scheduler:
        lab = Lab(scheduler, instead={version: variant})
        if name == NOT_BAD:
            other = await seen_of_bad(lab, version)
        else:
            other = await seen(lab, BY_NAME[name], version)
    return [other if (each.name, each.version) == (name, version) else each for each in found]


def with_functions(version: str, **functions: Callable[..., Any]) -> Variant:
    """A version in which *functions* take the place of its own."""
    variant = load(version)
    return attrs.evolve(variant, functions={**variant.functions, **functions})


def asking_for_bad() -> Variant:
    """v3 whose check takes a bad slot for one that is not in use."""
    check = load("v3").functions["_swap_cache_add_check"]

    def checking(kernel: Kernel, ci: SwapClusterInfo, entry: SwpEntry, nr: int) -> Any:
        if swp_tb_is_bad(swap_table_get(ci, swp_cluster_offset(entry))):
            return Errno.ENOENT, 0
        return check(kernel, ci, entry, nr)

    return with_functions("v3", _swap_cache_add_check=checking)


async def zswap_is_empty(kernel: Kernel, entry: SwpEntry, nr: int) -> bool:
    """Say that zswap holds nothing."""
    return False


def test_what_is_kept_by_which_version(found: list[Seen]) -> None:
    """Counts and cached slots always, owners and zero flags from v5 on, the rest never."""
    assert all(claim.holds for claim in claims(found))
    kept = {(each.name, each.version): each.kept for each in found}
    assert kept["in use", "v3"] == kept["uncached", "v3"] == "yes"
    assert kept["of one owner", "v4"] == "no"
    assert kept["of one owner", "v5"] == "yes"
    assert kept["out of zswap", "next"] == "afterwards"


@pytest.mark.parametrize("name", ["in use", "uncached"])
async def test_without_a_second_check_nothing_is_kept(found: list[Seen], name: str) -> None:
    """A v3 that inserts without looking again inserts over what has changed."""
    of_kept, of_never = claims(await changed(found, name, "v3", load("no-second-check")))

    assert not of_kept.holds
    assert f"{name}: v4, v5 and next" in of_kept.sentence
    assert of_never.holds


async def test_a_version_that_asks_for_owners_is_told(found: list[Seen]) -> None:
    """Where the check of v5 runs as v3 the study says that v3 keeps the owner."""
    of_kept, _ = claims(await changed(found, "of one owner", "v3", load("v5")))

    assert not of_kept.holds
    assert "of one owner: v3, v5 and next" in of_kept.sentence


async def test_a_version_that_asks_for_bad_slots_is_told(found: list[Seen]) -> None:
    """Where v3 refuses bad slots the study no longer says that all overwrite them."""
    of_kept, of_never = claims(await changed(found, NOT_BAD, "v3", asking_for_bad()))

    assert of_kept.holds
    assert not of_never.holds
    assert "a bad slot is overwritten in v4, v5 and next" in of_never.sentence


async def test_a_version_that_does_not_look_into_zswap_is_told(found: list[Seen]) -> None:
    """Where next does not look into zswap after the insertion nobody sees what is there."""
    blind = with_functions("next", zswap_entry_present=zswap_is_empty)
    _, of_never = claims(await changed(found, "out of zswap", "next", blind))

    assert not of_never.holds
    assert "after the insertion in no version" in of_never.sentence
