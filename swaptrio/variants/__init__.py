# SPDX-License-Identifier: MIT OR Apache-2.0
"""The versions of the patch: one file each, to be read from top to bottom.

``load("v3")`` gives a version by name, ``load("mine.py")`` a user's own.
"""

from swaptrio.variants.registry import REQUIRED, VERSIONS, Variant, load, names

__all__ = ["REQUIRED", "VERSIONS", "Variant", "load", "names"]
