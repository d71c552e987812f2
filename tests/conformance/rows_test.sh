#!/usr/bin/env bash
# Each row of requirements.tsv has a test or a reason, and docs/conformance.md says which. Reads the
# source tree itself, behind the link of the runfiles, since any package may hold a marker.
set -euo pipefail
tool=$(realpath "$1")
python3 "$tool" --check

# The check finds what it is there to find: each on a copy of the tree with one thing wrong.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
root=$(dirname "$(dirname "$tool")")
mkdir -p "$copy"/{docs,tools,crypto,proto,services,storage,teep,tests/support}
cp "$tool" "$copy/tools/conformance"
cp -r "$root/tests/conformance" "$copy/tests/conformance"
rm -rf "$copy"/tests/conformance/{vectors,row_*_test.cc}
printf 'T-04\tM\ta\tb\nT-05\tM\tc\td\n' >"$copy/tests/conformance/requirements.tsv"
printf 'TEST(A, B) {\n  TAM_ROW("T-04");\n}\n' >"$copy/crypto/a_test.cc"
printf 'T-05\tlater\n' >"$copy/tests/conformance/pending.tsv"
python3 "$copy/tools/conformance" >/dev/null
python3 "$copy/tools/conformance" --check >/dev/null

# finds TEXT: the check fails and says so.
finds() {
  local said
  if said=$(python3 "$copy/tools/conformance" --check 2>&1) || [[ $said != *"$1"* ]]; then
    echo "want a finding '$1', got: $said" >&2
    exit 1
  fi
}
printf '' >"$copy/tests/conformance/pending.tsv"
finds 'T-05: no test bears this row'
printf 'T-05\t\n' >"$copy/tests/conformance/pending.tsv"
finds 'want a reason'
printf 'T-05\tlater\nT-04\tlater\n' >"$copy/tests/conformance/pending.tsv"
finds 'T-04: has a test; take it out of pending.tsv'
printf 'T-05\tlater\n' >"$copy/tests/conformance/pending.tsv"
printf 'TEST(A, B) {\n  TAM_ROW("T-04", "T-99");\n}\n' >"$copy/crypto/a_test.cc"
finds 'T-99: a marker in crypto/a_test.cc names no row'
printf 'TEST(A, B) {\n  TAM_ROW("T-04");\n  TAM_ROW("T-04");\n}\n' >"$copy/crypto/a_test.cc"
finds 'crypto/a_test.cc:3: TAM_ROW: want one, within a test'
printf 'TEST(A, C) {\n  TAM_ROW("T-04");\n}\n' >"$copy/crypto/a_test.cc"
finds 'docs/conformance.md is out of date'
