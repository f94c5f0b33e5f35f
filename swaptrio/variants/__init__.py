# SPDX-License-Identifier: MIT OR Apache-2.0
"""The versions of the patch: one file each, to be read from top to bottom.

``load("v3")`` gives a version by name, ``load("mine.py")`` a user's own. Behind either ``~``
and the name of one of its `parts` can stand, for the version without it.
"""

from swaptrio.variants.registry import LESS, REQUIRED, VERSIONS, Variant, less, load, names

__all__ = ["LESS", "REQUIRED", "VERSIONS", "Variant", "less", "load", "names"]
