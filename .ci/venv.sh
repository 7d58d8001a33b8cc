#!/bin/sh
# venv.sh DIRECTORY LOCK STAMP: a virtual environment that holds at least what the hashed LOCK names.
# STAMP tells make that it is up to date; an environment with an outdated stamp is made anew.
# $PYTHON chooses the interpreter; otherwise the first that serves, beginning with the image's own version.
set -eu
venv=$1 lock=$2 stamp=$3

serves() {
  "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Some Pythons come without a pip for their environments (Debian ships it as python3-venv).
has_pip() {
  "$1" -c 'import ensurepip' >/dev/null 2>&1
}

find_python() {
  with_venv=
  for python in ${PYTHON:-python3.13 python3.14 python3.12 python3.11 python3 python}; do
    serves "$python" || continue
    if has_pip "$python"; then
      echo "$python"
      return
    fi
    with_venv=${with_venv:-$python}
  done
  if [ -n "$with_venv" ]; then
    echo "$with_venv cannot make virtual environments: its ensurepip module is missing." >&2
    echo "On Debian and Ubuntu: apt-get install python3-venv. Or name another Python: make PYTHON=/path/to/python" >&2
  else
    echo "No Python 3.11 or newer with the venv module was found (looked for: ${PYTHON:-python3.11 to python3.14, python3, python})." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python" >&2
  fi
  return 1
}

if [ -e "$stamp" ] || ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
  python=$(find_python)
  echo "Making $venv with $("$python" --version)" >&2
  "$python" -m venv --clear "$venv"
fi

echo "Installing $lock" >&2
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --require-hashes --requirement "$lock"
# Where the environment keeps Python from writing bytecode, pip writes none, and every start would compile all anew.
"$venv/bin/python" -m compileall -q -j 0 "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" || true
touch "$stamp"
