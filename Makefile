# Two commands do all set-up: `make demo` and `make test`. Needs Python 3.11 or newer with venv, git and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: demo demo-clean test check bench wheel clean

demo: .venv/installed-demo  ## One real weekly issue, over real SMTP, into a Maildir
	@$(BIN)/python -m tests.demo

demo-clean:  ## Start the demo over
	rm -rf demo

test: .venv/installed-dev  ## All tests
	$(BIN)/python -m pytest --numprocesses auto --durations=10 --cov --cov-report=term:skip-covered

check: .venv/installed-dev  ## Lint, format, types, the direction of imports, the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports importlinter.toml --no-logo
	$(BIN)/python -m pytest --quiet --numprocesses auto tests/test_docs.py

bench: .venv/installed-dev  ## Every figure in the docs
	$(BIN)/python -m benchmarks

wheel: .venv/installed-dev
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .coverage

.venv/installed-demo: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv …"
	@$(PIP) install --editable ".[demo]"
	@touch $@

.venv/installed-dev: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --editable ".[dev]"
	@touch $@ .venv/installed-demo
