# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes `benchmarks` importable, which lies at the top of the checkout and is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

_TOP = str(Path(__file__).resolve().parents[2])
if _TOP not in sys.path:
    sys.path.append(_TOP)
