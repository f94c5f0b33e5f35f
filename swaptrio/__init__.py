# SPDX-License-Identifier: MIT OR Apache-2.0
"""A concurrency testbed for the Linux swap cache, on Trio."""

__all__ = ["__version__"]

__version__ = "0.1.0"
