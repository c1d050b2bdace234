# Everything a person does with this checkout. `make help` lists it.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
PYTHON := $(shell sh tools/find-python)
PACKAGES := domain workflows activities oem_adapters market optimizer ledger savings telemetry application console backtest demo embedded simulator worker.py worker_environment.py tests benchmarks
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-ui alerts mutants test-fast lint types check bench fmt clean lock

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) $(COMPILED) ## make .venv with everything pinned and hash-checked (does nothing when it is there)

$(STAMP): requirements/dev.txt pyproject.toml .python-version
	@test -n "$(PYTHON)" || { echo "heatsteer needs Python 3.13 or 3.12: install one (for instance with your package manager, pyenv or uv) and run make again." >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(STAMP)

# The planner's inner loops as machine code, so that no plan waits for a compiler; optional, for a plan compiles what it
# does not find.
$(COMPILED): $(STAMP) $(wildcard optimizer/*.py)
	@$(BIN)/python -m optimizer.warm_up || true
	@touch $(COMPILED)

demo: setup ## steer a winter market day end to end (ARGS="--pumps 30 --speed 360")
	@$(BIN)/heatsteer demo $(ARGS)

test: $(STAMP) $(COMPILED) ## all tests, with the real Temporal server and PostgreSQL (a file's scenarios share one world)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-ui: $(STAMP) ## Temporal's Web UI as operators see it, in headless Chromium (Debian: apt-get install chromium)
	@$(BIN)/python -m pytest -n 0 -m browser tests/webui $(ARGS)

alerts: $(STAMP) $(COMPILED) ## break one thing after the other; the alert named for it must fire alone and clear (Debian: apt-get install prometheus)
	@$(BIN)/python -m ops.try_alerts $(ARGS)

mutants: $(STAMP) ## break one rule at a time; the scenario named for it must notice (ARGS=--json)
	@$(BIN)/python tools/mutants.py $(ARGS)

test-fast: $(STAMP) ## the quick tests that start no server, in under 30 s
	@$(BIN)/python -m pytest -n 2 -m "not servers and not slow and not browser" $(ARGS)

lint: $(STAMP) ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(STAMP) ## mypy, strict
	@$(BIN)/mypy

check: lint types ## everything that needs no run

bench: setup ## the figures the README names (ARGS=--json)
	@$(BIN)/python -m benchmarks $(ARGS)

fmt: $(STAMP) ## put the code in form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## renew requirements/*.txt from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes --no-header --no-annotate --quiet --upgrade -o requirements/runtime.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.12 --generate-hashes --no-header --no-annotate --quiet -c requirements/runtime.txt -o requirements/dev.txt
	uv pip compile pyproject.toml --extra vendor-clients --universal --python-version 3.12 --generate-hashes --no-header --no-annotate --quiet -c requirements/dev.txt -o requirements/vendor-clients.txt

clean: ## remove .venv, caches and ./var
	rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
