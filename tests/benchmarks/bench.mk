# The benchmarks, for Linux: they read /proc and stop processes. They set up environments of their own under .venvs/, so
# that no peer mixes with another.
# BENCH_OPTIONS: --quick for a short run that proves nothing, --only GROUP for one group (see --help).
BENCH_OPTIONS ?=
BENCH_READY := .venvs/bench/.ready

.PHONY: bench bench-check

bench: $(BENCH_READY) ## measure beside other SDKs, into tests/benchmarks/results.json and results.md (10 minutes)
	@.venvs/bench/bin/python -m tests.benchmarks $(BENCH_OPTIONS)

bench-check: $(BENCH_READY) ## measure in short and fail if we fell far behind the recorded results
	@.venvs/bench/bin/python -m tests.benchmarks --quick --check $(BENCH_OPTIONS)

$(BENCH_READY): tests/benchmarks/bench.mk
	@echo "Setting up .venvs/bench (once)"
	@$(PYTHON) -m venv --clear .venvs/bench
	@.venvs/bench/bin/python -m pip install -qq --disable-pip-version-check 'awslambdaric>=4.0' 'trustme>=1.1'
	@touch $@
