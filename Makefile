# Every target sets up what it needs in .venv, from nothing, and is quick when it is already there.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: chat test check lint demo bundle golden bench clean

chat: .venv/.base
	@$(BIN)/chatbot chat

test: .venv/.dev .venv/.node
	$(BIN)/pytest -n 2

check: lint test check-wheel

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The wheel alone: a fresh environment with the base install passes the tests of that profile.
check-wheel: .venv/.dev
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt build/wheel/duihua-*.whl pytest hypothesis pexpect
	build/wheel/venv/bin/pytest -q tests/base

# The whole way on a small corpus, each step printed: import, train, export, reply.
demo: .venv/.train
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

# The bundle that ships, from the starter corpus: more than an hour on two cores.
bundle: .venv/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" sh corpora/xiaoyan/build.sh

# The golden files: what is committed is what this rebuilds.
golden: .venv/.dev
	$(BIN)/python -m tests.golden

bench: .venv/.dev
	$(BIN)/python -m benchmarks

# The packages of the examples in JavaScript. Where they cannot be had, the tests that need them say so.
NODE := examples/node examples/web tests/examples

.venv/.node: $(NODE:=/package-lock.json) | .venv/bin/python
	@for folder in $(NODE); do \
		npm ci --silent --no-audit --no-fund --prefix $$folder || { \
			echo "npm has not installed $$folder: its tests are skipped"; exit 0; }; \
	done && touch $@

clean:
	rm -rf .venv build dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.base: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	@touch $@

.venv/.train: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[train]'
	@touch $@ .venv/.base

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/.base .venv/.train
