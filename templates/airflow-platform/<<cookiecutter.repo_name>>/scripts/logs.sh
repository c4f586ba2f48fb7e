#!/usr/bin/env bash
# Follows the logs of a component, until Ctrl-C.
#   make logs [COMPONENT=scheduler]

# shellcheck source=scripts/platform.sh
source "$(dirname "$0")/platform.sh"

COMPONENT="${COMPONENT:-scheduler}"
need_platform
step "Logs of $COMPONENT" "See that the cluster answers, then run it again."
if ! is_there "$COMPONENT"; then
  fail "no pod of $COMPONENT runs: say COMPONENT=scheduler, api-server, dag-processor, triggerer, worker, statsd, postgresql or run-airflow-migrations; \`make status\` lists the pods."
fi
# Here Ctrl-C is how one ends it.
trap - INT EXIT
kubectl logs --selector "$(selector "$COMPONENT")" --all-containers --prefix --tail=100 --follow --max-log-requests=50
