#!/bin/sh
# Makes .venv from a bare machine: python3, git and, for `dev`, Java. Called by the Makefile.
#   scripts/bootstrap.sh tool   what `make cut` needs
#   scripts/bootstrap.sh dev    what `make test` needs
set -eu

kind=${1:?usage: bootstrap.sh tool|dev}
python=${PYTHON:-python3}
cd "$(dirname "$0")/.."

stop() {
    echo "error: $*" >&2
    exit 2
}

command -v "$python" >/dev/null 2>&1 ||
    stop "Python 3.11 or newer is needed and '$python' is not on PATH: install it, or name one with 'make PYTHON=python3.12 …'."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "Python 3.11 or newer is needed and '$python' is $("$python" -V 2>&1 | cut -d' ' -f2): install a newer one, or name one with 'make PYTHON=python3.12 …'."
command -v git >/dev/null 2>&1 || stop "git 2.38 or newer is needed and 'git' is not on PATH: install it."
git_version=$(git version | sed 's/[^0-9]*\([0-9]*\.[0-9]*\).*/\1/')
[ "${git_version%%.*}" -gt 2 ] || { [ "${git_version%%.*}" -eq 2 ] && [ "${git_version##*.}" -ge 38 ]; } ||
    stop "git 2.38 or newer is needed and this is $git_version: install a newer one."
if [ "$kind" = dev ]; then
    java=java
    [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
    command -v "$java" >/dev/null 2>&1 ||
        stop "Java 17 or newer is needed by Spark and '$java' is not there: install a JDK (Debian: openjdk-17-jre-headless) or set JAVA_HOME."
    java_version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${java_version:-0}" -ge 17 ] ||
        stop "Java 17 or newer is needed by Spark and '$java' is ${java_version:-of unknown version}: install a newer one or set JAVA_HOME."
fi

if [ ! -x .venv/bin/python ]; then
    echo "Making .venv with $("$python" -V 2>&1) …"
    "$python" -m venv .venv >/dev/null 2>&1 || {
        rm -rf .venv
        stop "'$python' cannot make virtual environments: install its venv module (Debian: python3-venv)."
    }
fi
if [ ! -x .venv/bin/uv ]; then
    awk '/^uv==/ {on = 1} on {print} on && !/\\$/ {exit}' requirements.lock >.venv/uv.txt
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
fi

# Without this uv takes a VIRTUAL_ENV of the calling shell for the target.
VIRTUAL_ENV=$PWD/.venv
export VIRTUAL_ENV
if [ "$kind" = tool ]; then
    echo "Installing mshell-cut …"
    .venv/bin/uv pip install --quiet --compile-bytecode --constraints requirements.lock --editable .
else
    echo "Installing the development environment …"
    .venv/bin/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
    .venv/bin/uv pip install --quiet --no-deps --editable . --editable packages/skyspark --editable packages/databricks-local
    .venv/bin/skyspark jars fetch
fi
