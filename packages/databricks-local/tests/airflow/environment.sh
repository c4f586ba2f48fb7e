#!/bin/sh
# Makes .venvs/airflow from the lock, unless it is newer than that: Airflow holds things at versions of its own.
set -eu

cd "$(dirname "$0")/../../../.."
lock=packages/databricks-local/tests/airflow/requirements.lock
made=.venvs/airflow/.done
[ "$made" -nt "$lock" ] && exit 0
.venv/bin/uv venv --quiet --clear --python .venv/bin/python .venvs/airflow
.venv/bin/uv pip install --quiet --python .venvs/airflow --require-hashes -r "$lock"
touch "$made"
