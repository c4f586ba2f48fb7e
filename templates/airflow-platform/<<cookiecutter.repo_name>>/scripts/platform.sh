# shellcheck shell=bash disable=SC2034  # what stands here is used where it is sourced
# What every verb sources: what the platform is called, words for people, what is checked first, and the only
# way to kubectl and helm. It runs on bash 3.2, the bash of macOS, as on any newer one.
#
# Exit codes: 0 done; 1 something failed or is not ready; 2 asked wrongly, or something is missing here;
# 130 interrupted.

set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

readonly PROJECT="<< cookiecutter.repo_name >>"
readonly NAMESPACE="<< cookiecutter.namespace >>"
readonly RELEASE="airflow"
readonly REGISTRY="<< cookiecutter.ecr_registry >>"
readonly REPOSITORY="<< cookiecutter.ecr_repository >>"
readonly IMAGE="$REGISTRY/$REPOSITORY"
readonly GIT_REPO_URL="<< cookiecutter.git_repo_url >>"
readonly GIT_BRANCH="<< cookiecutter.git_branch >>"
readonly CHART_REPOSITORY="https://airflow.apache.org"
readonly CHART_VERSION="<< cookiecutter._chart_versions[cookiecutter.airflow_version] >>"
readonly KUBERNETES_VERSION="<< cookiecutter._kubernetes_version >>"

ENVIRONMENT="${ENVIRONMENT:-dev}"
GIT_SYNC="${GIT_SYNC:-off}"
TAG="${TAG:-}"
GIT_TAG="${GIT_TAG:-}"
COMPONENT="${COMPONENT:-}"
YES="${YES:-}"
# A chart that lies here, such as a downloaded airflow-<version>.tgz, in place of the repository's.
CHART="${CHART:-airflow}"

STEP="" HINT="" PROBLEMS="" SAID="" INTERRUPTED="" LOCK="" TICKER="" SCRATCH=""

if command -v sha256sum >/dev/null 2>&1; then SHA256=(sha256sum); else SHA256=(shasum -a 256); fi

say() { printf '%s\n' "$*"; }

note() { printf '    %s\n' "$*"; }

# step WHAT [HOW TO GO ON WHEN IT FAILS]
step() {
  STEP="$1"
  HINT="${2:-Mend what the lines above say and run it again: it goes on from here.}"
  printf '==> %s\n' "$STEP"
}

# Errors go here: a trap may run while the call it interrupts has its stderr elsewhere.
exec 9>&2

# fail [CODE] SENTENCE
fail() {
  local code=1
  if [[ $# -gt 1 ]]; then
    code="$1"
    shift
  fi
  printf 'error: %s\n' "$1" >&9
  SAID=yes
  exit "$code"
}

on_exit() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [[ -n "$TICKER" ]]; then stop_ticker; fi
  if [[ -n "$SCRATCH" ]]; then rm -rf "$SCRATCH"; fi
  if [[ -n "$LOCK" ]]; then rm -f "$LOCK"; fi
  if [[ -n "$INTERRUPTED" ]]; then
    printf 'error: interrupted%s. Run it again: it goes on from here.\n' "${STEP:+ in \"$STEP\"}" >&9
  elif [[ $code -ne 0 && -z "$SAID" && -n "$STEP" ]]; then
    printf 'error: "%s" failed. %s\n' "$STEP" "$HINT" >&9
  fi
  exit "$code"
}
trap on_exit EXIT
trap 'INTERRUPTED=yes; exit 130' INT
trap 'INTERRUPTED=yes; exit 143' TERM
trap 'INTERRUPTED=yes; exit 129' HUP

# All that is missing is named at once: problem for each, stop_on_problems at the end.
problem() { PROBLEMS="$PROBLEMS
  - $1"; }

stop_on_problems() {
  if [[ -n "$PROBLEMS" ]]; then
    fail 2 "this is missing, and nothing was done:$PROBLEMS"
  fi
}

need() {
  local name where
  for name in "$@"; do
    case "$name" in
      docker) where="https://docs.docker.com/get-docker/" ;;
      kind) where="https://kind.sigs.k8s.io/docs/user/quick-start/#installation" ;;
      kubectl) where="https://kubernetes.io/docs/tasks/tools/" ;;
      helm) where="https://helm.sh/docs/intro/install/" ;;
      aws) where="https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html" ;;
      *) where="your system's packages" ;;
    esac
    # Not `command -v`, which finds the functions kubectl and helm below.
    type -P "$name" >/dev/null || problem "the program $name ($where)"
  done
}

# The engine's platform, such as linux/arm64, goes into PLATFORM.
need_docker_engine() {
  PLATFORM=""
  if command -v docker >/dev/null 2>&1; then
    PLATFORM="$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}' 2>/dev/null)" ||
      problem "a Docker engine that answers (start Docker; \`docker version\` says more)"
  fi
}

