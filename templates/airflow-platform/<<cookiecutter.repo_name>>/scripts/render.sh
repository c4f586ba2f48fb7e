#!/usr/bin/env bash
# Writes what Helm would apply in each environment into build/render/, by the same options as `make up`. No cluster is asked.
#   make render [TAG=...] [GIT_TAG=...] [CHART=airflow-<version>.tgz]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"
# shellcheck source=scripts/image.sh
source scripts/image.sh
# shellcheck source=scripts/release.sh
source scripts/release.sh

ENVIRONMENT=dev
check_settings
need helm
stop_on_problems
if [[ -z "$TAG" ]]; then TAG="$(describe_tree)"; fi
if [[ -z "$GIT_TAG" ]]; then GIT_TAG="$TAG"; fi

# render NAME ENVIRONMENT GIT_SYNC
render() {
  step "build/render/$1.yaml" "Mend the values that helm names above; $CHART_REPOSITORY must be within reach, or CHART name a chart that lies here."
  ENVIRONMENT="$2" GIT_SYNC="$3"
  release_values
  helm template "$RELEASE" "$CHART" --repo "$CHART_REPOSITORY" --version "$CHART_VERSION" \
    --kube-version "$KUBERNETES_VERSION" "${VALUES[@]}" >"$SCRATCH/$1.yaml"
  mv "$SCRATCH/$1.yaml" "build/render/$1.yaml"
}

scratch
mkdir -p build/render
render dev dev off
render dev-git-sync dev on
render prod prod on
