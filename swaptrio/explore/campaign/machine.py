# SPDX-License-Identifier: MIT OR Apache-2.0
"""What figures depend on: kinds and versions, and no names of anybody's machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

from swaptrio import __version__


def machine() -> dict[str, Any]:
    """The machine, the interpreter, and the versions of what matters."""
    return {
        "swaptrio": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "trio": version("trio"),
        "system": platform.system(),
        "processor": platform.machine(),
        "cpus": os.cpu_count() or 1,
    }
