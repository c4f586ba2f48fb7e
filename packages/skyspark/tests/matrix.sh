#!/bin/sh
# Runs the tests that depend on Spark on the lines beside the development environment's:
#   packages/skyspark/tests/matrix.sh [41 42]
#   packages/skyspark/tests/matrix.sh environments     make them and run nothing
# Each line gets an environment of its own, .venvs/spark41 and so on, from the extras and what tests import.
set -eu

cd "$(dirname "$0")/../../.."
uv=$PWD/.venv/bin/uv
python=$PWD/.venv/bin/python
run=yes
[ "${1:-}" != environments ] || { run=no && shift; }
[ $# -gt 0 ] || set -- 41 42
# What takes longest and holds on the lines at both ends holds between them.
between="--ignore-glob=*/test_merge.py --ignore-glob=*/test_save.py --ignore-glob=*/test_connect.py"
for name in "$@"; do
    [ "$name" = 41 ] && spared=$between || spared=
    environment=.venvs/spark$name
    made=$environment/.done
    if ! { [ "$made" -nt packages/skyspark/pyproject.toml ] && [ "$made" -nt packages/skyspark/tests/matrix.sh ]; }; then
        echo "Making $environment …"
        [ -x "$environment/bin/python" ] || "$uv" venv --quiet --python "$python" "$environment"
        # Spark is built from source: a cache keeps three more copies of it. Projects ask for the line between.
        [ "$name" = 41 ] && cached= || cached=--no-cache
        "$uv" pip install --quiet $cached --python "$environment/bin/python" \
            --editable "packages/skyspark[spark$name,connect,deploy]" pytest pytest-xdist hypothesis pexpect databricks-bundles
        touch "$made"
    fi
    "$environment/bin/skyspark" jars fetch
    [ $run = no ] || "$environment/bin/python" -m pytest packages/skyspark/tests -m spark_matrix -q -n auto \
        --dist loadfile --no-loadscope-reorder $spared
done
