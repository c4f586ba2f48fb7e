# shellcheck shell=bash
# The image: its tag, what it is made of, how it comes here, and how the nodes of kind get it.

# What cicd/Dockerfile takes in. An image is labelled with their checksum, so that the same content is built once.
readonly IMAGE_INPUTS=(cicd/Dockerfile .dockerignore requirements.txt dags)
readonly INPUTS_LABEL="inputs.sha256"

# Attestations make an image an index, which kind cannot load (kubernetes-sigs/kind#3795).
export BUILDX_NO_DEFAULT_ATTESTATIONS=1

# inputs_digest PLATFORM
inputs_digest() {
  {
    echo "$1"
    find "${IMAGE_INPUTS[@]}" -type d -name __pycache__ -prune -o -type f -exec "${SHA256[@]}" {} + |
      LC_ALL=C sort
  } | "${SHA256[@]}" | cut -d ' ' -f 1
}

# Whether the last commit says all there is.
tree_is_clean() {
  command -v git >/dev/null 2>&1 &&
    [[ "$(git rev-parse --is-inside-work-tree 2>/dev/null)" == true && -z "$(git rev-parse --show-prefix)" ]] &&
    git rev-parse --verify --quiet HEAD >/dev/null &&
    [[ -z "$(git status --porcelain)" ]]
}

timestamp() { date -u +%Y%m%d%H%M%S; }

# A commit's description, or the time where no commit says all there is. A tag of git may hold what one of an image may not.
describe_tree() {
  if tree_is_clean; then
    git describe --tags --always | tr -c 'A-Za-z0-9_.\n-' '-'
  else
    timestamp
  fi
}

ecr() {
  aws ecr "$1" --region "$(echo "$REGISTRY" | cut -d . -f 4)" "${@:2}"
}

log_in_to_registry() {
  step "Logging in to $REGISTRY" "Log in to AWS first (\`aws sts get-caller-identity\` tells who you are), then run it again."
  ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" >/dev/null
}

# in_registry TAG
in_registry() {
  scratch
  if ecr describe-images --registry-id "${REGISTRY%%.*}" --repository-name "$REPOSITORY" \
    --image-ids "imageTag=$1" --output text >/dev/null 2>"$SCRATCH/ecr"; then
    return 0
  fi
  if grep -q ImageNotFoundException "$SCRATCH/ecr"; then return 1; fi
  cat "$SCRATCH/ecr" >&2
  if grep -q RepositoryNotFoundException "$SCRATCH/ecr"; then
    fail "there is no repository $REPOSITORY in $REGISTRY: make it with immutable tags (\`aws ecr create-repository --image-tag-mutability IMMUTABLE --repository-name $REPOSITORY\`)."
  fi
  fail "ECR did not say whether it has $IMAGE:$1: log in to AWS, then run it again."
}

# build_image TAG DIGEST PLATFORM
build_image() {
  step "Building $IMAGE:$1" "Mend what docker says above and run it again; \`docker system df\` tells whether the disk is full."
  docker build --platform "$3" --file cicd/Dockerfile --label "$INPUTS_LABEL=$2" --tag "$IMAGE:$1" \
    --build-arg "VERSION=$1" --build-arg "REVISION=$(git rev-parse --verify --quiet HEAD || true)" .
}

# Leaves the tag in TAG. A tag never names two contents: pods would go on with the old one.
ensure_image() {
  local digest found tags tag wanted
  if [[ -n "$TAG" ]]; then
    step "Looking for the image $IMAGE:$TAG"
    found="$(docker image ls --quiet "$IMAGE:$TAG")"
    if [[ -n "$found" ]]; then
      note "is here already"
      return
    fi
    need aws
    stop_on_problems
    in_registry "$TAG" || fail "neither this machine nor ECR has $IMAGE:$TAG: leave TAG out to build from this folder, or push it with \`make image-push\`."
    log_in_to_registry
    step "Pulling $IMAGE:$TAG"
    docker pull "$IMAGE:$TAG"
    return
  fi
  step "Looking for an image of ${IMAGE_INPUTS[*]} as they are now"
  digest="$(inputs_digest "$PLATFORM")"
  wanted="$(describe_tree)"
  tags="$(docker image ls --filter "label=$INPUTS_LABEL=$digest" --format '{{.Tag}}' "$IMAGE")"
  for tag in $tags; do
    if [[ "$tag" == "$wanted" ]]; then TAG="$tag"; fi
    if [[ -z "$TAG" && "$tag" =~ ^[A-Za-z0-9_] ]]; then TAG="$tag"; fi
  done
  if [[ -n "$TAG" ]]; then
    note "$TAG is here already"
    return
  fi
  found="$(docker image ls --quiet "$IMAGE:$wanted")"
  if [[ -n "$found" ]]; then
    note "$wanted is an image of something else"
    wanted="$(timestamp)"
  fi
  build_image "$wanted" "$digest" "$PLATFORM"
  TAG="$wanted"
}

load_image() {
  local nodes node missing=""
  step "Loading $IMAGE:$TAG into the nodes of $PROJECT"
  nodes="$(kind get nodes --name "$PROJECT")"
  for node in $nodes; do
    # kind itself does not always know an image that a node has (kubernetes-sigs/kind#4236).
    docker exec "$node" crictl inspecti "$IMAGE:$TAG" >/dev/null 2>&1 || missing="$missing,$node"
  done
  if [[ -z "$missing" ]]; then
    note "they have it already"
    return
  fi
  patiently "loading" kind load docker-image "$IMAGE:$TAG" --name "$PROJECT" --nodes "${missing#,}"
}
