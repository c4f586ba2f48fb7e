#!/usr/bin/env bash
# Shows what runs, and ends with 1 where something is not ready.
#   make status [ENVIRONMENT=prod KUBE_CONTEXT=...]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"
# shellcheck source=scripts/release.sh
source scripts/release.sh

need_platform
step "Release $RELEASE in $KUBE_CONTEXT" "See that the cluster answers, then run it again."
read_release
if [[ "$RELEASE_STATUS" == none ]]; then fail "there is no release $RELEASE in $KUBE_CONTEXT: \`make up\` makes it."; fi
note "revision $RELEASE_REVISION, $RELEASE_STATUS: $RELEASE_DESCRIPTION"

step "Pods" "See that the cluster answers, then run it again."
# Pods of tasks come and go; the others must be ready.
pods="$(kubectl get pods --output go-template='{{range .items}}{{.metadata.name}} {{with .metadata.labels}}{{or .component "-"}}{{else}}-{{end}} {{.status.phase}}{{range .status.conditions}}{{if eq .type "Ready"}} {{.status}}{{end}}{{end}}{{"\n"}}{{end}}')"
unready=""
failed_tasks=0
while read -r name component phase ready; do
  case "$component $phase $ready" in
    " "*) continue ;;
    "worker Failed "*) failed_tasks=$((failed_tasks + 1)) ;;
    worker* | *" Succeeded "* | *" Failed "*) ;;
    *" Running True") ;;
    *) unready="$unready $name" ;;
  esac
  printf '    %-60s %-10s %s\n' "$name" "$phase" "${ready/True/ready}"
done < <(printf '%s\n' "$pods")

if [[ $failed_tasks -gt 0 ]]; then
  note "$failed_tasks pods of failed tasks are kept: \`make debug COMPONENT=worker\` shows them"
fi
STEP=""
if [[ "$RELEASE_STATUS" != deployed ]]; then
  fail "the release is $RELEASE_STATUS: \`make debug\` shows why, \`make up\` goes on."
fi
if [[ -n "$unready" ]]; then
  fail "not ready:$unready. \`make debug\` shows why."
fi
say "All is ready."
if [[ "$ENVIRONMENT" == prod ]]; then exit 0; fi
say "The web interface, at http://localhost:8080:"
note "kubectl --context $KUBE_CONTEXT --namespace $NAMESPACE port-forward --address 127.0.0.1 service/$RELEASE-api-server 8080:8080"
