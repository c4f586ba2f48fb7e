#!/usr/bin/env bash
# Builds the image and pushes it to ECR, once for each tag: a tag that is there stays what it is.
#   make image-push [TAG=...] [PLATFORM=linux/amd64]

PUSH_PLATFORM="${PLATFORM:-linux/amd64}"
# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"
# shellcheck source=scripts/image.sh
source scripts/image.sh

check_settings
need docker aws git
need_docker_engine
stop_on_problems

step "The tag"
if [[ -z "$TAG" ]]; then TAG="$(describe_tree)"; fi
if [[ ! "$TAG" =~ ^[0-9]{14}$ ]]; then
  if ! tree_is_clean; then
    fail "the tag $TAG would not say what is in the image, as this folder differs from its last commit: commit first, or leave TAG out to push under the time."
  fi
  if git rev-parse --verify --quiet "refs/tags/$TAG" >/dev/null &&
    [[ "$(git rev-parse "refs/tags/$TAG^{commit}")" != "$(git rev-parse HEAD)" ]]; then
    fail "git's tag $TAG is of another commit: check that one out, or name another TAG."
  fi
fi
note "$TAG"

step "Looking for $IMAGE:$TAG in ECR"
if in_registry "$TAG"; then
  note "is there already, and stays what it is"
  exit 0
fi
build_image "$TAG" "$(inputs_digest "$PUSH_PLATFORM")" "$PUSH_PLATFORM"
log_in_to_registry
step "Pushing $IMAGE:$TAG" "Run it again: docker goes on with the layers that are missing."
docker push "$IMAGE:$TAG"
note "\`make up ENVIRONMENT=prod KUBE_CONTEXT=... TAG=$TAG GIT_TAG=...\` deploys it"
