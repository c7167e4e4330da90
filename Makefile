# Every verb bootstraps itself: a virtual environment in .venv with the pinned requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Bytecode on: without it every start compiles a few thousand modules again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test check up lab dagster upgrade clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## install everything into .venv

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "installing the pinned requirements into $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## run eight simulated calls end to end and print the report (DEMO_ARGS="--json demo.json")
	@reauto demo $(DEMO_ARGS)

test: $(READY) ## run all tests (TEST_ARGS="-k money")
	@pytest -n 2 $(TEST_ARGS)

check: $(READY) ## lint, types, import contracts, house rules, Dagster definitions
	@ruff check .
	@ruff format --check .
	@mypy
	@lint-imports
	@pytest -q tests/house
	@dg check defs

up: $(READY) ## run the service here, with embedded PostgreSQL and Redis unless URLs are set
	@reauto up

lab: $(READY) ## open JupyterLab on the notebooks, with the snapshot of REAUTO_DATA_DIR or of the latest demo
	@latest=$$(ls -d $(CURDIR)/data/local/demo-*/ 2>/dev/null | tail -1); \
	REAUTO_DATA_DIR=$${REAUTO_DATA_DIR:-$${latest:-$(CURDIR)/data}} jupyter lab --notebook-dir notebooks

dagster: $(READY) ## open Dagster's webserver and daemon
	@mkdir -p data/local/dagster && DAGSTER_HOME=$(CURDIR)/data/local/dagster dg dev

upgrade: $(READY) ## recompile the pins, show what changed, test, and restore them on failure (PACKAGE=name)
	@python -m cli.upgrade $(PACKAGE)

clean: ## remove the virtual environment and local data of embedded servers
	rm -rf $(VENV) data/local
