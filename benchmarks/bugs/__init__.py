# SPDX-License-Identifier: MIT OR Apache-2.0
"""How many schedules each strategy needs to the first bug, on programs that others measured.

``python -m benchmarks.bugs`` prints one JSON document on stdout, and a line for a person on
stderr as each program ends. `programs` has the programs, after SCTBench; `memory` what they
are written on, at two granularities; `hunt` counts; `published` has what others have reported,
and the targets.
"""
