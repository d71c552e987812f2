#!/usr/bin/env bash
# exported_symbols_test.sh CHECK NAMES EXPORTS_PLAIN EXPORTS_PREFIXED: the check refuses what it
# is there for.
set -euo pipefail
check=$1 names=$2 plain=$3 prefixed=$4

# refused WHY ARGUMENT...: the check fails and says why.
refused() {
  local why=$1 said
  shift
  if said=$("$check" "$@" 2>&1); then
    echo "the check passed: $*" >&2
    exit 1
  fi
  grep -qF -- "$why" <<<"$said" || { echo "want '$why', got: $said" >&2; exit 1; }
}

refused EVP_DigestInit_ex "$names" "$plain"
refused tam_bssl_SHA256 "$names" "$prefixed"
refused "no program to check" "$names"
refused "names too few symbols" /dev/null "$plain"
refused "not a dynamically linked program" "$names" "$names"
