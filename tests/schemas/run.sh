#!/bin/sh
# Checks tests/events against the webhook schemas published by GitHub's octokit project.
# Needs npm, and the network for the first run; the schemas are kept outside the tree.
# Exit codes: 0 every fixture passed, 1 one failed, 3 not run.
set -eu

package=@octokit/webhooks-schemas
version=7.6.1

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dx-deployment-action
dir=$cache/webhooks-schemas-$version
schema=$dir/node_modules/$package/schema.json

not_run() {
  echo "NOT RUN: the event fixtures were not checked against GitHub's schemas: $1" >&2
  exit 3
}

command -v npm >/dev/null 2>&1 || not_run "npm is not installed"
command -v "$python" >/dev/null 2>&1 || not_run "no python at $python; set PYTHON"

if [ ! -f "$schema" ]; then
  mkdir -p "$cache"
  new=$(mktemp -d "$cache/new.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  npm install --no-save --ignore-scripts --no-audit --no-fund --prefix "$new" "$package@$version" >&2 ||
    not_run "$package@$version could not be installed"
  rm -rf "$dir"
  mv "$new" "$dir"
fi

"$python" "$root/tests/schemas/check_events.py" "$schema" "$@"
