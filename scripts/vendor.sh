#!/bin/sh
# Builds the wheels that cut projects carry. The same sources make the same bytes on every machine.
#   scripts/vendor.sh [FOLDER]   by default the template's vendor/
set -eu

cd "$(dirname "$0")/.."
into=${1:-<<cookiecutter.repo_name>>/vendor}
# Zip knows no earlier day.
SOURCE_DATE_EPOCH=315532800
export SOURCE_DATE_EPOCH
mkdir -p "$into"
rm -f "$into"/*.whl
for package in packages/skyspark packages/alchemy-airflow-operators packages/databricks-local; do
    .venv/bin/python -m build --quiet --wheel --no-isolation --outdir "$into" "$package"
done
ls "$into"
