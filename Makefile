# Everything runs in .venv, which is made on first use: with uv when there is one, else with venv and pip.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv
BENCH_VENV := .venv-bench
IN := $(VENV)/bin/
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run up down logs urls test lint bench gate docs lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(VENV)/.run ## Start the service on HOST and PORT (127.0.0.1 and 8000) with SQLite
	@given=$$(export -p); set -a; if [ -f .env ]; then . ./.env; fi; eval "$$given"; set +a; exec $(IN)python -m service serve --host $(HOST) --port $(PORT)

up: ## Start the whole stack in Docker; PROFILES="demo sentry" adds traffic and an error tracker
	@$(PYTHON) -m service.tools.up $(PROFILES)

down: ## Stop it; what it has stored stays (docker compose down --volumes removes that, too)
	@docker compose --profile '*' down

logs: ## Follow its logs; SERVICE=shop for one of its parts
	@docker compose --profile '*' logs --follow --tail 50 $(SERVICE)

urls: ## Tell where its parts are, and how to read their passwords
	@$(PYTHON) -m service.tools.urls

# In CI coverage is measured, too, which takes twice as long; `make test CI=true` does the same here.
# A test that hangs fails, with the stacks of its threads.
test: $(VENV)/.dev ## Run every test; those that need Docker, a cluster or a browser say so where there is none
	$(IN)python -m pytest -n auto --dist loadfile --timeout 300 $(if $(CI),--cov --cov-report=term)

lint: $(VENV)/.dev ## Check style, types and who imports whom
	$(IN)ruff check .
	$(IN)ruff format --check .
	$(IN)mypy
	$(IN)lint-imports --no-logo

bench: $(BENCH_VENV)/.bench ## Measure what the metrics cost, beside the alternatives; writes docs/benchmarks.md
	$(BENCH_VENV)/bin/python -m loadtest.overhead

gate: $(BENCH_VENV)/.bench ## Count instructions per request and fail when the metrics have become dearer
	$(BENCH_VENV)/bin/python -m loadtest.overhead.gate

docs: $(VENV)/.dev ## Make the generated pages and the screenshots again
	$(IN)python -m service errors --markdown > docs/error-codes.md
	$(IN)python docs/make_metrics.py
	$(IN)python docs/images/screenshots.py

lock: ## Pin the versions again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra sentry --extra redis --extra otel -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra sentry --extra redis --extra otel --extra loadtest -c requirements.lock -o requirements-loadtest.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra sentry --extra redis --extra otel --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header loadtest/overhead/peers.in -c requirements.lock -o loadtest/overhead/peers.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header tests/compat/oldest.in -o tests/compat/oldest.lock

clean: ## Remove environments and caches
	rm -rf $(VENV) $(BENCH_VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

# $(call install,environment,requirement files)
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: $(PYTHON) is older than Python 3.11 or missing; name another one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	$(if $(UV),@test -x $(1)/bin/python || uv venv --quiet --python "$$(command -v $(PYTHON))" $(1),@test -x $(1)/bin/python || $(PYTHON) -m venv $(1))
	$(if $(UV),uv pip install --quiet --python $(1)/bin/python --require-hashes $(2),$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes $(2))
	@touch $@
endef

$(VENV)/.run: requirements.lock
	$(call install,$(VENV),-r requirements.lock)

$(VENV)/.dev: requirements-dev.lock
	$(call install,$(VENV),-r requirements-dev.lock)
	@touch $(VENV)/.run

$(BENCH_VENV)/.bench: requirements.lock loadtest/overhead/peers.lock
	$(call install,$(BENCH_VENV),-r requirements.lock -r loadtest/overhead/peers.lock)
