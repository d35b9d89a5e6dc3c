# Every command of the project. Each target sets up what it needs: a machine with Python and make is enough.
# Where a Python is not on the machine, what needs it says so and is skipped.

# The Python that .venv is made with; `make clean` first to change it.
PYTHON ?= python3
# Most tests wait for a clock or a process, so two cores do three at a time. By file: its fixtures are made once.
WORKERS ?= 3
# --quick for a short run that proves nothing, --only GROUP for one group (see --help).
BENCH_OPTIONS ?=
# How long the fuzzer looks; a file that it reported, to run that one alone.
FUZZ_SECONDS ?= 60
FUZZ_INPUT ?=

# The supported Pythons are written once: in pyproject.toml's classifiers.
PYTHONS := $(shell sed -n 's/.*:: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml)
MINE := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# The rows of `make test-versions`: the other Pythons, and the oldest runtime dependencies that pyproject.toml allows.
OTHERS ?= $(patsubst %,unit-%,$(filter-out $(MINE),$(PYTHONS)))
# Coverage is measured where it costs next to nothing: from Python 3.12 on the interpreter itself tells of lines.
ENV_unit-3.13 := COVERAGE_CORE=sysmon
OPTIONS_unit-3.13 := --cov --cov-report=term
ROWS := $(OTHERS) lowest-$(firstword $(PYTHONS))
LOWEST := $(shell sed -n '/^dependencies = \[/,/^\]/s/^ *"\([a-z0-9-]*\)>=\([0-9.]*\).*/\1==\2/p' pyproject.toml)
# The runtimes that the tests drive, by the files in tests/runtimes/requirements, each with the Pythons it is tested on.
RUNTIMES := azure-3.13 google-3.10 google-3.11 google-3.12 google-3.13 lambda-3.11 lambda-3.12 lambda_frameworks-3.13
RUNTIMES += vercel-3.12 vercel-3.13 web-3.10 web-3.13
ENVIRONMENTS := $(ROWS) $(RUNTIMES) bench-$(MINE) fuzz-$(MINE)

BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
PYTEST := -m pytest --numprocesses=$(WORKERS) --dist=loadfile
# The unit tests are all but those that need the tools of .venv, and the faults, which take minutes. Those of the
# promises, which take longest, run with the oldest and the newest Python, and with the oldest dependencies.
NO_UNIT := samples tests/hosts tests/package/test_distribution.py tests/promises/faults tests/runtimes
NO_PROMISES := unit-3.10 unit-3.12
# Those of web servers and workers have a target of their own.
HOSTS := tests/hosts tests/runtimes/web

.DEFAULT_GOAL := help
.PHONY: help setup demo test hosts test-random test-versions faults check lint types format wheel clean
.PHONY: pythons pyodide runtimes environments platforms samples bench bench-check fuzz $(ROWS)
.SECONDEXPANSION:

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything the other targets need

demo: $(READY) ## run the sample under AWS's Lambda runtime client and show what arrives, and when
	@$(BIN)/python -m samples.demo

test: $(READY) runtimes ## run all tests but those of hosts
	$(BIN)/python $(PYTEST) $(HOSTS:%=--ignore=%)

hosts: $(READY) runtimes ## run the tests of the servers and workers that handlers run in
	$(BIN)/python $(PYTEST) $(HOSTS)

test-random: $(READY) runtimes ## run all tests in a random order (its seed is printed)
	$(BIN)/python $(PYTEST) -p randomly

pythons:
	@echo $(PYTHONS)

test-versions: $(ROWS) ## run the unit tests on the other supported Pythons, and with the oldest dependencies
$(ROWS): .venvs/$$@/.ready
	@[ ! -e $< ] || { echo "== $@"; $(ENV_$@) .venvs/$@/bin/python $(PYTEST) --quiet $(OPTIONS_$@) \
	  $(patsubst %,--ignore=%,$(NO_UNIT) $(if $(filter $@,$(NO_PROMISES)),tests/promises)); }

pyodide: .venvs/pyodide/.ready ## run the tests of what needs no threads and no sockets on CPython 3.14, as WebAssembly
	@[ ! -e $< ] || { echo "== $@"; node tests/runtimes/pyodide/run.mjs $(<D) . tests/runtimes/pyodide/unit_tests.py; }

faults: $(READY) ## flush against every fault within every budget, and print the table (some minutes)
	@$(BIN)/python -m tests.promises.faults.matrix

check: lint types test hosts test-versions pyodide ## everything CI checks

lint: $(READY) ## check the format and the lint rules
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m ruff check

types: $(READY) ## check the types: package, tests and samples
	$(BIN)/python -m mypy
	$(BIN)/python -m pyright
	$(BIN)/python -m pyright --project tests

format: $(READY) ## format the code and mend what the linter can mend
	$(BIN)/python -m ruff check --fix-only
	$(BIN)/python -m ruff format

wheel: $(READY) ## build sdist and wheel into dist/
	$(BIN)/python -m build --no-isolation --outdir dist

runtimes: $(RUNTIMES:%=.venvs/%/.ready) .venvs/pyodide/.ready ## make the environments of all runtimes in .venvs/

environments: $(READY) runtimes $(ROWS:%=.venvs/%/.ready) ## make all that `make check` needs; with --jobs=2, in half the time

platforms: $(READY) runtimes ## run the tests of all runtimes; print platform, kind of handler and Python
	@$(BIN)/python -m tests.runtimes.matrix platforms

samples: $(READY) runtimes ## run all samples in their real runtimes, and print how it went
	@$(BIN)/python -m tests.runtimes.matrix samples

bench: .venvs/bench-$(MINE)/.ready ## measure beside other SDKs and record it; on Linux, for 10 minutes
	@$(<D)/bin/python -m tests.benchmarks $(BENCH_OPTIONS)

bench-check: .venvs/bench-$(MINE)/.ready ## measure in short and fail if we fell far behind the recorded results
	@$(<D)/bin/python -m tests.benchmarks --quick --check $(BENCH_OPTIONS)

fuzz: .venvs/fuzz-$(MINE)/.ready ## feed the public methods for a minute with what reaches new code
	@$(<D)/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_INPUT)

