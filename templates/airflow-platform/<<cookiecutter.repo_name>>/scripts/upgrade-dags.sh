#!/usr/bin/env bash
# Brings dags/ to the running platform, whatever its DAGs come from: in a new image; by waiting for git-sync; in production
# by another tag of git.
#   make upgrade-dags
#   make upgrade-dags ENVIRONMENT=prod KUBE_CONTEXT=... GIT_TAG=... [YES=1]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"
# shellcheck source=scripts/image.sh
source scripts/image.sh
# shellcheck source=scripts/secrets.sh
source scripts/secrets.sh
# shellcheck source=scripts/release.sh
source scripts/release.sh

readonly DAG_PROCESSOR="deployment/$RELEASE-dag-processor"

need git
if [[ "$ENVIRONMENT" == dev ]]; then
  need docker
  need_docker_engine
elif [[ -z "$GIT_TAG" ]]; then
  problem "GIT_TAG, the tag whose DAGs shall run"
fi
need_platform

step "Looking at what runs" "\`make up\` mends a release that is not whole."
read_release
if [[ "$RELEASE_STATUS" == none ]]; then fail "there is no release $RELEASE in $KUBE_CONTEXT: \`make up\` makes it."; fi
containers="$(kubectl get "$DAG_PROCESSOR" --output jsonpath='{.spec.template.spec.containers[*].name}')"

running_tag() {
  local image
  image="$(kubectl get "$DAG_PROCESSOR" --output jsonpath='{.spec.template.spec.containers[?(@.name=="dag-processor")].image}')"
  echo "${image##*:}"
}

# git-sync keeps each commit in a folder of its name and turns a link to it.
synced_commit() {
  local link
  link="$(kubectl exec "$DAG_PROCESSOR" --container dag-processor -- readlink /opt/airflow/dags/repo)" || return 1
  echo "${link##*/}"
}

follow_git_sync() {
  local head local_head="" have=""
  step "Waiting for git-sync, which follows $GIT_BRANCH of $GIT_REPO_URL" \
    "\`make logs COMPONENT=dag-processor\` shows what git-sync says."
  head="$(remote_reference "refs/heads/$GIT_BRANCH" | cut -f 1)"
  local_head="$(git rev-parse --verify --quiet HEAD || true)"
  if [[ "$head" != "$local_head" ]] || ! tree_is_clean; then
    note "what lies here is not what is pushed: git-sync brings $head"
  fi
  SECONDS=0
  while true; do
    have="$(synced_commit)" || have=""
    if [[ "$have" == "$head" ]]; then break; fi
    if [[ $SECONDS -ge "${SYNC_TIMEOUT:-180}" ]]; then
      fail "after ${SYNC_TIMEOUT:-180} s git-sync has ${have:-nothing} in place of $head: \`make logs COMPONENT=dag-processor\` shows why."
    fi
    note "it has ${have:-nothing} ... ${SECONDS} s"
    sleep "${SYNC_POLL:-5}"
  done
  note "it has $head"
}

if [[ "$ENVIRONMENT" == prod ]]; then
  TAG="$(running_tag)"
  check_git_tag
  require_secrets
  deploy_release
elif [[ " $containers " == *" git-sync "* ]]; then
  follow_git_sync
else
  take_lock
  GIT_SYNC=off
  ensure_image
  load_image
  deploy_release
fi
