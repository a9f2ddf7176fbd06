#!/usr/bin/env python3
"""Checks that every case of a contract has a test by name: each row of the case table, and each named test, must exist.

    ci/contract_cases.py [ROOT]          check the tree
    ci/contract_cases.py --self-test     show that the check can fail

A list of cases is a text file: a line with the case as the contract words it, then indented lines with the tests, each
Suite.Name as in the sources.
"""
import pathlib
import re
import sys
import tempfile

# (document, heading of the section, what a case looks like there, list of tests)
CONTRACTS = [
    ("docs/gguf.md", "## 5. Cases", re.compile(r"^\| (.+?) \|(?: .*)?\|$"), "tests/core/gguf/cases.txt"),
    ("docs/worker.md", "## 5. Sampling", re.compile(r"^(\d\. (?:\w[\w-]*))|^- ([\w ]+?)(?= is\b|:)"), "tests/core/sample/cases.txt"),
]
TEST = re.compile(r"^(?:TEST(?:_F|_P)?|RC_GTEST_PROP)\(\s*(\w+)\s*,\s*(\w+)", re.MULTILINE)


def section(text, heading):
    start = text.index(heading + "\n")
    end = text.find("\n## ", start)
    return text[start:end if end >= 0 else len(text)].splitlines()[1:]


def cases_of(text, heading, pattern):
    found = [next(group for group in match.groups() if group)
             for match in map(pattern.match, section(text, heading)) if match]
    return [case for case in found if case not in ("case", "---") and not set(case) <= set("-| ")]


def listed(text):
    """case -> tests, in order."""
    lists, case = {}, None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] != " ":
            case = line.strip()
            if case in lists:
                raise SystemExit(f"line {number}: {case} twice")
            lists[case] = []
        else:
            lists[case].append(line.strip())
    return lists


def problems(root):
    sources = (file for file in sorted((root / "tests").rglob("*.cc")))
    tests = {".".join(match) for file in sources for match in TEST.findall(file.read_text(encoding="utf-8"))}
    for document, heading, pattern, path in CONTRACTS:
        cases = cases_of((root / document).read_text(encoding="utf-8"), heading, pattern)
        lists = listed((root / path).read_text(encoding="utf-8"))
        if not cases:
            yield f"{document}: no cases under {heading}"
        for case in cases:
            if not lists.get(case):
                yield f"{document}: no test for: {case}"
        for case, names in lists.items():
            if case not in cases:
                yield f"{path}: not in {document}: {case}"
            for name in names:
                if name not in tests:
                    yield f"{path}: no such test: {name}"


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name in ("docs", "tests/core/gguf", "tests/core/sample"):
            (root / name).mkdir(parents=True)
        (root / "docs/worker.md").write_text("## 5. Sampling\n0. One thing\n- Another thing: more\n")
        (root / "docs/gguf.md").write_text(
            "## 5. Cases\n\n| case | outcome | message |\n|---|---|---|\n| a; b | accept | |\n| c | refuse | x |\n\n## 6. X\n| d | |\n")
        (root / "tests/core/gguf/a_test.cc").write_text("TEST(A, Accepts) {\nRC_GTEST_PROP(A, Refuses, ()) {\n")
        whole = "# note\na; b\n  A.Accepts\nc\n  A.Refuses\n"
        sampling = "0. One\n  A.Accepts\nAnother thing\n  A.Accepts\n"
        (root / "tests/core/sample/cases.txt").write_text(sampling)
        for text, wanted in ((whole, []), (whole.replace("c\n", "e\n"), ["no test for: c", "not in docs/gguf.md: e"]),
                             (whole.replace("A.Refuses", "A.Reads"), ["no such test: A.Reads"]),
                             (whole.replace("  A.Accepts\n", ""), ["no test for: a; b"])):
            (root / "tests/core/gguf/cases.txt").write_text(text)
            found = list(problems(root))
            assert len(found) == len(wanted) and all(w in f for w, f in zip(wanted, found)), (text, found)
        (root / "tests/core/gguf/cases.txt").write_text(whole)
        (root / "tests/core/sample/cases.txt").write_text(sampling.replace("Another", "Other"))
        assert len(list(problems(root))) == 2
    print("contract_cases: the check finds missing rows, unknown rows and unknown tests")


def main():
    if "--self-test" in sys.argv:
        return self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = list(problems(root))
    print("\n".join(found) or "contract_cases: every case has a test")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
