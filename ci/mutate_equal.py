"""Whether a mutant is the same program as the original: both compiled with optimisation, the objects compared bit for bit.

Used by ci/mutate. Every inline function of a header has code in these objects, called or not. What has none all the same, a
template that nobody instantiates or a default member value that nobody takes, must not pass for equal: a change of a header
counts only when it stands in a function of one of the objects. As a function's own code decides, not what becomes of it where
it is inlined, one object that has it is enough.
"""
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import threading

OPTIMISED = ["-O2", "-g0", "-fkeep-inline-functions", "-frandom-seed=mutate"]
COUNTED = ["-O0", "-fkeep-inline-functions", "--coverage"]


class Objects:
    """Objects of the unchanged sources, each made once, and those of mutants beside them."""

    def __init__(self, builder):
        self.builder = builder
        self.lock = threading.Lock()
        self.locks = collections.defaultdict(threading.Lock)
        self.unchanged = {}
        self.places = {}

    def same_program(self, mutant, text, tests):
        """Whether the objects that show the change are those of the unchanged file."""
        sources = self.showing(mutant, tests) if mutant.file.endswith(".h") else [mutant.file]
        changed = text[:mutant.offset] + mutant.new + text[mutant.end:]
        return bool(sources) and all(self.made(source, mutant.file, changed) == self.original(source) for source in sources)

    def showing(self, mutant, tests):
        """Sources that together have all functions, and all of a template's, in which a change of a header stands: of its
        folder, or of its tests when there are none."""
        for sources in self.builder.reached(mutant.file), [t for t in tests if self.builder.depends(t, mutant.file)]:
            names = {source: {name for file, name, first, last in self.functions(source)
                              if file == mutant.file and first <= mutant.line <= last} for source in sources}
            missing, picked = set().union(*names.values()), []
            while missing:
                best = max(sources, key=lambda s: (len(names[s] & missing), -len(self.functions(s))))
                picked.append(best)
                missing -= names[best]
            if picked:
                return picked
        return []

    def original(self, source):
        text = (self.builder.root / source).read_text()
        made = self.once(self.unchanged, source, lambda: self.made(source, source, text))
        if made is None:
            raise RuntimeError(f"{source}: does not compile unchanged")
        return made

    def made(self, source, file, text):
        """The object of a source when `file` holds this text; None when it does not compile."""
        with tempfile.TemporaryDirectory() as folder:
            scratch = pathlib.Path(folder)
            changed = scratch / file
            changed.parent.mkdir(parents=True)
            changed.write_text(text)
            path = changed if source == file else self.builder.root / source
            flags = self.builder.flags_of(source, [*OPTIMISED, f"-ffile-prefix-map={scratch}={self.builder.root}"])
            wrong = self.builder.compile_with(flags, scratch, path, scratch / "out.o")
            return None if wrong else (scratch / "out.o").read_bytes()

    def functions(self, source):
        """{(file, name, first line, last line)} of the functions that have code in the unchanged source's object."""
        return self.once(self.places, source, lambda: self.listed(source))

    def listed(self, source):
        root = self.builder.root
        with tempfile.TemporaryDirectory() as folder:
            flags = self.builder.flags_of(source, COUNTED)
            if wrong := self.builder.compile_with(flags, folder, root / source, pathlib.Path(folder) / "out.o"):
                raise RuntimeError(f"{source}: does not compile unchanged\n{wrong}")
            run = subprocess.run(["gcov", "--json-format", "--stdout", "out.gcno"], cwd=folder, check=True, capture_output=True,
                                 text=True)
        places = set()
        for file in json.loads(run.stdout)["files"]:
            path = pathlib.Path(os.path.normpath(self.builder.build / file["file"]))
            if path.is_relative_to(root):
                name = path.relative_to(root).as_posix()
                places |= {(name, one["name"], one["start_line"], one["end_line"]) for one in file["functions"]}
        return places

    def once(self, kept, key, make):
        with self.lock:
            lock = self.locks[id(kept), key]
        with lock:
            if key not in kept:
                kept[key] = make()
            return kept[key]


EXAMPLE = {"a/f.h": """#pragma once
inline int uncalled(int x) { return false && x > 1 ? 2 : x; }
template <class T>
T uninstantiated(T x) {
  return x + 3;
}
struct Box {
  int edge = 4;
};
""", "a/f.cc": """#include "a/f.h"
int f(int x) { return false ? x - 5 : x * 6; }
"""}
EQUAL = {("a/f.h", ">", ">="), ("a/f.h", ">", "<="), ("a/f.h", "1", "(1 + 1)"), ("a/f.h", "2", "(2 + 1)"),
         ("a/f.cc", "-", "+"), ("a/f.cc", "5", "(5 + 1)")}
SELF_TESTED = 14  # all mutants of the example


def self_test(builder_of, mutants_of):
    """What is wrong with the answers on a small program, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "a").mkdir()
        for name, text in EXAMPLE.items():
            (root / name).write_text(text)
        command = f"g++ -I{root} -O3 -std=c++20 -o f.o -c {root / 'a/f.cc'}"
        (root / "compile_commands.json").write_text(json.dumps([{"file": str(root / "a/f.cc"), "command": command}]))
        builder = builder_of(root, root)
        builder.dependencies = {"f.o": {str(root / name) for name in EXAMPLE}}
        objects = Objects(builder)
        found = {(m.file, m.old, m.new): objects.same_program(m, text, [])
                 for name, text in EXAMPLE.items() for m in mutants_of(name, text)}
    wrong = [f"{key}: found {same}, expected {key in EQUAL}" for key, same in found.items() if same != (key in EQUAL)]
    return wrong + ([f"found {len(found)} mutants, expected {SELF_TESTED}"] if len(found) != SELF_TESTED else [])