clean: ## remove everything that was set up, built or cached
	rm -rf .venv .venvs build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip reads dependency groups from 25.1 on. Doubly quiet: its warnings are about the machine, its errors still show.
$(READY): pyproject.toml
	@echo "Setting up .venv (once; again when pyproject.toml changes)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(PIP) install --upgrade 'pip>=25.1' && $(PIP) install -e '.[testing]' --group dev
	@touch $@

# An environment <name>-<version of Python>: what is installed in it stands here, or in the requirements of that name.
INSTALL_bench := --group bench
INSTALL_fuzz := -e '.[testing]' --group fuzz
INSTALL_unit := -e '.[testing]' --group unit
INSTALL_lowest := $(INSTALL_unit) $(LOWEST)
name = $(firstword $(subst -, ,$*))
version = $(lastword $(subst -, ,$*))
PYENV = $(or $(PYENV_ROOT),$(HOME)/.pyenv)
requirements = $(wildcard tests/runtimes/requirements/$(name).txt)

# A Python is asked to run, not only looked for: a shim can be there without the interpreter behind it.
$(ENVIRONMENTS:%=.venvs/%/.ready): .venvs/%/.ready: $$(or $$(requirements),pyproject.toml) | $(READY)
	@for python in $(PYTHON) python$(version) $(wildcard $(PYENV)/versions/$(version).*/bin/python); do \
	  "$$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(version)")' 2>/dev/null || continue; \
	  echo "Setting up .venvs/$* (once; again when $< changes)"; \
	  "$$python" -m venv --clear --without-pip .venvs/$* \
	  && $(PIP) --python .venvs/$*/bin/python install $(or $(INSTALL_$(name)),-r $<) && touch $@; exit; \
	done; echo "Skipping .venvs/$*: no Python $(version) on PATH or among pyenv's versions"

# CPython as WebAssembly, which Node runs, and a folder of packages for it: pip cannot run inside.
.venvs/pyodide/.ready: tests/runtimes/pyodide/package.json tests/runtimes/requirements/pyodide.txt | $(READY)
	@command -v npm >/dev/null || { echo "Skipping .venvs/pyodide: no npm on PATH"; exit 0; }; \
	echo "Setting up .venvs/pyodide (once; again when its requirements change)" \
	&& rm -rf .venvs/pyodide && mkdir -p .venvs/pyodide && cp $< .venvs/pyodide/ \
	&& npm install --prefix .venvs/pyodide --silent --no-audit --no-fund --no-package-lock \
	&& $(PIP) install --target .venvs/pyodide/site-packages --python-version 3.14 --platform any --abi none \
	   --only-binary=:all: -r tests/runtimes/requirements/pyodide.txt \
	&& touch $@