check_settings() {
  [[ "$ENVIRONMENT" == dev || "$ENVIRONMENT" == prod ]] || problem "ENVIRONMENT=dev or ENVIRONMENT=prod, in place of '$ENVIRONMENT'"
  [[ "$GIT_SYNC" == off || "$GIT_SYNC" == on ]] || problem "GIT_SYNC=off or GIT_SYNC=on, in place of '$GIT_SYNC'"
  [[ -z "$TAG" || "$TAG" =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || problem "a TAG of letters, digits and . _ -, in place of '$TAG'"
  [[ -z "$GIT_TAG" || "$GIT_TAG" =~ ^[A-Za-z0-9_][A-Za-z0-9_./-]*$ ]] || problem "a GIT_TAG that is the name of a tag, in place of '$GIT_TAG'"
  [[ -z "$COMPONENT" || "$COMPONENT" =~ ^[a-z][a-z-]*$ ]] || problem "a COMPONENT such as scheduler, in place of '$COMPONENT'"
  if [[ "$ENVIRONMENT" == prod ]]; then
    [[ -n "${KUBE_CONTEXT:-}" ]] || problem "KUBE_CONTEXT, the context of production (\`kubectl config get-contexts\` lists yours)"
  else
    # Whatever context is current or named: development never reaches another cluster than its own.
    KUBE_CONTEXT="kind-$PROJECT"
  fi
}

# No call of kubectl or helm depends on the context that happens to be current. (By their paths: on bash 3.2 a failing
# `command kubectl` ends the script even where `||` stands behind it.)
KUBECTL="$(type -P kubectl || true)"
HELM="$(type -P helm || true)"

kubectl() { "$KUBECTL" --context "$KUBE_CONTEXT" --namespace "$NAMESPACE" "$@"; }

helm() { "$HELM" --kube-context "$KUBE_CONTEXT" --namespace "$NAMESPACE" "$@"; }

scratch() {
  if [[ -z "$SCRATCH" ]]; then SCRATCH="$(mktemp -d "${TMPDIR:-/tmp}/$PROJECT.XXXXXX")"; fi
}

# One run at a time changes the cluster of this machine. Helm itself guards production.
take_lock() {
  local holder
  mkdir -p build
  if ! (set -o noclobber && echo "$$" >build/platform.lock) 2>/dev/null; then
    holder="$(cat build/platform.lock)"
    if [[ "$holder" =~ ^[0-9]+$ ]] && kill -0 "$holder" 2>/dev/null; then
      fail "process $holder is at work on this platform: wait for it, or remove build/platform.lock when it is none of ours."
    fi
    echo "$$" >build/platform.lock
  fi
  LOCK=build/platform.lock
}

stop_ticker() {
  # A signal with a trap, such as TERM, is lost on a subshell that has not come to resetting its traps yet.
  kill -KILL "$TICKER" 2>/dev/null || true
  # At once: bash would tell of a killed job that it comes across later.
  wait "$TICKER" 2>/dev/null || true
  TICKER=""
}

# patiently WHAT COMMAND...: says every 15 seconds that a command which is silent itself is still at work.
patiently() {
  local what="$1"
  shift
  (
    SECONDS=0
    while sleep "${TICK_SECONDS:-15}" >/dev/null 2>&1 9>&-; do note "$what ... ${SECONDS} s" >&2; done
  ) &
  TICKER=$!
  "$@"
  stop_ticker
}

confirm() {
  local answer=""
  if [[ "$YES" == 1 ]]; then return; fi
  if [[ ! -t 0 ]]; then fail 2 "$1 Nobody is here to confirm it: say YES=1."; fi
  printf '%s Go on? [y/N] ' "$1"
  read -r answer || true
  [[ "$answer" == y || "$answer" == Y || "$answer" == yes ]] || fail "nothing was done, as it was not confirmed."
}

cluster_exists() {
  local listed name
  listed="$(kind get clusters)" || exit 1
  for name in $listed; do
    if [[ "$name" == "$PROJECT" ]]; then return 0; fi
  done
  return 1
}

# For the verbs that look at a platform which must be there already.
need_platform() {
  check_settings
  need kubectl helm
  if [[ "$ENVIRONMENT" == dev ]]; then need kind docker; fi
  stop_on_problems
  if [[ "$ENVIRONMENT" == dev ]]; then
    step "Looking for the cluster $KUBE_CONTEXT" "Start Docker, then run it again."
    cluster_exists || fail "there is no cluster $KUBE_CONTEXT: \`make up\` makes it."
  fi
}

# Labels of a component's pods; PostgreSQL comes from a chart of its own, with labels of its own.
selector() {
  case "$1" in
    postgresql) echo "app.kubernetes.io/name=postgresql" ;;
    *) echo "release=$RELEASE,component=$1" ;;
  esac
}

is_there() {
  [[ -n "$(kubectl get pods --selector "$(selector "$1")" --output name)" ]]
}
