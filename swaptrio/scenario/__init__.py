# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenarios: files that name a race, the world they describe, and how it is played."""
