# make run | test | lint | bench | package: each installs what it needs into the checkout first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint bench package install

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
	$(BIN)/python -m pytest

package: install
	$(BIN)/python -m manifest.package

bench: install
	$(BIN)/python -m tests.bench
