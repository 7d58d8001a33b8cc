# shellcheck shell=bash
# containers.sh: sourced by what builds or runs the image on a machine without a Docker daemon. Wants $tools, the folder with
# mkbase.sh, build.sh and so on. Ends the script with status 3, and a last line that says why, where the machine cannot do it.

image=localhost/dx-action:ci
base=docker.io/library/python:3.13-slim
shell=docker.io/library/busybox:stable-musl
packages=(bc buildah mmdebstrap pigz podman runc zstd)

not_run() {
  echo "NOT RUN: $*"
  exit 3
}

missing() {
  local package
  for package in "${packages[@]}"; do
    command -v "$package" >/dev/null || return 0
  done
  return 1
}

[ -d "${tools:=}" ] || not_run "the image tools are not beside this checkout"
if missing; then
  [ "$(id -u)" = 0 ] || not_run "needs ${packages[*]}, and only root can install them"
  command -v apt-get >/dev/null || not_run "needs ${packages[*]}, and there is no apt-get to install them"
  echo "Installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install --yes --no-install-recommends "${packages[@]}"; } >/tmp/dx-action-apt.log 2>&1 \
    || { tail -n 5 /tmp/dx-action-apt.log; not_run "apt-get could not install ${packages[*]}"; }
fi

# shellcheck source=/dev/null
. "$tools/ctr_env.sh" "${CTR_DIR:-/tmp/ctr}"
if ! podman image exists "$base"; then
  echo "Making a stand-in for $base"
  "$tools/mkbase.sh" >/tmp/dx-action-base.log 2>&1 \
    || { tail -n 5 /tmp/dx-action-base.log; not_run "the stand-in for the base image could not be made"; }
fi

if ! podman image exists "$shell"; then
  echo "Making a stand-in for $shell"
  "$tools/mkbusybox.sh" >/tmp/dx-action-busybox.log 2>&1 \
    || { tail -n 5 /tmp/dx-action-busybox.log; not_run "the stand-in for busybox could not be made"; }
fi

# build ARCHIVE [buildah's own flags]: the unchanged Dockerfile as $image, and in an OCI archive as a registry would hold it.
build() {
  local archive=$1 started=$SECONDS
  shift
  echo "Building $image"
  SOURCE_DATE_EPOCH=0 "$tools/build.sh" . "$image" --quiet --force-rm --format oci --timestamp 0 "$@"
  rm -f "$archive"
  buildah push --quiet "$image" "oci-archive:$archive"
  echo "Built in $((SECONDS - started)) s"
}
