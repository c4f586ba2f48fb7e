#!/bin/sh
# Builds the wheels that cut projects carry. The same sources make the same bytes on every machine.
#   scripts/vendor.sh [FOLDER [PLATFORM_FOLDER]]   by default the vendor/ of skyspark and of airflow-platform
# With FOLDER alone it builds no wheels for airflow-platform.
set -eu

cd "$(dirname "$0")/.."
project='<<cookiecutter.repo_name>>'
into=${1:-$project/vendor}
platform=${2-}
[ $# -gt 0 ] || platform=templates/airflow-platform/$project/vendor
# Zip knows no earlier day.
SOURCE_DATE_EPOCH=315532800
export SOURCE_DATE_EPOCH

wheel() {
    .venv/bin/python -m build --quiet --wheel --no-isolation --outdir "$1" "$2"
}

mkdir -p "$into"
rm -f "$into"/*.whl
for package in packages/skyspark packages/alchemy-airflow-operators packages/databricks-local; do
    wheel "$into" "$package"
done
ls "$into"
[ -n "$platform" ] || exit 0

# The transformations of the sample: a project as skyspark's own answers make it, whatever this machine's are.
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
HOME=$made .venv/bin/cookiecutter --no-input --default-config --output-dir "$made/projects" .
mkdir -p "$platform"
rm -f "$platform"/*.whl
cp "$into"/skyspark-*.whl "$platform"
wheel "$platform" "$made"/projects/*
ls "$platform"
