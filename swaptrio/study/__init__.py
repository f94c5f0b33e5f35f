# SPDX-License-Identifier: MIT OR Apache-2.0
"""Studies: questions about versions of the patch that take more than one search to answer."""

__all__: list[str] = []
