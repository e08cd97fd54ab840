# Set-up, demo and tests. Needs Python >= 3.11 and make; uses uv when it is there, pip when it is not.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo up test lint types drills bench schemas models pictures locks clean

demo: $(VENV)/.runtime
	$(BIN)/watcher demo

up: $(VENV)/.runtime
	$(BIN)/watcher up

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 4 --dist loadgroup

lint: $(VENV)/.dev
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

types: $(VENV)/.dev
	$(BIN)/mypy

drills: $(VENV)/.dev
	LINE_TEST_ROUNDS=42 LINE_TEST_SWAPS=20 DRILL_STALL=1 DRILL_FEEDS=200 DRILL_MESSAGES=20000 DRILL_KILLS=40 DRILL_FAULTS=10 $(BIN)/python -m pytest tests/line tests/drills -s --timeout=1800
	TESTS_WHOLE=1 API_TEST_EXAMPLES=20 $(BIN)/python -m pytest tests/web -n 2 -s --timeout=3600
	PARSE_TEST_MUTATIONS=30 PARSE_TEST_ROUNDS=1000 $(BIN)/python -m pytest tests/parse -n 2 --timeout=1800

bench: $(VENV)/.dev # each prints ratios of one run
	for one in benchmarks/*.py; do $(BIN)/python $$one || exit 1; done

# What is made by scripts: JSON Schemas, the seed feed, the pictures of the README.
schemas: $(VENV)/.dev
	$(BIN)/watcher rules schema > watcher/data/rule.schema.json
	$(BIN)/watcher config schema > watcher/data/config.schema.json
	$(BIN)/watcher channels schema > watcher/data/webhook.schema.json

# What the shipped rules have learned, from labelled news and their own examples.
models: $(VENV)/.dev
	for rule in licensing-deal city-partnership funding; do $(BIN)/watcher rules learn $$rule --rules rules \
		$(patsubst %,--input %,$(sort $(wildcard tests/news/learned/*.jsonl))) || exit 1; done

pictures: $(VENV)/.dev
	$(BIN)/python -m watcher.demo.pictures

locks:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		pyproject.toml --extra postgres --extra fulltext -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		pyproject.toml --extra postgres --extra fulltext --group dev -o requirements-dev.lock

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found"; exit 1; }
	if command -v uv >/dev/null 2>&1; then uv venv -q --python "$(PYTHON)" $(VENV); else "$(PYTHON)" -m venv $(VENV); fi

# Bytecode is compiled at install, whatever the environment says of writing it: every process starts twice as fast.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	sh .ci/install requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	sh .ci/install requirements-dev.lock
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) var build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
