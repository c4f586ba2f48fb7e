#!/usr/bin/env bash
# Removes the cluster of development with all that is in it. The logs stay in logs/, the images in Docker.
#   make down [YES=1]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"

check_settings
if [[ "$ENVIRONMENT" == prod ]]; then
  fail 2 "down is for development only: production is taken down by hand, by who is sure of it."
fi
need kind docker
need_docker_engine
stop_on_problems
take_lock

step "Cluster $KUBE_CONTEXT" "See that Docker answers, then run it again."
if ! cluster_exists; then
  note "there is none"
  exit 0
fi
confirm "The cluster $KUBE_CONTEXT goes, with its database: runs, connections, keys."
kind delete cluster --name "$PROJECT"
rm -f build/cluster-half-made
note "the logs stay in logs/"
