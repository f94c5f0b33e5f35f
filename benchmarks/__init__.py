# SPDX-License-Identifier: MIT OR Apache-2.0
"""How fast swaptrio is, as ratios between two things measured in the same run.

``python -m benchmarks`` prints one JSON document on stdout, and a line for a person on stderr
as each benchmark ends. These are the questions:

a. `executions`: executions a second of a fuzzed scenario, against the same tasks on plain Trio.
b. `steps`: microseconds a scheduling point, against a loop that sends into bare coroutines.
c. `tasks`: what a step costs with 3, 30 and 300 tasks.
d. `traces`: what it costs to record a trace, against the same executions without.
e. `traces`: how long it takes to write one. This alone is in seconds, as it was promised so.

Machines differ and are busy with other things, so nothing else says anything in microseconds
alone: `rounds` takes turns between what is compared, in seconds of the processor, and a promise
is a ratio of neighbours.
"""
