# shellcheck shell=bash
# The secrets of the platform. Their values flow through pipes only: none is ever an argument, a file or an
# expansion of this shell, so that neither `ps` nor `set -x` shows one. Everything is written as JSON, which ends with a
# bracket: what an interrupted pipe cuts short is refused whole.
# shellcheck disable=SC2016  # templates of Go have a $ of their own
# shellcheck disable=SC2034  # GIT_ANONYMOUS is read in release.sh

readonly KEY_SECRETS=(airflow-metadata airflow-fernet-key airflow-api-secret airflow-jwt-secret)
readonly CONNECTIONS_SECRET="airflow-connections"

# The secret that git-sync reads, and what it must hold: git-sync 3 and 4 have names of their own.
if [[ "$GIT_REPO_URL" == https://* ]]; then
  readonly GIT_SECRET="airflow-git-credentials"
  readonly GIT_SECRET_KEYS="GIT_SYNC_USERNAME GIT_SYNC_PASSWORD GITSYNC_USERNAME GITSYNC_PASSWORD"
else
  readonly GIT_SECRET="airflow-git-ssh"
  readonly GIT_SECRET_KEYS="gitSshKey"
fi

one_line_base64() { base64 | tr -d '\n'; }

# Sources of values: a name is that of a function, or `env NAME`, an environment variable.
env_value() { awk -v name="$1" 'BEGIN { printf "%s", ENVIRON[name] }'; }

is_given() { [[ -n "${!1:+given}" ]]; }

random_token() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# As Fernet asks for: 32 bytes in URL-safe base64.
random_fernet_key() { head -c 32 /dev/urandom | one_line_base64 | tr '+/' '-_'; }

ssh_key() { cat "$GIT_SSH_KEY_FILE"; }

value_of() {
  case "$1" in
    env:*) env_value "${1#env:}" ;;
    *) "$1" ;;
  esac
}

# json_data KEY=SOURCE...: {"KEY":"base64 of the value",...}
json_data() {
  local pair separator=""
  printf '{'
  for pair in "$@"; do
    printf '%s"%s":"' "$separator" "${pair%%=*}"
    value_of "${pair#*=}" | one_line_base64 || return 1
    printf '"'
    separator=","
  done
  printf '}'
}

# create_secret NAME KEY=SOURCE...: never replaces one that is there.
create_secret() {
  local name="$1"
  shift
  {
    printf '{"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{"name":"%s"},"data":' "$name"
    json_data "$@" && printf '}\n'
  } | kubectl create --filename - >/dev/null
  note "made $name"
}

# The connection holds the password that PostgreSQL itself is started with.
create_metadata_secret() {
  random_token | awk -v host="$RELEASE-postgresql.$NAMESPACE" '{
    printf "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"metadata\":{\"name\":\"airflow-metadata\"},"
    printf "\"stringData\":{\"postgres-password\":\"%s\",", $0
    printf "\"connection\":\"postgresql://postgres:%s@%s:5432/postgres?sslmode=disable\"}}\n", $0, host
  }' | kubectl create --filename - >/dev/null
  note "made airflow-metadata, with a new password"
}

# Names of the secrets and their keys, a line each.
secret_inventory() {
  kubectl get secrets --field-selector type!=helm.sh/release.v1 --output \
    go-template='{{range .items}}{{.metadata.name}}{{range $key, $value := .data}} {{$key}}{{end}}{{"\n"}}{{end}}'
}

# has_secret INVENTORY NAME [KEY...]
has_secret() {
  local inventory="$1" name="$2" line key
  shift 2
  while read -r line; do
    if [[ "${line%% *}" == "$name" ]]; then
      for key in "$@"; do
        [[ "$line " == *" $key "* ]] || return 1
      done
      return 0
    fi
  done < <(printf '%s\n' "$inventory")
  return 1
}

data_lines() {
  local pair
  for pair in "$@"; do
    printf '%s ' "${pair%%=*}"
    value_of "${pair#*=}" | one_line_base64
    printf '\n'
  done
}

# holds NAME KEY=SOURCE...: whether a secret of the cluster has these values.
holds() {
  local name="$1" same
  shift
  same="$(kubectl get secret "$name" --output go-template='{{range $key, $value := .data}}{{$key}} {{$value}}{{"\n"}}{{end}}' |
    { grep -F -x -c -f <(data_lines "$@") || true; })" || exit 1
  [[ "$same" == "$#" ]]
}

# A key is made once: what is encrypted or signed with it is lost with it.
ensure_key() {
  local inventory="$1" name="$2" key="$3" variable="$4" generator="$5"
  if has_secret "$inventory" "$name"; then
    if is_given "$variable" && ! holds "$name" "$key=env:$variable"; then
      note "$variable differs from the key in the cluster, which stays: docs/operations.md says how to rotate it"
    fi
  elif is_given "$variable"; then
    create_secret "$name" "$key=env:$variable"
  else
    create_secret "$name" "$key=$generator"
  fi
}

