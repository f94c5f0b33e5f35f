# SPDX-License-Identifier: MIT OR Apache-2.0
"""Conformance: the model against facts recorded from the kernel's own code."""

from swaptrio.conform.compare import Difference, Mismatch, Report, conform
from swaptrio.conform.files import read
from swaptrio.conform.vectors import Vector

__all__ = ["Difference", "Mismatch", "Report", "Vector", "conform", "read"]
