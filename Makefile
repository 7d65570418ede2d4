# make run | test | lint | bench | package | chaos SEEDS=n: each installs what it needs into the checkout first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint bench package chaos install

install: .venv/.installed sandbox/node_modules/.installed manifest/node_modules/.installed

.venv/.installed: requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

%/node_modules/.installed: %/package-lock.json
	cd $* && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

run: install
	$(BIN)/python app.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal

package: install
	$(BIN)/python -m manifest.package

bench: install
	$(BIN)/python -m tests.bench

SEEDS ?= 20000
chaos: install
	CHAOS_SEEDS=$(SEEDS) $(BIN)/python -m pytest tests/fault/test_chaos.py tests/fault/test_chaos_schedules.py
