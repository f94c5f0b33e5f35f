# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that must not outlive who started it.

A worker that waits for work would wait for ever once its owner was killed. So it holds the
reading end of a pipe whose writing end nobody has but the owner, and ends when that is closed:
on purpose, or by the system when the owner is gone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Thread


def leash(descriptor: int) -> None:
    """End this process, whatever it does, once nobody can write to *descriptor* any more."""
    Thread(target=_wait, args=(descriptor,), daemon=True).start()


def _wait(descriptor: int) -> None:
    with suppress(OSError):
        while os.read(descriptor, 1):
            pass
    os._exit(1)
