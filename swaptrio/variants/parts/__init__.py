# SPDX-License-Identifier: MIT OR Apache-2.0
"""The parts of a version: its locks, checks, references and orders, each of which can go.

``v3~_roll_back.lock1`` is v3 less the first lock section of its function `_roll_back`. Nobody
has written such a version: it is made from the source of the function, in memory, so that what
holds for a mutant holds for it, and traces point into the file that everybody knows.

* A *lock* goes: its section becomes a row of steps between which others can come in. Where it
  is one step, executions are watched for data races instead. A folio that is to be locked is
  not.
* A *check* goes: what it would have refused is taken. Of a condition with several causes each
  is a part of its own; so is that a loop looks again when it has lost a race.
* A *reference* goes: it is not taken, or not dropped. Where one function takes and drops it,
  it is dropped as soon as it is taken.
* An *order* goes: two neighbours change places. These are steps that others can come between:
  what is done within one step has no order for anybody to see. Counters and hints that nobody
  in the model reads, and steps that declare different objects, commute, and are no parts.

That the result of a call is of one type or another, a folio or an error, is no check: without
it the code does not hang together, and its failure would say nothing about the kernel. Nor is a
condition that warns: it holds callers to what they are to pass, and no schedule makes it true.
"""

from swaptrio.variants.parts.cut import Part, PartKind
from swaptrio.variants.parts.take_out import parts_of, without

__all__ = ["Part", "PartKind", "parts_of", "without"]
