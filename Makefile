# `make` alone lists what there is. Everything works on a machine with git, python3 (venv, pip) and make;
# where there is no C compiler, the one of the `ziglang` package is used.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# tests: `make test ARGS="-k lower -x"`
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format bench golden clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || \
		sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' $(MAKEFILE_LIST)

install: $(STAMP) ## create .venv with slim in it (editable); nothing happens the second time

$(STAMP): pyproject.toml setup.py
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "slim needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[test,lint]'
	test -n "$$CC" || command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || \
		$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[zig]'
	$(BIN)/python -m slim.core.compile
	touch $(STAMP)

demo: install ## check, compress, build and run the digits network
	$(BIN)/python examples/digits/demo.py

test: install ## run the tests
	$(BIN)/python -m pytest $(ARGS)

lint: install ## ruff, mypy --strict, the import contract, warnings of gcc and clang
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/lint_c.py

format: install ## let ruff lay the Python files out
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: install ## latency of the core beside onnxruntime on this machine
	$(BIN)/python -m benchmarks

golden: install ## outputs of MXNet 1.9.1 that the tests compare with, made in a venv of its own
	$(BIN)/python scripts/mxnet_golden.py

clean: ## remove what was built, but not .venv
	rm -rf build dist *.egg-info slim/runtime/_core.so examples/digits/out .coverage
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
