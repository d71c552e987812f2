#!/usr/bin/env bash
# exported_symbols.sh NAMES PROGRAM...: fails if a program exports a symbol of BoringSSL to the
# dynamic linker, by its own name or with our prefix; OpenSSL's callers would be bound to it.
# NAMES is the generated header of every symbol that BoringSSL defines.
set -euo pipefail

names=$1
shift
[[ $# -gt 0 ]] || { echo "no program to check" >&2; exit 1; }
listed=$(mktemp)
trap 'rm -f "$listed"' EXIT
sed -n 's/^#define \([^ ]*\) BORINGSSL_ADD_PREFIX(BORINGSSL_PREFIX, .*/\1/p' "$names" >"$listed"
[[ $(wc -l <"$listed") -gt 2000 ]] || { echo "$names names too few symbols" >&2; exit 1; }

failed=0
for program in "$@"; do
  # A program without dynamic symbols would pass for the wrong reason.
  [[ $(nm -D --undefined-only "$program" 2>/dev/null | wc -l) -gt 0 ]] ||
    { echo "$program: not a dynamically linked program" >&2; exit 1; }
  exported=$(nm -D --defined-only "$program" | awk '{ sub(/@.*/, "", $NF); print $NF }')
  found=$({ grep -Fxf "$listed" || true; } <<<"$exported")
  found+=$({ grep -E '^tam_bssl_|^_Z.*4bssl' || true; } <<<"$exported")
  if [[ $found ]]; then
    printf '%s exports symbols of BoringSSL:\n%s\n' "$program" "$found" >&2
    failed=1
  fi
done
exit $failed
