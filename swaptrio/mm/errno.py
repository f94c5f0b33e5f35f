# SPDX-License-Identifier: MIT OR Apache-2.0
"""Error numbers, as the functions of the model return them in place of a value."""

from __future__ import annotations

from enum import IntEnum


class Errno(IntEnum):
    """The error numbers that the swap code uses; the kernel returns them negated."""

    ENOENT = 2
    EINTR = 4
    EIO = 5
    EAGAIN = 11
    ENOMEM = 12
    EFAULT = 14
    EBUSY = 16
    EEXIST = 17
    EINVAL = 22

    def __str__(self) -> str:
        return self.name
