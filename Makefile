# `make run` and `make test` do all of their own set-up. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help run install test check lint types contracts format docs bench migration lock clean browser

help: ## List what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.installed ## Start a development server on 127.0.0.1:8044
	@$(BIN)/haversack dev

install: $(VENV)/.installed ## Make .venv with everything the server needs

$(VENV)/.installed: requirements/run.txt pyproject.toml
	@echo "Installing into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src/haversack
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	@echo "Installing what tests and checks need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

browser: ## Install a browser for the page tests, where there is none
	@bash tests/pages/install_browser.sh

test: $(VENV)/.installed-dev browser ## Run every test, on a database of its own
	@bash tests/run.sh $(PROCESSES)

check: lint types contracts test ## All that CI runs on this tree alone

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	@$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	@$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Format and mend what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.installed ## Write docs/operations.md, docs/errors.md and docs/events.md anew
	@$(BIN)/haversack reference docs

bench: $(VENV)/.installed-dev ## Measure, as ratios within one run (benchmarks/README.md)
	@$(BIN)/python -m benchmarks

migration: $(VENV)/.installed-dev ## Write a migration: make migration MESSAGE="what it does"
	@$(BIN)/python -m haversack.database.new_migration "$(MESSAGE)"

lock: $(VENV)/.installed-dev ## Pin dependencies anew from pyproject.toml
	@$(BIN)/python -m uv pip compile -q pyproject.toml --extra install --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -o requirements/run.txt
	@$(BIN)/python -m uv pip compile -q pyproject.toml --extra install --extra dev --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/run.txt -o requirements/dev.txt

clean: ## Remove what make has made (not the data in .haversack)
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
