"""Counts test cases over the configurations that tools/test ran.

usage: test_report.py [--rows] FOLDER

FOLDER holds, for each configuration, NAME.json (Bazel's build events) and NAME.rc (its exit code),
and `times`. The events name the targets of this very run and their test.xml files, so that no
result of an earlier run is counted. Prints the time of each configuration, the failed and the
skipped cases, and as the last line "N passed, N failed, N skipped". Exit code 1 on a failure.

--rows: of a run of every test. A row of tests/conformance/requirements.tsv that no passed test
bears and that is not pending counts as a failure; one whose tests were all skipped since
TAM_VECTORS is unset is named, and counts as none.
"""

import collections
import json
import os
import pathlib
import sys
import urllib.parse
import xml.etree.ElementTree

import row_report

NO_TESTS = 4  # Bazel's exit code where a configuration has no test to run.


def events(path):
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return  # Bazel was killed in the middle of a line; its exit code says so.


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = []  # (configuration, case, reason)
        self.skipped = collections.OrderedDict()  # (case, reason) -> number of times
        self.conformance = row_report.load_conformance()
        self.cases = []
        self.unshown = []  # (row, reason): not shown, and no failure

    def read_configuration(self, folder, name):
        results = {}  # (target, run, shard) -> the last attempt's event
        unbuilt = []
        for event in events(folder / (name + ".json")):
            ident = event.get("id", {})
            if "testResult" in ident and "testResult" in event:
                key = ident["testResult"]
                results[key["label"], key.get("run"), key.get("shard")] = event["testResult"]
            if "targetCompleted" in ident and "success" not in event.get("completed", {}):
                unbuilt.append(ident["targetCompleted"]["label"])
            if "pattern" in ident and "aborted" in event:
                unbuilt.append(" ".join(ident["pattern"]["pattern"]))
        before = len(self.failed)
        for (label, _, _), result in sorted(results.items(), key=lambda r: str(r[0])):
            self.read_result(name, label, result)
        tested = {label for label, _, _ in results}
        for label in sorted(set(unbuilt) - tested):
            self.failed.append((name, label, "does not build"))
        code = int((folder / (name + ".rc")).read_text())
        if code not in (0, NO_TESTS) and len(self.failed) == before:
            self.failed.append((name, "bazel", "exit code %d; see its messages above" % code))

    def read_result(self, configuration, label, result):
        failed_before = len(self.failed)
        for output in result.get("testActionOutput", []):
            if output["name"] == "test.xml":
                self.read_xml(configuration, label, output["uri"])
        if result["status"] != "PASSED" and len(self.failed) == failed_before:
            self.failed.append((configuration, label, result["status"].lower()))

    def read_xml(self, configuration, label, uri):
        path = urllib.parse.unquote(urllib.parse.urlparse(uri).path)
        try:
            root = xml.etree.ElementTree.parse(path).getroot()
        except (OSError, xml.etree.ElementTree.ParseError):
            return  # The event's status still counts.
        target = label.lstrip("/").replace(":", "/")
        for case in root.iter("testcase"):
            self.count(configuration, label, case)
            skipped = case.find("skipped")
            self.cases.append(row_report.Case(
                target, case.get("classname", ""), case.get("name", ""),
                self.conformance.result_of(case),
                skipped.get("message") or "" if skipped is not None else "",
                self.conformance.recorded(case)))

    def count(self, configuration, label, case):
        name = "%s %s.%s" % (label, case.get("classname", ""), case.get("name", ""))
        problem = next((e for e in case if e.tag in ("failure", "error")), None)
        skipped = case.find("skipped")
        if problem is not None:
            lines = (problem.get("message") or problem.text or "failed").strip().splitlines()
            self.failed.append((configuration, name, " | ".join(lines[:3])))
        elif skipped is not None or case.get("result") == "skipped":
            lines = (skipped.get("message") or "" if skipped is not None else "").splitlines()
            reason = " ".join(lines[1:] if len(lines) > 1 else lines) or "no reason given"
            key = (name, reason)
            self.skipped[key] = self.skipped.get(key, 0) + 1
        elif case.get("status") == "notrun":
            key = (name, "disabled")
            self.skipped[key] = self.skipped.get(key, 0) + 1
        else:
            self.passed += 1

    def judge_rows(self, has_vectors):
        failed, self.unshown = row_report.judge(self.conformance, self.cases, has_vectors)
        self.failed += [("rows", row, reason) for row, reason in failed]

    def print(self, times):
        print()
        for line in times:
            print("%s: %s s" % tuple(line.split()))
        for (name, reason), count in self.skipped.items():
            print("SKIPPED %s: %s%s" % (name, reason, " (%d times)" % count if count > 1 else ""))
        for row, reason in self.unshown:
            print("ROW %s: %s" % (row, reason))
        for configuration, name, reason in self.failed:
            print("FAILED [%s] %s: %s" % (configuration, name, reason))
        print("%d passed, %d failed, %d skipped"
              % (self.passed, len(self.failed), sum(self.skipped.values())))


def main(arguments):
    rows = arguments[:1] == ["--rows"]
    folder = pathlib.Path(arguments[-1])
    report = Report()
    times = (folder / "times").read_text().splitlines()
    for line in times:
        report.read_configuration(folder, line.split()[0])
    if rows:
        report.judge_rows(has_vectors=bool(os.environ.get("TAM_VECTORS")))
    report.print(times)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
