# shellcheck shell=bash
# Starts launcher.py by the first Python on PATH that is new enough and none of the workspace's. The step in action.yml reads this into
# a bash that takes no options, functions or start-up files from the environment. macOS has bash 3.2.

version_of='import sys; sys.stdout.write("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info[:2] < (3, 11))'
old=
here=$(pwd -P)
for name in python3 python python3.14 python3.13 python3.12 python3.11 py; do
  while IFS= read -r python; do
    case $python in [!/]*) continue ;; esac
    folder=$(cd -P "${python%/*}" 2>/dev/null && pwd) || continue
    case $folder/ in "$here"/*) continue ;; esac
    if version=$("$python" -E -s -S -c "$version_of" 2>/dev/null </dev/null); then
      exec "$python" -I -S -u -X utf8 "$GITHUB_ACTION_PATH/launcher.py"
    fi
    if [[ $version =~ ^[0-9]+\.[0-9]+$ ]]; then old=${old:-$version}; fi
  done < <(type -ap "$name")
done

if [ -n "$old" ]; then
  reason="The Python on this runner's PATH is $old, and the action needs Python 3.11 or newer."
else
  reason="No Python was found on this runner's PATH, and the action needs Python 3.11 or newer."
fi
reason="$reason Add a step with actions/setup-python before this one, or install Python. Nothing was sent to DX."
printf 'status=failed\nreason=%s\n' "$reason" >>"$GITHUB_OUTPUT"
shopt -s nocasematch
if [[ $DX_ACTION_FAIL_ON_ERROR =~ ^[[:space:]]*false[[:space:]]*$ ]]; then
  printf '::warning title=DX deployment::%s\n' "$reason"
  exit 0
fi
printf '::error title=DX deployment::%s\n' "$reason"
exit 1
