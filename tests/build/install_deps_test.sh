#!/usr/bin/env bash
# install_deps_test.sh SCRIPT: what is missing is what dpkg does not know as installed, also where
# it knows some of the names only in part or not at all (it then exits with 1).
set -euo pipefail
script=$1
stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT

# dpkg EXIT_CODE LINE...: a dpkg-query that says so.
dpkg() {
  local code=$1
  shift
  { echo '#!/bin/sh'; printf 'echo "%s"\n' "$@"; echo "exit $code"; } >"$stubs/dpkg-query"
  chmod +x "$stubs/dpkg-query"
}
missing() { PATH=$stubs:$PATH "$script" --print; }
want() { grep -qFx -- "$1" <<<"$2" || { echo "want $1 among the missing, got: $2" >&2; exit 1; }; }
refuse() { ! grep -qFx -- "$1" <<<"$2" || { echo "$1 is installed, got: $2" >&2; exit 1; }; }

dpkg 1 'installed git' 'config-files curl'
found=$(missing)
want bazel-bootstrap "$found"
want postgresql-15 "$found"
want curl "$found"
refuse git "$found"

mapfile -t everything <<<"$found"
dpkg 0 "installed git" "${everything[@]/#/installed }"
[[ -z $(missing) ]] || { echo "all is installed, got: $(missing)" >&2; exit 1; }
