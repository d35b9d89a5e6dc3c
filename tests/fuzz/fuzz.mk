# The coverage-guided fuzzer, in an environment of its own: it is built for few Pythons, and nothing else needs it.
# FUZZ_SECONDS: how long it looks. FUZZ_INPUT: a file that it reported, to run that one alone.
FUZZ_SECONDS ?= 60
FUZZ_INPUT ?=
FUZZ_READY := .venvs/fuzz/.ready

.PHONY: fuzz

fuzz: $(FUZZ_READY) ## feed the public methods for a minute with what reaches new code, and fail on what they do wrong
	@.venvs/fuzz/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_INPUT)

$(FUZZ_READY): tests/fuzz/fuzz.mk pyproject.toml
	@echo "Setting up .venvs/fuzz (once)"
	@$(PYTHON) -m venv --clear .venvs/fuzz
	@.venvs/fuzz/bin/python -m pip install -qq --disable-pip-version-check -e '.[testing]' --group unit 'atheris>=3.0'
	@touch $@
