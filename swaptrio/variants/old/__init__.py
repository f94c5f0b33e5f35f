# SPDX-License-Identifier: MIT OR Apache-2.0
"""old: the code up to 6.18, with SWAP_HAS_CACHE.

Each slot has a bit of its own beside its count, HAS_CACHE. Who wants to put a folio in the
cache sets the bit first, and inserts the folio later; who takes a folio out removes it first,
and clears the bit later. In between the slot is claimed, and nobody finds a folio there. The
slots of a folio that is swapped out are claimed the same way, with a count of 0, before the
folio is inserted (catalogue B08). A slot is free when its count is 0 and its bit is clear.

* `slots`: the bit itself; counts and slots that come and go.
* `cache`: the cache, where whoever finds the bit set and no folio sleeps for a tick and looks
  again (B03, B04).
* `fault`: faults. On a synchronous device, where a slot has one owner, they skip the cache: the
  folio is private, and the bit only keeps others from the slot meanwhile (B01).

What later versions have in one word stood in two places, a map of counts with the bit and an
XArray of folios, each under a lock of its own. Here the word has the count and the folio,
`SwapClusterInfo.has_cache` the bits, and the cluster lock protects all of them, as in 6.18,
where the XArray was gone already.

Left out: the caches of free and of freed slots that each CPU had, with slots that were claimed
and nobody's; the continuations of large counts, for which the extend table stands; swapping in
past the cache for files, as from 6.14 on (B05).

Source: mails and commits of 2024 to 2026 that speak of this code. What they leave open is from
memory, and not verified.
"""
