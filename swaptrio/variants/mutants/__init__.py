# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mutants: a version with one mistake each, for the checks to find.

A check that no mutant can make fail checks nothing. Each mutant replaces one or two functions
of its base; the names of the functions that it replaces are the keys in its row.
"""

from typing import Final

from swaptrio.variants.mutants.insertion import INSERTION
from swaptrio.variants.mutants.mutant import Mutant
from swaptrio.variants.mutants.references import REFERENCES

__all__ = ["MUTANTS", "Mutant"]

#: All mutants.
MUTANTS: Final = (*INSERTION, *REFERENCES)
