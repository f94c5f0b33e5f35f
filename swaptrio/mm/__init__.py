# SPDX-License-Identifier: MIT OR Apache-2.0
"""The model of the kernel, file by file as a kernel developer knows them.

Functions have the kernel's names and do what the kernel's do, in the same order and with the
same error numbers. They take the `Kernel` first and wait only at scheduling points.
"""
