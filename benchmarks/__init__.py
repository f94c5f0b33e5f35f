# SPDX-License-Identifier: MIT OR Apache-2.0
"""How fast swaptrio is, as ratios between two things measured in the same run.

``python -m benchmarks`` prints one JSON document on stdout, and a line for a person on stderr
as each benchmark ends. One module for each question:

a. `executions`: executions a second of a fuzzed scenario, against the same tasks on plain Trio.
b. `steps`: microseconds a scheduling point, against a loop that sends into bare coroutines.
c. `tasks`: what a step costs with 3, 30 and 300 tasks.
d. `processes`: executions a second of a campaign with one process and with two.
e. `memory`: whether a campaign's memory stays what it is over a million executions.
f. `start_up`: how long the command takes for little things.
g. `traces`: what it costs to record a trace, against the same executions without.
h. `traces`: how long it takes to write one.
i. `failures`: executions to each failure, by us, on plain Trio, and by Hypothesis.
j. `load`: what a step under load costs in a small world and in a large one.

``python -m benchmarks.compare`` holds a run against a saved one, and ``python -m
benchmarks.table`` makes the table of docs/benchmarks.md of one.

Machines differ and are busy with other things, so nothing else says anything in microseconds
alone: `rounds` takes turns between what is compared, in seconds of the processor, and a promise
is a ratio of neighbours.
"""
