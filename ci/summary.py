#!/usr/bin/env python3
"""Reads JUnit files of CTest's and says what failed, what did not run, and one closing line: passed, failed, skipped.

    ci/summary.py [--verbose] [--require-gpu] JUNIT...

Tests that found no GPU are named suite by suite and counted (each by name with --verbose); every other skipped test is
named with its reason. Exits 1 when a test failed, when there is none, and with --require-gpu when one found no GPU.
    ci/summary.py --self-test      show that it can fail
"""
import collections
import pathlib
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

NOT_RUN = re.compile(r"NOT RUN: ([^\n]*)")


def suite(name):
    """ "laws/gpu:Kernel.WritesOnlyItsOutput/rmsnorm" -> "laws/gpu:Kernel" """
    folder, colon, test = name.rpartition(":")
    return folder + colon + re.split(r"[./]", test.split(".")[0])[-1]


def reason(case):
    """What the test itself said, else what CTest says."""
    said = NOT_RUN.search(case.findtext("system-out") or "")
    if said:
        return said.group(0)
    skipped = case.find("skipped")
    return (skipped.get("message") if skipped is not None else None) or "no reason given"


def read(paths):
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("failure") is not None or case.get("status") == "fail":
                outcome = "failed"
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                outcome = "skipped"
            else:
                outcome = "passed"
            yield case.get("name"), outcome, reason(case)


def summarise(paths, verbose, require_gpu):
    """The lines to print, and whether all is well."""
    cases = list(read(paths))
    by_outcome = {outcome: [case for case in cases if case[1] == outcome] for outcome in ("passed", "failed", "skipped")}
    without_gpu = [case for case in by_outcome["skipped"] if case[2].startswith("NOT RUN")]
    lines = [f"FAILED: {name}" for name, _, _ in by_outcome["failed"]]
    for case in by_outcome["skipped"]:
        if case not in without_gpu:
            lines.append(f"SKIPPED: {case[0]}: {case[2]}")
        elif verbose:
            lines.append(f"NOT RUN: {case[0]}")
    if without_gpu:
        reasons = sorted({why.removeprefix("NOT RUN: ").split(" (")[0] for _, _, why in without_gpu})
        if not verbose:
            counts = collections.Counter(suite(name) for name, _, _ in without_gpu)
            lines += [f"NOT RUN: {name} ({count})" for name, count in sorted(counts.items())]
        lines.append(f"NOT RUN: {len(without_gpu)} GPU tests: {', '.join(reasons)}")
    lines.append(", ".join(f"{len(found)} {outcome}" for outcome, found in by_outcome.items()))
    good = bool(cases) and not by_outcome["failed"] and not (require_gpu and without_gpu)
    return lines, good


def self_test():
    text = """<testsuite>
      <testcase name="a" status="run"/>
      <testcase name="k:P/S.b/1" status="notrun"><skipped message=""/><system-out>x
NOT RUN: no CUDA device (why)
</system-out></testcase>
      <testcase name="k:S.c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>NOT RUN: no CUDA device
</system-out></testcase>{more}</testsuite>"""
    skipped = '<testcase name="d" status="notrun"><skipped message="rustc missing"/></testcase>'
    failed = '<testcase name="e" status="fail"><failure message=""/></testcase>'
    no_gpu = "NOT RUN: 2 GPU tests: no CUDA device"
    suites = "NOT RUN: k:S (2)"
    expected = [
        ("", (False, False), ([suites, no_gpu, "1 passed, 0 failed, 2 skipped"], True)),
        ("", (True, False), (["NOT RUN: k:P/S.b/1", "NOT RUN: k:S.c", no_gpu, "1 passed, 0 failed, 2 skipped"], True)),
        ("", (False, True), ([suites, no_gpu, "1 passed, 0 failed, 2 skipped"], False)),
        (skipped, (False, False),
         (["SKIPPED: d: rustc missing", suites, no_gpu, "1 passed, 0 failed, 3 skipped"], True)),
        (failed, (False, False), (["FAILED: e", suites, no_gpu, "1 passed, 1 failed, 2 skipped"], False)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "junit.xml"
        for more, flags, want in expected:
            path.write_text(text.replace("{more}", more))
            found = summarise([path], *flags)
            if found != want:
                print(f"self test: {more!r} {flags}: found {found}, expected {want}")
                return 1
        path.write_text("<testsuite>" + skipped + '<testcase name="a" status="run"/></testsuite>')
        if summarise([path], False, True) != (["SKIPPED: d: rustc missing", "1 passed, 0 failed, 1 skipped"], True):
            print("self test: only a missing GPU may fail under --require-gpu")
            return 1
        path.write_text("<testsuite/>")
        if summarise([path], False, False) != (["0 passed, 0 failed, 0 skipped"], False):
            print("self test: no test at all must fail")
            return 1
    print(f"self test: {len(expected) + 2} reports read as expected")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    flags = {"--verbose", "--require-gpu"}
    paths = [argument for argument in arguments if argument not in flags]
    lines, good = summarise(paths, "--verbose" in arguments, "--require-gpu" in arguments)
    print(*lines, sep="\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
