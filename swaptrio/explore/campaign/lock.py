# SPDX-License-Identifier: MIT OR Apache-2.0
"""One campaign on a store at a time.

The lock is one of the operating system on a file beside the store, so it ends with the process
that holds it, however that ends. Who only reads the store does not ask for it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from swaptrio.explore.campaign.schema import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the lock of *store* in this block. The store need not be there yet.

    Raises:
        StoreError: another process holds it, or the file of the lock cannot be made.
    """
    try:
        descriptor = os.open(lock_of(store), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        refuse(store, f"its lock cannot be made: {exc.strerror or exc}")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse(store, f"is in use by another campaign{_holder(descriptor)}")
        with suppress(OSError):  # whose lock it is, is said as far as the disk allows
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def lock_of(store: Path) -> Path:
    """The file whose lock stands for *store*."""
    return store.with_name(f".{store.name}.lock")


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0).decode("ascii", "replace")
    return f", process {text}" if text.isdigit() else ""
