#!/bin/sh
# Checks tests/data/events against the webhook schemas published by GitHub's octokit project, and every answer of the stand-in
# for GitHub (tests/support/stand_in) against GitHub's OpenAPI description and GraphQL schema, published by the same project.
# Needs npm, and the network for the first run; what is fetched is kept outside the tree.
# Exit codes: 0 everything passed, 1 something failed, 3 not run.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dx-deployment-action

not_run() {
  echo "NOT RUN: the event fixtures and the stand-in were not checked against GitHub's schemas: $1" >&2
  exit 3
}

# fetched PACKAGE VERSION FILE: prints where that one file of an npm package lies, fetching it if need be.
fetched() {
  kept=$cache/$(basename "$1")-$2/$(basename "$3")
  if [ ! -f "$kept" ]; then
    mkdir -p "$cache"
    new=$(mktemp -d "$cache/new.XXXXXX")
    # The OpenAPI package unpacks to 400 MB, of which one file is needed.
    if ! npm install --no-save --ignore-scripts --no-audit --no-fund --prefix "$new" "$1@$2" >&2 ||
      ! mkdir -p "$(dirname "$kept")" || ! mv -f "$new/node_modules/$1/$3" "$kept"; then
      rm -rf "$new"
      return 1
    fi
    rm -rf "$new"
  fi
  echo "$kept"
}

command -v npm >/dev/null 2>&1 || not_run "npm is not installed"
command -v "$python" >/dev/null 2>&1 || not_run "no python at $python; set PYTHON"

schema=$(fetched @octokit/webhooks-schemas 7.6.1 schema.json) || not_run "@octokit/webhooks-schemas could not be fetched"
api=$(fetched @octokit/openapi 23.0.2 generated/api.github.com.json) || not_run "@octokit/openapi could not be fetched"
graphql=$(fetched @octokit/graphql-schema 15.26.1 schema.graphql) || not_run "@octokit/graphql-schema could not be fetched"

self_test=
for argument; do
  [ "$argument" != --self-test ] || self_test=--self-test
done

failed=0
"$python" "$root/tests/tools/schemas/check_events.py" "$schema" "$@" || failed=1
"$python" "$root/tests/tools/schemas/check_github.py" "$api" "$graphql" ${self_test:+"$self_test"} || failed=1
exit $failed
