#!/usr/bin/env bash
# Brings the platform up, or up to date. What is there already is left alone: a second run changes nothing, and a run
# after a failed or interrupted one goes on where that one stopped.
#   make up [TAG=...] [GIT_SYNC=off|on] [FORCE=1]
#   make up ENVIRONMENT=prod KUBE_CONTEXT=... TAG=... GIT_TAG=... [YES=1]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"
# shellcheck source=scripts/image.sh
source scripts/image.sh
# shellcheck source=scripts/secrets.sh
source scripts/secrets.sh
# shellcheck source=scripts/release.sh
source scripts/release.sh

readonly HALF_MADE=build/cluster-half-made

check_development() {
  need docker kind kubectl helm git
  need_docker_engine
  check_secret_variables
}

check_production() {
  need kubectl helm aws git
  [[ -n "$GIT_TAG" ]] || problem "GIT_TAG, the tag whose DAGs run: a branch would change them without anybody saying so"
  if [[ -z "$TAG" ]]; then
    if tree_is_clean; then TAG="$(describe_tree)"; else problem "TAG, the image's: this folder differs from its last commit"; fi
  fi
}

# The pods of Airflow are of user 50000 and group 0: nobody's here.
make_logs_folder() {
  if [[ ! -d logs ]]; then mkdir -m 1777 logs; elif [[ -O logs ]]; then chmod 1777 logs; fi
}

# A node that has just been started does not answer at once.
wait_for_api() {
  SECONDS=0
  until kubectl get --raw /readyz >/dev/null 2>&1; do
    if [[ $SECONDS -ge "${API_TIMEOUT:-120}" ]]; then return 1; fi
    sleep 2
  done
}

ensure_cluster() {
  local nodes node running
  step "Cluster $KUBE_CONTEXT of Kubernetes $KUBERNETES_VERSION" \
    "See that Docker has 4 CPUs and 8 GB of memory for it, then run it again; \`make down\` removes a cluster that does not come back."
  make_logs_folder
  if cluster_exists; then
    if [[ ! -e "$HALF_MADE" ]]; then
      nodes="$(kind get nodes --name "$PROJECT")"
      for node in $nodes; do
        running="$(docker container inspect --format '{{.State.Running}}' "$node")"
        if [[ "$running" != true ]]; then
          note "starting $node"
          docker start "$node" >/dev/null
        fi
      done
      if ! kubectl config get-contexts "$KUBE_CONTEXT" >/dev/null 2>&1; then kind export kubeconfig --name "$PROJECT"; fi
      patiently "waiting for its API" wait_for_api
      patiently "waiting for its nodes" kubectl wait nodes --all --for=condition=Ready --timeout=120s >/dev/null
      note "is there already"
      return
    fi
    note "the one that is there was interrupted while it was made"
    kind delete cluster --name "$PROJECT"
  fi
  touch "$HALF_MADE"
  kind create cluster --name "$PROJECT" --config k8s/kind.yaml --wait 5m
  rm -f "$HALF_MADE"
}

apply_when_different() {
  local differs=0
  kubectl diff --filename "$1" >/dev/null || differs=$?
  case "$differs" in
    0) note "$1 is applied already" ;;
    1) kubectl apply --filename "$1" ;;
    *) exit 1 ;;
  esac
}

up_development() {
  take_lock
  ensure_cluster
  ensure_image
  load_image
  step "Namespace $NAMESPACE and the volume of the logs"
  apply_when_different k8s/namespace.yaml
  apply_when_different k8s/volumes.yaml
  ensure_secrets
  deploy_release
}

up_production() {
  step "Looking for the image $IMAGE:$TAG in ECR"
  in_registry "$TAG" || fail "ECR has no image $IMAGE:$TAG: \`make image-push TAG=$TAG\` brings it there."
  note "is there"
  check_git_tag
  require_secrets
  if ! tree_is_clean; then note "chart/ of this folder is applied as it lies here, and the folder differs from its last commit"; fi
  deploy_release
}

check_settings
if [[ "$ENVIRONMENT" == prod ]]; then check_production; else check_development; fi
stop_on_problems
if [[ "$ENVIRONMENT" == prod ]]; then up_production; else up_development; fi
STEP=""
scripts/status.sh
