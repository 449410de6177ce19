.DEFAULT_GOAL := help
PYTHON ?= python3

.PHONY: help setup lint test-fast test

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet -e . pytest pytest-asyncio pytest-xdist hypothesis ruff mypy types-PyYAML
	@touch $@

setup: .venv/ready ## make the virtual environment

lint: setup ## ruff and mypy
	.venv/bin/ruff check
	.venv/bin/mypy

test-fast: setup ## the tests without a cluster
	.venv/bin/python -m pytest -q

test: test-fast ## all that CI checks
