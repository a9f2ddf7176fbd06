#!/usr/bin/env python3
"""Reads a JUnit file of CTest's and prints one closing line: passed, failed, skipped; every skipped test by name."""
import sys
import xml.etree.ElementTree as ElementTree


def main(path):
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None or case.get("status") == "notrun"]
    for case in skipped:
        print(f"SKIPPED: {case.get('name')}")
    print(f"{len(cases) - len(failed) - len(skipped)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
