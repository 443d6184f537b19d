# Two commands matter: `make demo` and `make test`. The rest serves them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
export UV_NO_PROGRESS = 1
export PYTHONDONTWRITEBYTECODE ?=

.DEFAULT_GOAL := help
.PHONY: help ui demo test check lint lock bench build smoke pictures clean system-run system-test

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: $(VENV)/run.stamp web/assets/vendor/manifest.json  ## install, start the database, make and analyse the demo district
	@$(BIN)/gridbeat demo --out out/demo

test: $(VENV)/test.stamp web/assets/vendor/manifest.json  ## the whole suite on a real PostGIS and a real browser
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest --hypothesis-profile=ci -n auto --maxprocesses 4 --dist loadfile
	@$(MAKE) --no-print-directory smoke

lint:  ## style, types and the directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

smoke:  ## build the wheel and use it in an empty environment
	@sh tools/wheel-smoke-test

bench: $(VENV)/test.stamp  ## print every ratio that the documents name
	@for file in benchmarks/*.py; do name=$$(basename $$file .py); echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

pictures: $(VENV)/test.stamp web/assets/vendor/manifest.json  ## the pictures of docs/, from the demo district
	$(BIN)/python tools/docs_pictures.py

ui: web/assets/vendor/manifest.json  ## the browser pages and libraries

build: web/assets/vendor/manifest.json  ## the wheel, with its browser assets
	$(BIN)/uv build --wheel --no-build-isolation --out-dir dist

lock: $(BIN)/uv  ## renew the locks: versions and hashes, no addresses
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --upgrade \
	    --extra china --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header \
	    --extra china --extra dask --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header \
	    --extra china --extra dask --group build --group dev --group bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock

clean:  ## remove what was made here; the database stays
	rm -rf $(VENV) out dist web/assets web/ui/node_modules .pytest_cache .mypy_cache .ruff_cache

system-run system-test:
	@[ -n "$$GRIDBEAT_SKIP_APT" ] || tools/system-packages $(@:system-%=%)

$(BIN)/uv: | system-run
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gridbeat needs Python 3.11 or newer; name one with make PYTHON=python3.12 ...")'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/run.stamp: requirements.lock pyproject.toml | system-run $(BIN)/uv
	@echo "Installing Python packages from requirements.lock"
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@echo "Compiling the numerical kernels, once"
	@$(BIN)/python tools/warm_kernels.py
	@touch $@

$(VENV)/test.stamp: requirements-dev.lock $(VENV)/run.stamp | system-test
	@echo "Installing Python packages from requirements-dev.lock"
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

UI_SOURCES := $(shell find web/ui -name node_modules -prune -o -type f -print)
web/assets/vendor/manifest.json: $(UI_SOURCES) | $(VENV)/run.stamp
	@echo "Building the browser pages"
	@$(BIN)/python web/ui/build.py
	@touch $@
