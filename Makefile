# make demo · make test · make lint · make format · make clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test lint types format clean

# The demo needs the runtime dependencies only; the tests add the development group.
$(VENV)/.runtime: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.development: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	touch $@

demo: $(VENV)/.runtime
	$(BIN)/gateway demo $(ARGS)

# ROUNDTRIPS=n: that many random exchanges of each pair of shapes. SCHEMATHESIS=n: as many requests
# of each endpoint, made by schemathesis.
test: lint types
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development
	$(BIN)/mypy

format: $(VENV)/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# QUICK=1: within a minute, without the peers. ROUNDS=n. ABORTS=1: clients that leave, only
# (ABORT_COUNT=n, SEED=n). SOAK=1: ten minutes of good and bad traffic, only (SOAK_SECONDS=n, SEED=n).
# LOOKUPS=1: good requests beside look-ups and 404s, only (ROUNDS=n).
.PHONY: bench
bench: $(VENV)/.runtime
	QUICK=$(QUICK) ROUNDS=$(ROUNDS) ABORTS=$(ABORTS) ABORT_COUNT=$(ABORT_COUNT) \
	SOAK=$(SOAK) SOAK_SECONDS=$(SOAK_SECONDS) SEED=$(SEED) LOOKUPS=$(LOOKUPS) $(BIN)/python -m bench.run

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* dist build
