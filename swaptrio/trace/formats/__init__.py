# SPDX-License-Identifier: MIT OR Apache-2.0
"""The formats that other people's tools open.

Each is a pure function to bytes: nothing is run again, and no clock or machine shows in them.
Every name in a trace may be hostile; each format escapes what its readers would obey. What a
format cannot say is in the `Format` that describes it.
"""

from swaptrio.trace.formats.registry import FORMATS, RESULT_FORMATS, Format
from swaptrio.trace.formats.results import Result

__all__ = ["FORMATS", "RESULT_FORMATS", "Format", "Result"]
