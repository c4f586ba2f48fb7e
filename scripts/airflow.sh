#!/bin/sh
# Makes an environment with Airflow and our packages beside it, unless it is newer than what it is made from.
#   scripts/airflow.sh newest   .venvs/airflow
#   scripts/airflow.sh lowest   .venvs/airflow-lowest, with the lowest Airflow that is supported
set -eu

cd "$(dirname "$0")/.."
case ${1:?usage: airflow.sh newest|lowest} in
newest) environment=.venvs/airflow ;;
lowest) environment=.venvs/airflow-lowest ;;
*) echo "error: '$1' is neither newest nor lowest." >&2 && exit 2 ;;
esac
lock=scripts/airflow/$1.lock
made=$environment/.done
[ "$made" -nt "$lock" ] && [ "$made" -nt packages/alchemy-airflow-operators/pyproject.toml ] &&
    [ "$made" -nt packages/databricks-local/pyproject.toml ] && exit 0
echo "Making $environment …"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$environment"
.venv/bin/uv pip install --quiet --python "$environment" --require-hashes -r "$lock"
.venv/bin/uv pip install --quiet --python "$environment" --no-deps \
    --editable packages/databricks-local --editable packages/alchemy-airflow-operators
touch "$made"
