#!/bin/sh
# Resolves the environments of scripts/airflow.sh anew into their locks.
set -eu

cd "$(dirname "$0")/.."
resolve() {
    .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header "$@" \
        scripts/airflow/requirements.in packages/alchemy-airflow-operators/pyproject.toml packages/databricks-local/pyproject.toml
}
resolve --output-file scripts/airflow/newest.lock
# Airflow 3.1.0 bounds nothing that it needs from above: it gets what there was in its time.
resolve --output-file scripts/airflow/lowest.lock --constraints scripts/airflow/lowest.txt --exclude-newer 2026-01-31 \
    --exclude-newer-package apache-airflow-providers-databricks=2026-07-11 \
    --exclude-newer-package apache-airflow-providers-common-compat=2026-07-11 \
    --exclude-newer-package apache-airflow-providers-common-sql=2026-07-11 \
    --exclude-newer-package aiohttp=2026-11-01
