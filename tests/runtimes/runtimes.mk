# The virtual environments of the runtimes that the tests drive, one for each runtime and version of Python:
# `.venvs/<runtime>-<version>`, with what tests/runtimes/requirements/<runtime>.txt lists. Included by the Makefile.

# Give a runtime another Python by another word here; tests/runtimes/environments.py finds it by its name.
RUNTIMES := google-3.10 google-3.11 google-3.12 google-3.13
RUNTIMES += azure-3.13
RUNTIMES += lambda-3.11 lambda-3.12
RUNTIMES += lambda_frameworks-3.13
RUNTIMES += vercel-3.12 vercel-3.13
RUNTIMES += web-3.10 web-3.13

.PHONY: runtimes
runtimes: $(RUNTIMES:%=.venvs/%/.ready) .venvs/pyodide/.ready ## make the environments of all runtimes in .venvs/

# The pip of .venv fills them: one of their own each would take longer than what they are for.
# Where there is no such interpreter nothing is made, and the tests that need it say so and are skipped.
define RUNTIME
.venvs/$(1)/.ready: tests/runtimes/requirements/$(firstword $(subst -, ,$(1))).txt | .venv/.ready
	@python=$$$$(.ci/find-python $(lastword $(subst -, ,$(1)))) \
	|| { echo "Skipping .venvs/$(1): no such Python on PATH or among pyenv's versions"; exit 0; }; \
	echo "Setting up .venvs/$(1) (once; again when its requirements change)" \
	&& "$$$$python" -m venv --clear --without-pip .venvs/$(1) \
	&& .venv/bin/python -m pip --python .venvs/$(1)/bin/python install -qq --disable-pip-version-check -r $$< \
	&& touch $$@
endef
$(foreach runtime,$(RUNTIMES),$(eval $(call RUNTIME,$(runtime))))

# CPython as WebAssembly, which Node runs, and a folder of packages for it: pip cannot run inside.
.venvs/pyodide/.ready: tests/runtimes/pyodide/package.json tests/runtimes/requirements/pyodide.txt | .venv/.ready
	@command -v npm >/dev/null || { echo "Skipping .venvs/pyodide: no npm on PATH"; exit 0; }; \
	echo "Setting up .venvs/pyodide (once; again when its requirements change)" \
	&& rm -rf .venvs/pyodide && mkdir -p .venvs/pyodide && cp $< .venvs/pyodide/ \
	&& npm install --prefix .venvs/pyodide --silent --no-audit --no-fund --no-package-lock \
	&& .venv/bin/python -m pip install -qq --disable-pip-version-check --target .venvs/pyodide/site-packages \
	   --python-version 3.14 --only-binary=:all: -r tests/runtimes/requirements/pyodide.txt \
	&& touch $@

.PHONY: platforms samples
platforms: $(READY) runtimes ## run the tests of all runtimes; print platform, kind of handler and Python
	@$(BIN)/python -m tests.runtimes.matrix platforms

samples: $(READY) runtimes ## run all samples in their real runtimes, and print how it went
	@$(BIN)/python -m tests.runtimes.matrix samples
