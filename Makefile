# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The first target that needs it makes .venv, which takes the network once.
# After that nothing here does, until pyproject.toml or constraints.txt changes.

# Left empty: the first of PYTHONS that runs and is new enough.
PYTHON ?=
PYTHONS = python3 python3.13 python3.12 python3.11

DEMO ?= target-freed-during-alloc --variant no-second-check
SAVED ?= benchmarks/saved.json
BUGS = benchmarks/bugs
PYTEST_ARGS ?=
MODEL_TESTS = tests/mm tests/variants tests/conform tests/scenario tests/scenarios \
	--deselect tests/scenarios/test_scenarios.py::test_nothing_is_held_against_a_sound_version

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input

# Named after the checkout's place, as a virtual environment cannot be moved or copied.
STAMP := $(VENV)/ready-$(shell pwd | cksum | cut -d ' ' -f 1)

# Sets $$python, or says what is missing and fails.
find_python = \
	set -- $(PYTHONS); \
	if [ -n "$(PYTHON)" ]; then set -- "$(PYTHON)"; fi; \
	python=; \
	for candidate do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
		then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "swaptrio needs Python 3.11 or newer, and none was found (tried: $$*)." >&2; \
		echo "Name one yourself: make PYTHON=/path/to/python3 ..." >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python lacks its venv or ensurepip module, which the set-up needs." >&2; \
		echo "Some systems package them apart, for example as python3-venv." >&2; \
		exit 1; \
	fi

.PHONY: help setup demo test coverage lint bench bench-compare bench-million bench-bugs constraints clean

# Targets share one environment and one terminal: with -j they still run one by one.
.NOTPARALLEL:

help:
	@echo 'make demo         replay the race of README.md and draw it (DEMO=$(DEMO))'
	@echo 'make test         run the tests (PYTEST_ARGS="-k name" and the like)'
	@echo 'make coverage     say how much of the model its tests run'
	@echo 'make lint         check style, format and types'
	@echo 'make bench        measure, and print the results as JSON'
	@echo 'make bench-compare   measure, and compare with SAVED=$(SAVED)'
	@echo 'make bench-million   watch the memory of a campaign of 10^6 executions (half an hour)'
	@echo 'make bench-bugs   count schedules to the first bug (an hour), for docs/strategies.md'
	@echo 'make setup        make $(VENV) and no more (PYTHON=... picks the interpreter)'
	@echo 'make constraints  renew constraints.txt from a fresh environment'
	@echo 'make clean        remove $(VENV), caches and builds; logs/ stays'

setup: $(STAMP)
	@:

# Without a stamp the environment is absent, half made or from another place: start afresh.
$(STAMP): pyproject.toml constraints.txt
	@set -e; \
	if [ ! -f $@ ] || ! $(BIN)/python -c '' 2>/dev/null; then \
		$(find_python); \
		echo "Setting up $(VENV) with $$("$$python" --version) ..." >&2; \
		"$$python" -m venv --clear --prompt swaptrio $(VENV); \
	else \
		echo "Bringing $(VENV) up to date ..." >&2; \
	fi; \
	log=$(VENV)/setup.log; \
	if ! { $(PIP) install -c constraints.txt pip editables hatchling && \
		$(PIP) install -c constraints.txt --no-build-isolation -e . --group dev; \
	} >$$log 2>&1; then \
		cat $$log >&2; \
		echo "The set-up failed; pip says why above." >&2; \
		exit 1; \
	fi; \
	touch $@

demo: $(STAMP)
	@$(BIN)/swaptrio replay $(DEMO)

test: $(STAMP)
	@$(BIN)/pytest $(PYTEST_ARGS)

# The model and its versions, by the tests that are theirs; below 95 % it fails.
coverage: $(STAMP)
	@$(BIN)/coverage run -m pytest -q -p no:cacheprovider $(MODEL_TESTS)
	@$(BIN)/coverage report

lint: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

bench-compare: $(STAMP)
	@new=$$(mktemp); trap 'rm -f "$$new"' EXIT; \
	$(BIN)/python -m benchmarks >"$$new" && $(BIN)/python -m benchmarks.compare $(SAVED) "$$new"

bench-million: $(STAMP)
	@$(BIN)/python -m benchmarks --only e --campaign 1000000 > benchmarks/million.new
	@mv benchmarks/million.new benchmarks/million.json

bench-bugs: $(STAMP)
	@$(BIN)/python -m benchmarks.bugs --rounds 7 --jobs 2 > $(BUGS)/programs.new
	@mv $(BUGS)/programs.new $(BUGS)/programs.json
	@$(BIN)/python -m benchmarks.bugs --suite swap --schedules 5000 --total 5000 --jobs 2 > $(BUGS)/scenarios.new
	@mv $(BUGS)/scenarios.new $(BUGS)/scenarios.json
	@rm -f $(BUGS)/found.json
	@$(BIN)/python -m benchmarks.bugs.found
	@$(BIN)/python -m benchmarks.bugs.table

# Best run with the oldest Python supported: newer ones may allow versions that it cannot take.
constraints:
	@set -e; \
	$(find_python); \
	fresh=$$(mktemp -d); \
	trap 'rm -rf "$$fresh"' EXIT; \
	"$$python" -m venv "$$fresh/venv"; \
	pip() { "$$fresh/venv/bin/python" -m pip --disable-pip-version-check --no-input "$$@"; }; \
	pip install --quiet --upgrade pip; \
	pip install --quiet '.[dask]' --group dev; \
	{ \
		echo '# Names and versions only, from a fresh install. Renewed by `make constraints`.'; \
		pip list --format=freeze --exclude swaptrio --exclude setuptools; \
	} >"$$fresh/constraints.txt"; \
	cp "$$fresh/constraints.txt" constraints.txt

clean:
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
