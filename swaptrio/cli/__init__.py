# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line. Nothing is imported here before somebody has asked for something."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from swaptrio.cli.app import cli

        cli.main(prog_name="swaptrio")
    except KeyboardInterrupt:
        # Before the command line could put its own handlers in place, or after that.
        sys.exit(130)
    finally:
        # The result stands: what comes while Python shuts down shall not print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
