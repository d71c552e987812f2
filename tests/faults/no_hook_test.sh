#!/usr/bin/env bash
# no_hook_test.sh TAMD TAMD_FAULTY: the hook of tests/faults is in the second program and nowhere in
# the first: neither its code nor the name of what steers it.
set -euo pipefail
tamd=$1 faulty=$2

# has_symbol PROGRAM NAME
has_symbol() { [[ $(nm -C "$1" | grep -cF -- "$2") -gt 0 ]]; }
has_code() { has_symbol "$1" tam::faults::; }
has_name() { grep -qF TAM_FAULT_FOLDER "$1"; }
fail() { echo "$*" >&2; exit 1; }

# A program without symbols would pass for the wrong reason.
has_symbol "$tamd" tam::runtime::PassFaultPoint || fail "$tamd: no symbols to look at"
has_code "$faulty" || fail "$faulty: the check does not see the hook"
has_name "$faulty" || fail "$faulty: the check does not see the hook's variable"
! has_code "$tamd" || fail "$tamd holds code of tests/faults"
! has_name "$tamd" || fail "$tamd knows the hook's variable"
