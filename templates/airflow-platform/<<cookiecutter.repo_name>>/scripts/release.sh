# shellcheck shell=bash
# The Helm release: its values, whether it differs from what would be applied, and how it is brought there.

# Leaves in VALUES the options that helm is given, the same for a template as for an upgrade.
release_values() {
  VALUES=(--values chart/values.yaml --values "chart/values-$ENVIRONMENT.yaml" --set-string "defaultAirflowTag=$TAG")
  if [[ "$ENVIRONMENT" == prod ]]; then
    VALUES+=(--set-string "dags.gitSync.ref=$GIT_TAG" --set-string "dags.gitSync.branch=$GIT_TAG")
  elif [[ "$GIT_SYNC" == on ]]; then
    VALUES+=(--set dags.gitSync.enabled=true)
    if [[ -n "${GIT_ANONYMOUS:-}" ]]; then VALUES+=(--set dags.gitSync.credentialsSecret=null); fi
  fi
}

# What a reference of the repository that git-sync follows points to. Nobody is asked for a password.
remote_reference() {
  GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}" \
    git ls-remote --exit-code "$GIT_REPO_URL" "$1"
}

check_git_tag() {
  local code=0
  step "Looking for the tag $GIT_TAG in $GIT_REPO_URL"
  remote_reference "refs/tags/$GIT_TAG" >/dev/null || code=$?
  case "$code" in
    0) note "is there" ;;
    2) fail "$GIT_REPO_URL has no tag $GIT_TAG: push it (\`git push origin $GIT_TAG\`), then run it again." ;;
    *) note "not asked, as git cannot reach it from here: git-sync will find out" ;;
  esac
}

# json_value TEXT KEY PATTERN: what the pattern's group finds behind a key.
json_value() {
  local pattern="\"$2\": *$3"
  if [[ "$1" =~ $pattern ]]; then printf '%s' "${BASH_REMATCH[1]}"; fi
}

# Leaves in RELEASE_STATUS, RELEASE_REVISION and RELEASE_DESCRIPTION what Helm knows of the last revision; the status
# is `none` where there is no release.
read_release() {
  local last
  scratch
  if last="$(helm history "$RELEASE" --max 1 --output json 2>"$SCRATCH/helm")"; then
    RELEASE_STATUS="$(json_value "$last" status '"([a-z-]+)"')"
    RELEASE_REVISION="$(json_value "$last" revision '([0-9]+)')"
    RELEASE_DESCRIPTION="$(json_value "$last" description '"([^"]*)"')"
    [[ -n "$RELEASE_STATUS" ]] || fail "the history of the release is not what this script reads: $last"
  elif grep -q 'release: not found' "$SCRATCH/helm"; then
    RELEASE_STATUS=none RELEASE_REVISION=0 RELEASE_DESCRIPTION=""
  else
    cat "$SCRATCH/helm" >&2
    fail "Helm did not say what runs in $KUBE_CONTEXT: see that the cluster answers (\`kubectl --context $KUBE_CONTEXT version\`), then run it again."
  fi
}

# A helm that was killed leaves its revision pending, and Helm then refuses every other. In development its record goes: the
# cluster is of this machine alone, and the lock says that nobody else is at it.
settle_release() {
  case "$RELEASE_STATUS" in
    pending-*) ;;
    *) return 0 ;;
  esac
  if [[ "$ENVIRONMENT" == prod ]]; then
    fail "revision $RELEASE_REVISION is $RELEASE_STATUS: another upgrade is at work, or was killed. Wait for it; if it was killed, \`helm rollback $RELEASE --kube-context $KUBE_CONTEXT --namespace $NAMESPACE\`, then run it again."
  fi
  note "revision $RELEASE_REVISION was interrupted ($RELEASE_STATUS): its record goes"
  kubectl delete secrets --selector "owner=helm,name=$RELEASE,status=$RELEASE_STATUS" >/dev/null
}

# Nothing where the release is deployed already from the same values, chart, image and secrets, unless FORCE=1.
deploy_release() {
  local secrets inputs description source
  step "Release $RELEASE of chart $CHART_VERSION with image $TAG" \
    "\`make debug\` shows why. Mend it and run it again: Helm goes on from here, and what ran before still runs."
  release_values
  secrets="$(secrets_digest)"
  inputs="$({ printf '%s\n' "$CHART" "$CHART_VERSION" "$secrets" "${VALUES[@]}" && cat chart/values.yaml "chart/values-$ENVIRONMENT.yaml"; } |
    "${SHA256[@]}" | cut -c 1-16)"
  source="DAGs of the image"
  if [[ "$ENVIRONMENT" == prod ]]; then source="DAGs of git $GIT_TAG"; elif [[ "$GIT_SYNC" == on ]]; then source="DAGs of git $GIT_BRANCH"; fi
  description="image $TAG, $source, inputs $inputs"
  read_release
  if [[ "$RELEASE_STATUS" == deployed && "$RELEASE_DESCRIPTION" == "$description" && "${FORCE:-}" != 1 ]]; then
    note "is deployed already, as revision $RELEASE_REVISION (FORCE=1 applies it again, as after a change by hand)"
    return
  fi
  if [[ "$ENVIRONMENT" == prod ]]; then
    confirm "$RELEASE in namespace $NAMESPACE of $KUBE_CONTEXT: from [${RELEASE_DESCRIPTION:-nothing}] to [$description]."
  fi
  settle_release
  # A Job cannot be changed, and that of the migrations is another for each image.
  kubectl delete jobs --ignore-not-found --selector "release=$RELEASE,component in (run-airflow-migrations, create-user-job)" >/dev/null
  note "pods start and the chart migrates the database: this takes minutes"
  patiently "waiting for the pods" helm upgrade "$RELEASE" "$CHART" --install \
    --repo "$CHART_REPOSITORY" --version "$CHART_VERSION" "${VALUES[@]}" \
    --set-string "airflowPodAnnotations.checksum/secrets=$secrets" \
    --description "$description" --wait --timeout "${HELM_TIMEOUT:-15m}" >/dev/null
  note "deployed: $description"
}
