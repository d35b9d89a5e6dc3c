# Every command of the project. Each target sets up what it needs: a machine with Python and make is enough.

# The Python that .venv is made with; `make clean` first to change it.
PYTHON ?= python3
# The other Pythons that the unit tests run on, as far as the machine has them.
OTHER_PYTHONS ?= 3.10 3.12 3.13

# Most tests wait for a clock or a process, so two at a time take half as long. By file: its fixtures are made once.
WORKERS ?= 2

BIN := .venv/bin
READY := .venv/.ready
IN_PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-random test-versions faults check lint types format wheel clean

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything the other targets need

# Doubly quiet: pip's warnings are about the machine's settings, its errors still show.
$(READY): pyproject.toml
	@echo "Setting up .venv (once; again when pyproject.toml changes)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1' && $(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[testing]' --group dev
	@touch $@

demo: $(READY) ## run the sample under AWS's Lambda runtime client and show what arrives, and when
	@$(BIN)/python -m samples.demo

test: $(READY) runtimes ## run all tests, with branch coverage of the package
	$(BIN)/python -m pytest $(IN_PARALLEL) --cov --cov-report=term

test-random: $(READY) runtimes ## run all tests in a random order (its seed is printed)
	$(BIN)/python -m pytest $(IN_PARALLEL) -p randomly

faults: $(READY) ## flush against every fault within every budget, and print the table (some minutes)
	@$(BIN)/python -m tests.promises.faults.matrix

test-versions: ## run the unit tests on the other supported Pythons
	@failed=0; for version in $(OTHER_PYTHONS); do .ci/unit "$$version" || failed=1; done; exit $$failed

check: lint types test test-versions ## everything CI checks

lint: $(READY) ## check the format and the lint rules
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m ruff check

types: $(READY) ## check the types: package, tests and samples
	$(BIN)/python -m mypy

format: $(READY) ## format the code and mend what the linter can mend
	$(BIN)/python -m ruff check --fix-only
	$(BIN)/python -m ruff format

wheel: $(READY) ## build sdist and wheel into dist/
	$(BIN)/python -m build --no-isolation --outdir dist

# Their targets: runtimes, platforms, samples; bench, bench-check; fuzz.
include tests/runtimes/runtimes.mk tests/benchmarks/bench.mk tests/fuzz/fuzz.mk

clean: ## remove everything that was set up, built or cached
	rm -rf .venv .venvs build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
