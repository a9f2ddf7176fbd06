#!/usr/bin/env python3
"""Names every test that asserts nothing: a body without an assertion that also calls no helper of the tests that has
one. Such a test passes whatever the code does. Exits 1 when there is one.

    ci/assertions.py [ROOT]        check the tree
    ci/assertions.py --self-test   show that the check can fail
"""
import pathlib
import re
import sys
import tempfile

TEST = re.compile(r"^(TEST|TEST_F|TEST_P|TYPED_TEST|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+)", re.MULTILINE)
ASSERTION = re.compile(r"\b(EXPECT_\w+|ASSERT_\w+|RC_ASSERT\w*|RC_FAIL|ADD_FAILURE\w*|FAIL)\s*\(")
# A lambda that has a name, or a function: name, parameters, what may stand behind them, body.
FUNCTION = re.compile(r"\b(\w+)\s*(?:=\s*\[[^\]]*\]\s*)?\([^;{}]*?\)\s*(?:const|override|noexcept|mutable|->[\w:<>&\s*]+|\s)*\{")
CALL = re.compile(r"\b(\w+)\s*(?:<[^;(){}]*>)?\s*\(")
KEYWORDS = {"if", "for", "while", "switch", "return", "catch", "sizeof"}


def code_of(text):
    """Without comments, and with nothing in texts and characters."""
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, lambda m: '""' if m.group()[0] in "\"'R" else "", text, flags=re.DOTALL)


def block(code, at):
    """The text between the brace at or behind `at` and the one that closes it."""
    start = code.find("{", at)
    depth = 0
    for i in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[i], 0)
        if depth == 0:
            return code[start:i + 1]
    return code[start:]


def helpers_of(codes):
    """Names of functions that assert, themselves or through others."""
    bodies = {}
    for code in codes:
        for match in FUNCTION.finditer(code):
            if match.group(1) not in KEYWORDS:
                bodies.setdefault(match.group(1), []).append(block(code, match.end() - 1))
    asserting = {name for name, all_of in bodies.items() if any(ASSERTION.search(body) for body in all_of)}
    while True:
        more = {name for name, all_of in bodies.items() if name not in asserting
                and any(call in asserting for body in all_of for call in CALL.findall(body))}
        if not more:
            return asserting
        asserting |= more


def silent_tests(root):
    files = sorted(file for file in (root / "tests").rglob("*") if file.suffix in (".cc", ".h"))
    codes = {file: code_of(file.read_text(encoding="utf-8", errors="replace")) for file in files}
    helpers = helpers_of(codes.values())
    silent, tests = [], 0
    for file, code in codes.items():
        for match in TEST.finditer(code):
            tests += 1
            body = block(code, match.end())
            if not ASSERTION.search(body) and not helpers.intersection(CALL.findall(body)):
                silent.append(f"{file.relative_to(root).as_posix()}: {match.group(2)}.{match.group(3)}: asserts nothing")
    return silent, tests


def self_test():
    cases = {
        "TEST(A, B) { EXPECT_EQ(1, 1); }": 0,
        "TEST(A, B) { int x = f(1); }": 1,
        "TEST(A, B) {}": 1,
        "TEST(A, B) { // EXPECT_EQ(1, 1);\n}": 1,
        'TEST(A, B) { say("EXPECT_EQ(1, 1)"); }': 1,
        "void expect_it(int x) { EXPECT_EQ(x, 1); }\nTEST_F(A, B) { expect_it(1); }": 0,
        "void inner() { ASSERT_TRUE(true); }\nvoid outer() { inner(); }\nTEST(A, B) { outer(); }": 0,
        "template <class T> void typed() { ADD_FAILURE(); }\nTYPED_TEST(A, B) { typed<int>(); }": 0,
        "RC_GTEST_PROP(A, B, (int x)) { RC_ASSERT(x == x); }": 0,
        "RC_GTEST_PROP(A, B, ()) { f(); }": 1,
        "TEST(A, B) { if (f()) { g(); } }\nTEST(A, C) { EXPECT_TRUE(1); }": 1,
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "tests").mkdir()
        for text, wanted in cases.items():
            (root / "tests/a_test.cc").write_text(text)
            found = silent_tests(root)[0]
            if len(found) != wanted:
                print(f"self test: {text!r}: {found}, expected {wanted}")
                return 1
    print(f"self test: {len(cases)} texts judged as expected")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = pathlib.Path(arguments[0] if arguments else ".").resolve()
    silent, tests = silent_tests(root)
    print(*silent, f"{tests} tests, {len(silent)} without an assertion", sep="\n")
    return 1 if silent or tests == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
