# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mutants: a version with one mistake each, for the checks to find.

A check that no mutant can make fail checks nothing. Each mutant replaces one or two functions
of its base; the names of the functions that it replaces are the keys in its row.
"""

from typing import Final

from swaptrio.variants.mutants.claims import CLAIMS
from swaptrio.variants.mutants.folios import FOLIOS
from swaptrio.variants.mutants.insertion import INSERTION
from swaptrio.variants.mutants.lifetime import LIFETIME
from swaptrio.variants.mutants.mutant import Mutant
from swaptrio.variants.mutants.owners import OWNERS
from swaptrio.variants.mutants.references import REFERENCES
from swaptrio.variants.mutants.slots import SLOTS

__all__ = ["MUTANTS", "Mutant"]

#: All mutants.
MUTANTS: Final = (*INSERTION, *REFERENCES, *OWNERS, *LIFETIME, *SLOTS, *FOLIOS, *CLAIMS)
