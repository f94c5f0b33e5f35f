# SPDX-License-Identifier: MIT OR Apache-2.0
"""Users who read and write."""

from __future__ import annotations

from typing import Any

from swaptrio.mm.memory import (
    user_store,
)


def test_store(world: Any) -> None:
    """A store swaps the page in, and leaves new data and a dirty folio."""
    token = world.swapped(16, page=3)

    async def main() -> str:
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "stored"
    assert world.mapped(3) == world.mm.newest[3] != token
    assert world.mm.ptes[3].folio.dirty


def test_store_to_nothing(world: Any) -> None:
    """A store where nothing is mapped says so."""
    world.mm.ptes[3] = None

    async def main() -> str:
        return await user_store(world.kernel, world.mm, 3)

    assert world.play(main=main)["main"] == "unmapped"
