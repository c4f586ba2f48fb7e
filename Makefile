SHELL := /bin/sh
PYTHON ?= python3
export PYTHON
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# A file's tests share what they set up, so they stay together.
PARALLEL := -n auto --dist loadfile
# Tests that start programs, and mostly wait for them and for the disk, leave room for as many again.
WAITING := -n $(shell expr 2 \* `getconf _NPROCESSORS_ONLN`) --dist loadfile
# Where a conftest puts the files that take longest first.
LONGEST_FIRST := $(PARALLEL) --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help cut build-dev lint format test environments bench demo docs dist matrix audit vendor lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.tool: pyproject.toml requirements.lock scripts/bootstrap.sh
	@scripts/bootstrap.sh tool && touch $@

.venv/.dev: pyproject.toml packages/skyspark/pyproject.toml packages/databricks-local/pyproject.toml requirements.lock scripts/bootstrap.sh
	@scripts/bootstrap.sh dev && touch $@ .venv/.tool

# Hundreds of tests start a Java of their own, most of whose start this saves.
.venv/.warm: .venv/.dev
	@$(BIN)/skyspark warm || echo "Sessions start slower without it." >&2
	@touch $@

.venvs/stock/.done: tests/stock/requirements.lock .venv/.dev
	@echo "Installing stock cruft and cookiecutter …"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venvs/stock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python .venvs/stock --require-hashes -r tests/stock/requirements.lock
	@touch $@

build-dev: .venv/.dev .venv/.warm ## Make the development environment in .venv

cut: .venv/.tool ## Cut a project into the folder beside this one (ARGS="--output-dir ~/projects")
	@$(BIN)/mshell-cut cut $(if $(findstring --output-dir,$(ARGS)),,--output-dir ..) $(ARGS)

lint: .venv/.dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

environments: .venv/.dev .venvs/stock/.done
	@scripts/lambda.sh
	@scripts/airflow.sh newest
	@scripts/airflow.sh lowest
	@packages/skyspark/tests/matrix.sh environments

# What is fast and fails often comes first.
test: .venv/.dev ## Run all checks and tests, as CI does
	# Each of these leaves a core or the network idle.
	$(MAKE) --jobs=3 lint environments .venv/.warm
	$(PYTEST) tests -m "not slow" $(WAITING)
	$(BIN)/mypy --python-executable .venvs/lambda/bin/python packages/astro-dag-deploy/src packages/astro-dag-deploy/build_zip.py
	.venvs/lambda/bin/python -m pytest packages/astro-dag-deploy/tests $(WAITING)
	$(BIN)/mypy --python-executable .venvs/airflow/bin/python packages/alchemy-airflow-operators/src
	.venvs/airflow/bin/python -m pytest packages/alchemy-airflow-operators/tests $(PARALLEL)
	# Payloads know no Airflow, and what storms do to a task is its newest version's to show.
	.venvs/airflow-lowest/bin/python -m pytest packages/alchemy-airflow-operators/tests $(PARALLEL) \
		--ignore-glob='*/tests/payload/*' --ignore-glob='*/test_faults_*'
	$(PYTEST) packages/skyspark/tests $(LONGEST_FIRST)
	packages/skyspark/tests/matrix.sh
	# Its pipelines run on Spark 4.1, in the environment that the line above made.
	$(PYTEST) packages/databricks-local/tests $(LONGEST_FIRST)
	$(PYTEST) tests -m slow -n auto --maxschedchunk 1

demo: .venv/.dev .venv/.warm ## Walk from cutting a project to rows in Delta (KIND=docker|dab, KEEP=1 leaves it running)
	@scripts/airflow.sh newest
	@scripts/lambda.sh
	@$(BIN)/python demo --kind $(or $(KIND),docker) $(if $(KEEP),--keep)

docs: .venv/.dev ## Build the documentation into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

dist: .venv/.dev ## Build, check and try all packages for publication, into dist
	@$(BIN)/python scripts/dist.py

matrix: .venv/.dev ## Test all packages with the lowest dependencies and on each Python that is here
	$(BIN)/nox

audit: .venv/.dev ## Ask which locked dependencies have known vulnerabilities
	@$(BIN)/python scripts/audit.py

bench: .venv/.dev .venv/.warm .venvs/stock/.done ## Measure speed and print the ratios that are promised
	$(BIN)/python benchmarks/bench_cut.py
	$(BIN)/python benchmarks/bench_update.py
	$(BIN)/python benchmarks/bench_workspace.py
	scripts/airflow.sh newest
	$(BIN)/python benchmarks/bench_dag_import.py
	scripts/lambda.sh
	.venvs/lambda/bin/python benchmarks/bench_dag_upload.py
	$(BIN)/python benchmarks/bench_lambda_import.py
	$(BIN)/python benchmarks/bench_plan.py
	$(BIN)/python benchmarks/bench_run.py
	$(BIN)/python benchmarks/bench_project_tests.py
	$(BIN)/python benchmarks/bench_archive_memory.py

format: .venv/.dev ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

vendor: .venv/.dev ## Build the wheels that new projects carry
	@scripts/vendor.sh

lock: .venv/.tool ## Resolve all dependencies anew into requirements.lock
	$(BIN)/uv lock --quiet --upgrade
	$(BIN)/uv export --quiet --package mshell-cut --group dev --no-emit-workspace --no-header -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		tests/stock/requirements.in -o tests/stock/requirements.lock
	scripts/lock_airflow.sh
	scripts/lambda.sh lock
	$(MAKE) -C packages/astro-dag-deploy lock
	$(BIN)/python scripts/lock_template.py
	$(BIN)/python scripts/audit.py lock

clean: ## Remove environments, caches and build products
	rm -rf .venv .venvs build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