# What is not a key follows the environment, where the environment says anything.
ensure_values() {
  local inventory="$1" name="$2"
  shift 2
  if ! has_secret "$inventory" "$name"; then
    create_secret "$name" "$@"
  elif [[ $# -gt 0 ]] && ! holds "$name" "$@"; then
    { printf '{"data":' && json_data "$@" && printf '}\n'; } |
      kubectl patch secret "$name" --type merge --patch-file /dev/stdin >/dev/null
    note "brought $name up to date"
  fi
}

connection_pairs() {
  local variable
  CONNECTION_PAIRS=()
  for variable in ${!AIRFLOW_CONN_@}; do
    if is_given "$variable"; then CONNECTION_PAIRS+=("$variable=env:$variable"); fi
  done
}

check_secret_variables() {
  local key='[A-Za-z0-9_-]{43}='
  if is_given FERNET_KEY && ! env_value FERNET_KEY | grep -E -q "^$key(,$key)*\$"; then
    problem "a FERNET_KEY of 32 bytes in URL-safe base64, or several with commas between"
  fi
  if is_given GIT_SSH_KEY_FILE && [[ ! -r "$GIT_SSH_KEY_FILE" ]]; then
    problem "the file that GIT_SSH_KEY_FILE names"
  fi
  if is_given GIT_USERNAME && ! is_given GIT_PASSWORD; then problem "GIT_PASSWORD beside GIT_USERNAME"; fi
  if is_given GIT_PASSWORD && ! is_given GIT_USERNAME; then problem "GIT_USERNAME beside GIT_PASSWORD"; fi
}

# Leaves in GIT_ANONYMOUS whether git-sync asks without credentials.
ensure_git_secret() {
  local inventory="$1"
  GIT_ANONYMOUS=""
  if [[ "$GIT_SECRET" == airflow-git-ssh ]]; then
    if is_given GIT_SSH_KEY_FILE; then
      ensure_values "$inventory" "$GIT_SECRET" gitSshKey=ssh_key
    elif ! has_secret "$inventory" "$GIT_SECRET"; then
      fail "git-sync needs a key for $GIT_REPO_URL: name a file that holds one by GIT_SSH_KEY_FILE, then run it again."
    fi
  elif is_given GIT_PASSWORD; then
    ensure_values "$inventory" "$GIT_SECRET" GIT_SYNC_USERNAME=env:GIT_USERNAME GIT_SYNC_PASSWORD=env:GIT_PASSWORD \
      GITSYNC_USERNAME=env:GIT_USERNAME GITSYNC_PASSWORD=env:GIT_PASSWORD
  elif ! has_secret "$inventory" "$GIT_SECRET"; then
    note "no GIT_USERNAME and GIT_PASSWORD: git-sync asks $GIT_REPO_URL without"
    GIT_ANONYMOUS=yes
  fi
}

ensure_secrets() {
  local inventory
  step "Secrets of the namespace $NAMESPACE"
  inventory="$(secret_inventory)"
  if ! has_secret "$inventory" airflow-metadata; then create_metadata_secret; fi
  ensure_key "$inventory" airflow-fernet-key fernet-key FERNET_KEY random_fernet_key
  ensure_key "$inventory" airflow-api-secret api-secret-key API_SECRET_KEY random_token
  ensure_key "$inventory" airflow-jwt-secret jwt-secret JWT_SECRET random_token
  connection_pairs
  ensure_values "$inventory" "$CONNECTIONS_SECRET" ${CONNECTION_PAIRS[@]+"${CONNECTION_PAIRS[@]}"}
  if [[ "$GIT_SYNC" == on ]]; then ensure_git_secret "$inventory"; fi
  note "are there"
}

# Production: the secrets come from whoever keeps them, and all must be there.
require_secrets() {
  local inventory missing="" pair name keys
  step "Secrets of the namespace $NAMESPACE"
  inventory="$(secret_inventory)"
  for pair in airflow-metadata=connection airflow-fernet-key=fernet-key airflow-api-secret=api-secret-key \
    airflow-jwt-secret=jwt-secret "$CONNECTIONS_SECRET=" "$GIT_SECRET=$GIT_SECRET_KEYS"; do
    name="${pair%%=*}"
    keys="${pair#*=}"
    # shellcheck disable=SC2086  # a word for each key
    has_secret "$inventory" "$name" $keys || missing="$missing
  - $name${keys:+ with ${keys// /, }}"
  done
  if [[ -n "$missing" ]]; then
    fail "the namespace $NAMESPACE of $KUBE_CONTEXT lacks secrets, see k8s/secrets/:$missing"
  fi
  note "are there"
}

# What the pods were started with: the versions of the secrets they read, not the values.
secrets_digest() {
  kubectl get secrets --field-selector type!=helm.sh/release.v1 --output \
    go-template='{{range .items}}{{.metadata.name}} {{.metadata.resourceVersion}}{{"\n"}}{{end}}' |
    awk -v names="${KEY_SECRETS[*]} $CONNECTIONS_SECRET $GIT_SECRET" 'index(" " names " ", " " $1 " ")' |
    "${SHA256[@]}" | cut -c 1-16
}
