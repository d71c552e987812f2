"""Which rows of tests/conformance/requirements.tsv a run of tools/test has not shown.

A row is shown by a passed case whose entry of test.xml records it (tests/support/row.h), or by a
passed shell test that bears its marker. Rows of pending.tsv are not asked for.
"""

import collections
import importlib.machinery
import importlib.util
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent

# target is PACKAGE/NAME; result as conformance.result_of says; reason is why it was skipped.
Case = collections.namedtuple("Case", "target suite name result reason rows")


def load_conformance():
    loader = importlib.machinery.SourceFileLoader("conformance", str(FOLDER / "conformance"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("conformance", loader))
    loader.exec_module(module)
    return module


def needs_vectors(case):
    return case.result == "skipped" and "TAM_VECTORS" in case.reason


def judge(conformance, cases, has_vectors):
    """Returns ([(row, why)] that count as failures, [(row, why)] that only vectors could show)."""
    rows = [fields[0] for fields in conformance.table(conformance.DATA / "requirements.tsv")]
    pending = {fields[0] for fields in conformance.table(conformance.DATA / "pending.tsv")}
    by_test = collections.defaultdict(list)
    shown = set()
    for case in cases:
        by_test[conformance.plain_name(case.target, case.suite, case.name)].append(case)
        if case.result == "passed":
            shown.update(case.rows)
    marked = conformance.scan([])  # What is wrong with markers is rows_test's to say.
    failed, without_vectors = [], []
    for row in rows:
        tests = marked.get(row, [])
        ran = {test: by_test.get((test.suite, test.name), []) for test in tests}
        by_shell = any(not test.suite and any(c.result == "passed" for c in ran[test])
                       for test in tests)
        if row in pending or row in shown or by_shell:
            continue
        only_vectors = bool(tests) and all(
            ran[test] and all(needs_vectors(c) for c in ran[test]) for test in tests)
        if only_vectors and not has_vectors:
            without_vectors.append((row, "not shown: its tests need TAM_VECTORS, which is unset"))
        else:
            failed.append((row, "no test that bears this row has passed: " + what_happened(ran)))
    return failed, without_vectors


def what_happened(ran):
    """"Suite.Name skipped, Suite.Other not run"."""
    said = []
    for test, cases in ran.items():
        results = sorted({c.result if c.result != "passed" else "without its marker"
                          for c in cases}) or ["not run"]
        name = test.suite + "." + test.name if test.suite else test.name
        said.append(name + " " + " and ".join(results))
    return ", ".join(said) or "there is none"
