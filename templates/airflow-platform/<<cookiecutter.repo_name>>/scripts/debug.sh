#!/usr/bin/env bash
# Tells why something does not run: Helm's history, warnings, and for each pod that is not well what Kubernetes says of it
# and its last lines. No value of a secret is in what Kubernetes tells.
#   make debug [COMPONENT=scheduler]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"

need_platform
restriction=()
if [[ -n "$COMPONENT" ]]; then restriction=(--selector "$(selector "$COMPONENT")"); fi

# One part that cannot be had, such as the history before the first release, does not hide the others.
part() {
  step "$1"
  shift
  "$@" || note "(not to be had)"
}

part "History of the release" helm history "$RELEASE" --max 5
part "Warnings, the newest last" kubectl get events --field-selector type=Warning --sort-by=.lastTimestamp
part "Pods" kubectl get pods --output wide ${restriction[@]+"${restriction[@]}"}

step "Looking for pods that are not well" "See that the cluster answers, then run it again."
# Of pods of failed tasks there may be many: the newest tell enough.
unwell="$(kubectl get pods ${restriction[@]+"${restriction[@]}"} --sort-by=.metadata.creationTimestamp --output go-template='{{range .items}}{{.metadata.name}} {{.status.phase}}{{range .status.conditions}}{{if eq .type "Ready"}} {{.status}}{{end}}{{end}}{{"\n"}}{{end}}' |
  awk 'NF && $2 != "Succeeded" && !($2 == "Running" && $3 == "True") { print $1 }' | tail -n 10)"
for pod in $unwell; do
  part "Pod $pod" kubectl describe pod "$pod"
  part "Last lines of $pod" kubectl logs "$pod" --all-containers --prefix --tail=50
  # What a container that restarts said before it died is of the one before.
  restarted="$(kubectl get pod "$pod" --output go-template='{{range .status.containerStatuses}}{{if .restartCount}}{{.name}} {{end}}{{end}}')" || restarted=""
  for container in $restarted; do
    part "Last lines of $container in $pod before its restart" kubectl logs "$pod" --container "$container" --previous --tail=50
  done
done
STEP=""
if [[ -z "$unwell" ]]; then say "All pods${COMPONENT:+ of $COMPONENT} are well."; fi
