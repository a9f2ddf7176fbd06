"""Makes all golden data again, in a copy, and says what differs from the files here: nothing should.

  python3 golden/make/rederive.py [PATTERN...]     all, or the files that match: 'checkpoints/*' 'tiny/*'
  python3 golden/make/rederive.py --self-test      shows that a difference is found

Runs the command that manifest.json names for each file, in a scratch copy from which the file was removed first, so
that nothing passes because it was never made. Prints for each command how many files came out the same, what differs
and by how much, and what was not made again, with the reason. Exit status 1 when a file differs, or when a command
fails that should run.
"""

import argparse
import ast
import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Files of golden/ that no rerun can be expected to make again, each with the reason.
CANNOT = [
    ("haiku/haiku-q4_k_m.gguf", "trained on a GPU; a rerun makes an equivalent model, not the same bytes"),
]
# Commands that the manifest describes in words.
COMMANDS = [("haiku/tokenizer.json", "python3 golden/make/haiku/make.py tokenizer"),
            ("haiku/*", "python3 golden/make/haiku/make.py verses")]
# What the tests keep beside them: file, command whose output is the file or that takes its path.
BESIDE_TESTS = [
    ("tests/core/text/data/chat.json", "python3 tests/core/text/data/make_chat.py > {}"),
    ("tests/core/text/data/nfc.txt", "python3 tests/core/text/data/make_nfc.py > {}"),
    ("tests/core/gguf/data/gguf_py.gguf", "python3 tests/core/gguf/data/make_gguf_py.py {}"),
]


def first_match(pairs, name):
    return next((value for pattern, value in pairs if fnmatch.fnmatchcase(name, pattern)), None)


def plan(root, patterns):
    """{command: [paths from the root]} in the order of dependence, and [(path, reason)] of what is left out."""
    def chosen(name):
        return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    commands = {command.format(name): [name] for name, command in BESIDE_TESTS if chosen(name) and (root / name).exists()}
    left_out = []
    for entry in json.loads((root / "golden/manifest.json").read_text(encoding="utf-8"))["files"]:
        name = entry["path"]
        if not chosen(name):
            continue
        if reason := first_match(CANNOT, name):
            left_out.append((f"golden/{name}", reason))
            continue
        commands.setdefault(first_match(COMMANDS, name) or entry["command"], []).append(f"golden/{name}")
    # differential.py reads what lies beside the tests, and many read what tiny.py makes.
    def rank(item):
        return not item[1][0].startswith("tests/"), "tiny.py" not in item[0]

    return dict(sorted(commands.items(), key=rank)), left_out


def numbers(path):
    """The values of a .npy file of format 1.0 with float32, without NumPy; nothing for any other file."""
    data = path.read_bytes()
    if path.suffix != ".npy" or data[:8] != b"\x93NUMPY\x01\x00":
        return None
    start = 10 + int.from_bytes(data[8:10], "little")
    if ast.literal_eval(data[10:start].decode())["descr"] != "<f4":
        return None
    return memoryview(data[start:]).cast("f")


def difference(made, kept):
    """Nothing when the files are the same, else what differs."""
    if not made.exists():
        return "not made"
    if hashlib.sha256(made.read_bytes()).digest() == hashlib.sha256(kept.read_bytes()).digest():
        return None
    a, b = numbers(made), numbers(kept)
    if a is None or b is None or len(a) != len(b):
        return f"{made.stat().st_size} bytes, differing from the {kept.stat().st_size} here"
    worst = max(abs(x - y) for x, y in zip(a, b))
    differ = sum(x != y for x, y in zip(a, b))
    return f"{differ} of {len(a)} numbers differ, by at most {worst:.3g}; the largest is {max(map(abs, b)):.3g}"


def run(command, scratch):
    """Nothing on success, else the last line of what it said."""
    # The interpreter that runs this script has the packages.
    shell = command.replace("python3", f'"{sys.executable}"', 1)
    done = subprocess.run(shell, shell=True, cwd=scratch, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
    return None if done.returncode == 0 else f"exit status {done.returncode}: {said}"


def rederive(root, scratch, patterns):
    """The lines to print, and whether all is well."""
    commands, left_out = plan(root, patterns)
    good = True
    for part in ("golden", "tests/core/text/data", "tests/core/gguf/data"):
        if (root / part).exists():
            shutil.copytree(root / part, scratch / part, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (path for paths in commands.values() for path in paths):
        (scratch / path).unlink()
    for command, paths in commands.items():
        started = time.monotonic()
        error = run(command, scratch)
        if error:
            missing = "No module named" in error
            good = good and missing
            yield f"{'NOT RUN' if missing else 'FAILED'}: {command}: {error} ({len(paths)} files)", good
            for path in paths:  # those that come after may read them
                shutil.copy(root / path, scratch / path)
            continue
        wrong = [(path, text) for path in paths if (text := difference(scratch / path, root / path))]
        good = good and not wrong
        yield f"{len(paths) - len(wrong)} of {len(paths)} the same: {command} ({time.monotonic() - started:.0f} s)", good
        for path, text in wrong:
            yield f"  DIFFERS: {path}: {text}", good
    for path, reason in left_out:
        yield f"NOT RUN: {path}: {reason}", good


def self_test():
    manifest = {"files": [{"path": f"{name}.json", "command": f"python3 golden/make/{script}.py"}
                          for name, script in (("same", "good"), ("other", "good"), ("never", "good"), ("gone", "bad"), ("lack", "lacks"))]}
    with tempfile.TemporaryDirectory() as folder:
        root, scratch = Path(folder) / "root", Path(folder) / "scratch"
        (root / "golden/make").mkdir(parents=True)
        (root / "golden/manifest.json").write_text(json.dumps(manifest))
        for name in ("same", "other", "never", "gone", "lack"):
            (root / f"golden/{name}.json").write_text(name)
        (root / "golden/make/good.py").write_text("for n in ('same', 'other'): open(f'golden/{n}.json', 'w').write('same')")
        (root / "golden/make/bad.py").write_text("raise SystemExit('no such thing')")
        (root / "golden/make/lacks.py").write_text("import no_such_package_at_all")
        found = list(rederive(root, scratch, ["*.json"]))
    text, good = "\n".join(line for line, _ in found), found[-1][1]
    wanted = ["1 of 3 the same", "DIFFERS: golden/other.json: 4 bytes", "DIFFERS: golden/never.json: not made",
              "FAILED: python3 golden/make/bad.py: exit status 1: no such thing", "NOT RUN: python3 golden/make/lacks.py"]
    lacking = [line for line in wanted if line not in text]
    if lacking or good:
        print("self test: missing", *lacking, "in:", text, f"good: {good}", sep="\n  ")
        return 1
    print(f"self test: {len(wanted)} lines as expected, and the run is not good")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    good, lines = True, 0
    with tempfile.TemporaryDirectory() as folder:
        for line, good in rederive(ROOT, Path(folder), args.patterns):
            print(line, flush=True)
            lines += 1
    if lines == 0:
        print(f"no golden file matches {args.patterns}")
        return 1
    print("golden/: no difference" if good else "golden/: differs")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
