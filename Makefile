# make demo, make test: nothing is needed but python3 (3.11 or newer) and make.
# All paths are relative, so that the checkout may lie anywhere, also below a folder with a space in its name.
# After the checkout was moved: make clean.

PYTHON ?= python3
WORKERS ?= 5
# What `make test` leaves out. `.ci/run` leaves out less.
WITHOUT ?= proof or bi or thorough
UV_VERSION = 0.13.9

PIP = .venv/bin/python -m pip --disable-pip-version-check
PYTEST = .venv/bin/python -m pytest
COMPILE = .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)

.PHONY: demo test test-fast bi proof bench bench-full bench-profile lint types format lock wheel release clean

demo: .venv/demo-ready
	@.venv/bin/syncd demo $(ARGS)

# The daily loop, without tests of whole processes, without Chromium, and without files that take long.
test-fast: .venv/dev-ready
	@PYTHONDONTWRITEBYTECODE= $(PYTEST) -n $(WORKERS) --dist loadgroup -m "not (proof or slow or browser or thorough)" tests/unit tests/integration $(ARGS)

# Five workers on two cores, because tests spend half of their time waiting. Where the environment
# forbids Python to keep bytecode, as images of containers like to, each start of syncd would compile it all again.
test: .venv/dev-ready
	@PYTHONDONTWRITEBYTECODE= $(PYTEST) -n $(WORKERS) --dist loadgroup -m "not ($(WITHOUT))" $(ARGS)

# dbt's and datacontract's tests of docs/report, in an environment of their own.
bi: .venv/dev-ready .venv/bi-ready
	@PYTHONDONTWRITEBYTECODE= $(PYTEST) -m bi tests/bi $(ARGS)

# All proofs, under two hours on two cores; ended early, it goes on where it was. PROOF_SCALE=0.01 takes a sample.
proof: .venv/dev-ready
	@PYTHONDONTWRITEBYTECODE= .venv/bin/python -m tests.proof $(ARGS)

# Three minutes, to notice a regression; bench-full writes docs/performance.md, in about 40 minutes on an otherwise idle machine.
bench: .venv/dev-ready
	@.venv/bin/python -m bench $(ARGS)

bench-full: .venv/dev-ready
	@.venv/bin/python -m bench --scale full $(ARGS)

bench-profile: .venv/dev-ready
	@.venv/bin/python -m bench.profile

lint: .venv/dev-ready
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/codespell
	.venv/bin/lint-imports

types: .venv/dev-ready
	.venv/bin/mypy

format: .venv/dev-ready
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

wheel: .venv/dev-ready
	rm -rf dist
	$(PIP) wheel -qq --no-deps --no-build-isolation --wheel-dir dist .

# What to do before and after: see .ci/release.
release: .venv/dev-ready
	@bash .ci/release

# Pins stay as they are unless pyproject.toml asks for others; UPGRADE=--upgrade takes the newest.
lock: .venv/lock/uv-$(UV_VERSION)
	$(COMPILE) pyproject.toml --extra demo --extra sheet --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --extra demo --extra sheet --output-file requirements/demo.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/run.txt
	$(COMPILE) --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	$(COMPILE) --no-strip-extras --group bi --output-file requirements/bi.txt

clean:
	rm -rf .venv .bench build dist .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/demo-ready: pyproject.toml requirements/demo.txt requirements/build.txt | .venv/made
	@echo "Installing what the demo needs into .venv"
	@$(PIP) install -qq --require-hashes -r requirements/demo.txt -r requirements/build.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev-ready: pyproject.toml requirements/dev.txt | .venv/made
	@echo "Installing what the tests need into .venv"
	@$(PIP) install -qq --require-hashes -r requirements/dev.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

.venv/bi-ready: requirements/bi.txt | .venv/made
	@echo "Installing dbt and datacontract into .venv/bi"
	@$(PYTHON) -m venv .venv/bi
	@.venv/bi/bin/python -m pip --disable-pip-version-check install -qq --require-hashes -r requirements/bi.txt
	@touch $@

.venv/lock/uv-$(UV_VERSION): | .venv/made
	@$(PYTHON) -m venv .venv/lock
	@.venv/lock/bin/python -m pip --disable-pip-version-check install -qq uv==$(UV_VERSION)
	@touch $@

.venv/made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here. On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "syncd needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "Name a newer one: make PYTHON=python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@
