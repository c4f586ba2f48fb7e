#!/bin/sh
# Makes .venvs/lambda with astro-dag-deploy and what its tests need, unless it is newer than what it is made from.
#   scripts/lambda.sh          make it
#   scripts/lambda.sh lock     resolve it anew into its lock
set -eu

cd "$(dirname "$0")/.."
lock=scripts/lambda/requirements.lock
environment=.venvs/lambda
made=$environment/.done
package=packages/astro-dag-deploy
case ${1:-make} in
make) ;;
lock)
    exec .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
        --output-file "$lock" scripts/lambda/requirements.in "$package/pyproject.toml"
    ;;
*) echo "error: '$1' is neither make nor lock." >&2 && exit 2 ;;
esac
[ "$made" -nt "$lock" ] && [ "$made" -nt "$package/pyproject.toml" ] && exit 0
echo "Making $environment …"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$environment"
.venv/bin/uv pip install --quiet --python "$environment" --require-hashes -r "$lock"
.venv/bin/uv pip install --quiet --python "$environment" --no-deps --editable "$package"
touch "$made"
