PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
ARGS ?=
PARALLEL := --numprocesses auto --dist worksteal
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Tests start hundreds of processes: none of them compiles what another one has compiled.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.PHONY: help demo test suite quick lowest lint types format lock bench screenshots system-packages clean

help: ## this list
	@sed -n -E 's/^([a-z-]+):.* ## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target does; do \
	    printf 'make %-15s %s\n' "$$target" "$$does"; \
	done

# The demo needs the runtime dependencies only; the tests add the development group.
# Both come from requirements/ with their hashes, and so does what builds the project itself.
$(VENV)/.runtime: pyproject.toml requirements/runtime.txt requirements/build.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.development: $(VENV)/.runtime requirements/development.txt
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/development.txt
	touch $@

$(LOWEST)/.installed: pyproject.toml requirements/lowest.txt
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	$(LOWEST)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/lowest.txt
	$(LOWEST)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/.runtime ## calls that fail at a strict emulator and succeed through the gateway
	$(BIN)/gateway demo $(ARGS)

# Types are checked beside the tests: on a fresh clone, that alone takes one core a minute.
test: lint $(VENV)/.development ## linters, types, and all tests (ARGS: pytest's; COVERAGE=1: with branch coverage)
	@$(BIN)/mypy > $(VENV)/types.txt 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory suite; suite=$$?; \
	wait $$types; types=$$?; cat $(VENV)/types.txt; \
	exit $$((suite | types))

# ROUNDTRIPS=n: that many random exchanges of each pair of shapes. SCHEMATHESIS=n: as many requests
# of each endpoint, made by schemathesis. EXAMPLES=n: as many random inputs for each property test.
# FAST_PATHS=0: the tests' gateways take the generic path.
# Tracing doubles the time that the tests take, so it is asked for: the CI does. It tries more, too.
ifeq ($(COVERAGE),1)
suite: export EXAMPLES ?= 100
suite: export ROUNDTRIPS ?= 30
endif
suite: $(VENV)/.development ## all tests, without linters and types (ARGS and COVERAGE as for test)
	@rm -f $(FAILED)
ifeq ($(COVERAGE),1)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL) $(ARGS) $(call second_try,$(BIN)/coverage run)
	$(BIN)/coverage combine --quiet
	$(BIN)/python -m tests.coverage_report
else
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS) $(call second_try,$(BIN)/python)
endif

# SECOND_TRY=1: up to three modules with failures run once more, alone. The CI asks for it
# (tests/second_try.py).
FAILED := $(VENV)/failed.txt
ifeq ($(SECOND_TRY),1)
second_try = --failed-modules=$(FAILED) || { test -s $(FAILED) && echo "Second try:" && \
	    $(1) -m pytest --numprocesses 0 --verbose $$(cat $(FAILED)); }
endif

# BASE=commit: since then; otherwise since the branch left main.
quick: $(VENV)/.development ## within a minute: linters, types, and the tests beside what changed
	$(BIN)/python -m tests.quick $(BASE)

lowest: $(LOWEST)/.installed ## the tests on the lowest versions that pyproject.toml allows (ARGS: which)
	$(LOWEST)/bin/python -m pytest $(PARALLEL) $(or $(ARGS),--ignore=tests/clients)

lint: $(VENV)/.development ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development ## mypy
	$(BIN)/mypy

format: $(VENV)/.development ## ruff: mends what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Versions that are locked stay unless ARGS=--upgrade or ARGS="--upgrade-package NAME" is given.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11
HASHED = --generate-hashes --custom-compile-command "make lock" $(ARGS)
lock: $(VENV)/.runtime ## writes requirements/ after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	$(BIN)/python $(PIP_INSTALL) --group lock
	$(COMPILE) $(HASHED) pyproject.toml --group dev --group build -o requirements/development.txt
	$(COMPILE) $(HASHED) pyproject.toml -c requirements/development.txt -o requirements/runtime.txt
	$(COMPILE) $(HASHED) pyproject.toml --all-extras -c requirements/development.txt -o requirements/image.txt
	$(COMPILE) $(HASHED) --group build -c requirements/development.txt -o requirements/build.txt
	$(COMPILE) pyproject.toml --all-extras --resolution lowest-direct -o $(VENV)/lowest-direct.txt
	$(COMPILE) $(HASHED) pyproject.toml --all-extras --group dev --group build \
	    -c $(VENV)/lowest-direct.txt -o requirements/lowest.txt

# QUICK=1: within a minute and a half, without the peers and the generic path. PEERS=0: without the
# peers. ROUNDS=n. CASES=name,name: these only.
# ABORTS=1: clients that leave, only (ABORT_COUNT=n, SEED=n). SOAK=1: ten minutes of good and bad
# traffic, only (SOAK_SECONDS=n, SEED=n). LOOKUPS=1: good requests beside look-ups and 404s, only
# (ROUNDS=n). PACE=1: streams beside conversations of 3 MB, only (ROUNDS=n). SCALE=1: two workers,
# 10,000 streams, 10,000 models, only (ROUNDS=n). SOCKETS=1: events over WebSockets beside the same
# over HTTP, only (ROUNDS=n). GROWTH=1: conversations from 1 to 3,000 turns, only;
# draws docs/images/growth.svg.
bench: $(VENV)/.runtime ## measurements beside nginx and peers (QUICK=1: within a minute and a half)
	QUICK=$(QUICK) PEERS=$(PEERS) ROUNDS=$(ROUNDS) CASES='$(CASES)' SEED=$(SEED) \
	ABORTS=$(ABORTS) ABORT_COUNT=$(ABORT_COUNT) SOAK=$(SOAK) SOAK_SECONDS=$(SOAK_SECONDS) \
	LOOKUPS=$(LOOKUPS) PACE=$(PACE) SCALE=$(SCALE) SOCKETS=$(SOCKETS) GROWTH=$(GROWTH) \
	$(BIN)/python -m bench.run

screenshots: $(VENV)/.development ## the pictures of the admin page in docs/images, by Chromium
	$(BIN)/python -m tests.screenshots

system-packages: ## Debian's programs that some tests run, where root and apt are
	.ci/system-packages

clean: ## removes environments and caches
	rm -rf $(VENV) $(LOWEST) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* dist build
