#!/usr/bin/env python3
"""Reads JUnit files of CTest's and says what failed, what did not run, and one closing line: passed, failed, skipped.

    ci/summary.py [--verbose] [--require-gpu] JUNIT... [GTEST...]

Where a CTest is a part of a program ("core/text:1of4"), the files that GoogleTest wrote for the parts have the tests, and a
part that passed is not counted itself.
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
PART = re.compile(r":\d+of\d+$")
LINE = re.compile(r"^\S+:\d+\n")  # where GoogleTest's message is from


def suite(name):
    """ "laws/gpu:Kernel.WritesOnlyItsOutput/rmsnorm" -> "laws/gpu:Kernel" """
    folder, colon, test = name.rpartition(":")
    return folder + colon + re.split(r"[./]", test.split(".")[0])[-1]


def reason(case):
    """What the test itself said, else what CTest says."""
    skipped = case.find("skipped")
    message = (skipped.get("message") if skipped is not None else None) or ""
    said = NOT_RUN.search(case.findtext("system-out") or message)
    return said.group(0) if said else LINE.sub("", message).strip() or "no reason given"


def read(paths):
    for path in map(pathlib.Path, paths):
        root = ElementTree.parse(path).getroot()
        program = path.stem.replace("+", "/").rpartition(":")[0]  # of GoogleTest's file: "core+text:1of4.xml"
        for case in root.iter("testcase"):
            if case.find("failure") is not None or case.get("status") == "fail":
                outcome = "failed"
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                outcome = "skipped"
            else:
                outcome = "passed"
            name = case.get("name")
            if root.tag == "testsuites":  # GoogleTest's; CTest's are one suite
                name = f"{program}:{case.get('classname')}.{name}"
            yield name, outcome, reason(case)


def without_parts(cases):
    """The same without the parts of programs whose tests stand there: those that passed, and those that failed by a test."""
    failed = {name.partition(":")[0] for name, outcome, _ in cases if outcome == "failed" and not PART.search(name)}
    return [case for case in cases
            if not PART.search(case[0]) or (case[1] != "passed" and case[0].partition(":")[0] not in failed)]


def summarise(paths, verbose, require_gpu):
    """The lines to print, and whether all is well."""
    cases = without_parts(list(read(paths)))
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
        parts = pathlib.Path(folder) / "k+p:1of2.xml"
        parts.write_text('<testsuites><testsuite><testcase name="b" classname="S"/><testcase name="c/0" classname="P/S">'
                         '<skipped message="/k/p.cc:7&#10;NOT RUN: no CUDA device"/></testcase><testcase name="d" '
                         'classname="S"><failure/></testcase></testsuite></testsuites>')
        path.write_text('<testsuite><testcase name="k/p:1of2" status="fail"/><testcase name="k/p:2of2" status="run"/>'
                        '<testcase name="q:1of2" status="fail"/></testsuite>')
        want = (["FAILED: q:1of2", "FAILED: k/p:S.d", "NOT RUN: k/p:S (1)", "NOT RUN: 1 GPU tests: no CUDA device",
                 "1 passed, 2 failed, 1 skipped"], False)
        if summarise([path, parts], False, False) != want:
            print(f"self test: parts of programs: found {summarise([path, parts], False, False)}, expected {want}")
            return 1
        path.write_text("<testsuite/>")
        if summarise([path], False, False) != (["0 passed, 0 failed, 0 skipped"], False):
            print("self test: no test at all must fail")
            return 1
    print(f"self test: {len(expected) + 3} reports read as expected")
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
