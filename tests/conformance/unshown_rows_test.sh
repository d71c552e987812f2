#!/usr/bin/env bash
# A run of tools/test fails where a row of requirements.tsv was not shown by a passed test: each on a
# small tree and a run of its own making.
set -euo pipefail
tools=$(dirname "$(realpath "$1")")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{run,tools,crypto,proto,services,storage,teep,tests/conformance}
cp "$tools"/{conformance,row_report.py,test_report.py} "$tree/tools/"
printf 'T-04\tM\ta\tb\nT-05\tM\tc\td\nT-06\tM\te\tf\n' \
  >"$tree/tests/conformance/requirements.tsv"
printf 'T-06\tlater\n' >"$tree/tests/conformance/pending.tsv"
printf 'TEST(A, B) {\n  TAM_ROW("T-04");\n}\n' >"$tree/crypto/a_test.cc"
printf '# TAM_ROW T-05\n' >"$tree/crypto/s_test.sh"

# case_of SUITE NAME [ELEMENT]: a testcase of test.xml.
case_of() { printf '<testcase classname="%s" name="%s" status="run">%s</testcase>' "$1" "$2" "${3-}"; }
passed=$(case_of P/A/0 B/1 \
  '<properties><property name="rows" value="T-04"/></properties>')
skipped=$(case_of A B '<skipped message="a_test.cc:3&#10;TAM_VECTORS is unset"/>')
# As Bazel writes it of a shell test.
shell='<testcase name="crypto/s_test" status="run"></testcase>'

# run CASES-OF-A SHELL-CASES: what the report says of such a run, with its exit code.
run() {
  local name=0 cases
  printf 'default 1\n' >"$tree/run/times"
  printf '0\n' >"$tree/run/default.rc"
  : >"$tree/run/default.json"
  for cases in "$1" "$2"; do
    name=$((name + 1))
    [[ $cases ]] || continue
    printf '<testsuites><testsuite>%s</testsuite></testsuites>' "$cases" >"$tree/run/$name.xml"
    printf '{"id":{"testResult":{"label":"//crypto:%s"}},"testResult":{"status":"PASSED",' \
      "$([[ $name == 1 ]] && echo a_test || echo s_test)" >>"$tree/run/default.json"
    printf '"testActionOutput":[{"name":"test.xml","uri":"file://%s"}]}}\n' \
      "$tree/run/$name.xml" >>"$tree/run/default.json"
  done
  python3 "$tree/tools/test_report.py" "${rows[@]}" "$tree/run" && echo exit 0 || echo exit 1
}
# want TEXT...: the run said each.
said=''
want() {
  local text
  for text in "$@"; do
    [[ $said == *"$text"* ]] || { printf "want '%s', got: %s\n" "$text" "$said" >&2; exit 1; }
  done
}
rows=(--rows)
unset TAM_VECTORS

said=$(run "$passed" "$shell")
want '2 passed, 0 failed, 0 skipped' 'exit 0'
said=$(run "$passed" '')
want 'FAILED [rows] T-05: no test that bears this row has passed: s_test not run' 'exit 1'
said=$(run '' "$shell")
want 'FAILED [rows] T-04: no test that bears this row has passed: A.B not run' '1 failed' 'exit 1'
said=$(run "$skipped" "$shell")
want 'ROW T-04: not shown: its tests need TAM_VECTORS, which is unset' '0 failed' 'exit 0'
said=$(TAM_VECTORS=/there run "$skipped" "$shell")
want 'FAILED [rows] T-04: no test that bears this row has passed: A.B skipped' 'exit 1'
said=$(run "${skipped/TAM_VECTORS is unset/no TPM here}" "$shell")
want 'FAILED [rows] T-04: no test that bears this row has passed: A.B skipped' 'exit 1'
# Passed, but the binary did not say that it bears the row.
said=$(run "$(case_of A B)" "$shell")
want 'FAILED [rows] T-04: no test that bears this row has passed: A.B without its marker' 'exit 1'
# Shown by one of its tests.
said=$(run "$skipped$passed" "$shell")
want '0 failed, 1 skipped' 'exit 0'
# Some targets alone.
rows=()
said=$(run "$skipped" '')
want '0 failed, 1 skipped' 'exit 0'
