#!/usr/bin/env python3
"""Checks who includes whom: the layering table of docs/design.md, as code. Exits 1 and names each line that breaks it.

    ci/layers.py [ROOT]          check the tree
    ci/layers.py --self-test     show that the check can fail
"""
import pathlib
import re
import sys
import tempfile

# folder: (project folders it may include, third-party headers by pattern, each with the only files that may use it).
# The longest matching folder decides.
LAYERS = {
    "core": (["core"], {
        r"nlohmann/": r"core/base/json\.cc",
        r"tl/expected\.hpp": r"core/base/result\.h",
        r"openssl/": r"core/base/sha256\.cc",
        r"pcre2\.h": r"core/text/\w+\.cc",
        r"utf8proc\.h": r"core/text/\w+\.cc",
    }),
    "reference": (["core", "reference"], {r"omp\.h": r".*"}),
    "kernels": (["core", "kernels"], {r"cuda": r".*", r"cublas": r".*"}),
    "tests/support": (["core", "kernels", "tests/pairs", "tests/support"],
                      {r"gtest/": r".*", r"rapidcheck": r".*", r"cuda": r"tests/support/(gpu|device)\.(h|cc)"}),
    "tests/pairs": (["core", "reference", "kernels", "tests/pairs"], {}),
    "tests/laws/gpu": (["core", "reference", "kernels", "tests"], {r"gtest/": r".*", r"cuda": r".*"}),
    "tests/bench": (["core", "bench", "tests/bench", "tests/pairs", "tests/support", "tools/lib"],
                    {r"gtest/": r".*", r"rapidcheck": r".*"}),
    "tests/ffi": (["core", "tests", "tools/ffi"],
                  {r"gtest/": r".*", r"rapidcheck": r".*", r"cuda": r"tests/ffi/headers/cxx_cuda\.cc"}),
    "tests": (["core", "reference", "kernels", "tests", "tools/lib", "include"], {r"gtest/": r".*", r"rapidcheck": r".*"}),
    "bench": (["core", "kernels", "reference", "tests/pairs", "tests/support", "tools/lib", "bench"],
              {r"benchmark/": r".*", r"cu(da|blas)": r"bench/(gpu|ops)_\w+\.(h|cc|cu)",
               r"cooperative_groups\.h": r"bench/gpu_probes\.cu", r"CLI/": r"bench/(serve_bench|driver)\.cc",
               r"dlfcn\.h": r"bench/(nvml|gpu_kernels)\.cc", r"httplib\.h": r"bench/serve_client\.cc"}),
    "tools/ffi": (["core", "tools"], {
        r"tl/expected\.hpp": r"tools/ffi/failure\.h",
        r"std(bool|def|int)\.h": r"tools/ffi/worker_ffi\.h",
    }),
    "tools": (["core", "reference", "kernels", "tests/pairs", "tools"], {
        r"CLI/": r"tools/kigo/\w+\.(cc|h)",
        r"httplib\.h": r"tools/lib/(serve/(http_server|callback)|haiku/http_client)\.cc",
        r"prometheus/": r"tools/lib/serve/metrics\.cc",
    }),
}
SOURCES = {".h", ".cc", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
CUDA_WORD = re.compile(r"\b(cuda|CUDA|__CUDACC__|__device__|__host__|__global__)\w*")
# Headers of the C++ standard library have no dot; these are POSIX's and C's.
SYSTEM = re.compile(r"^(sys/\w+|netinet/\w+|unistd|malloc|fcntl|signal|poll|time|spawn|immintrin)\.h$")


def layer_of(path):
    matches = [folder for folder in LAYERS if path.startswith(folder + "/")]
    return max(matches, key=len, default=None)


def problems(root):
    tops = sorted({folder.split("/")[0] for folder in LAYERS})
    for file in sorted(file for top in tops for file in (root / top).rglob("*")):
        path = file.relative_to(root).as_posix()
        layer = layer_of(path)
        if file.suffix not in SOURCES or layer is None:
            continue
        text = file.read_text(encoding="utf-8")
        folders, libraries = LAYERS[layer]
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            quote, header = match.groups()
            if quote == '"':
                if not any(header.startswith(folder + "/") for folder in folders):
                    yield f"{path}:{line}: {layer} may not include {header}"
                elif not (root / header).exists():
                    yield f"{path}:{line}: no such file {header}"
                continue
            if "." not in header or SYSTEM.match(header):
                continue
            users = [users for pattern, users in libraries.items() if re.match(pattern, header)]
            if not any(re.fullmatch(pattern, path) for pattern in users):
                yield f"{path}:{line}: {layer} may not include <{header}> here"
        if layer == "core":
            code = re.sub(r'//[^\n]*|"(?:\\.|[^"\\])*"', "", text)
            for match in CUDA_WORD.finditer(code):
                if match.group() not in ALLOWED_IN_CORE:
                    yield f"{path}: the word {match.group()} does not belong in core"


# The error code of a failed device call is named in core, since every layer above reports it.
ALLOWED_IN_CORE = {"cuda"}


def self_test():
    cases = {
        "core/a.h": '#include "reference/x.h"\n',
        "core/b.cc": "#include <nlohmann/json.hpp>\n",
        "core/c.h": "__device__ int f();\n",
        "core/d.cc": '#include "core/nowhere.h"\n',
        "reference/e.cc": '#include "kernels/x.h"\n',
        "tests/pairs/f.h": "#include <gtest/gtest.h>\n",
    }
    good = {
        "core/base/json.cc": "#include <nlohmann/json.hpp>\n#include <vector>\n",
        "reference/x.h": '#include "core/base/json.h"\n',
        "core/base/json.h": "// no CUDA word in code\n",
        "tests/laws/x.cc": '#include <gtest/gtest.h>\n#include "reference/x.h"\n',
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in {**cases, **good}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        found = list(problems(root))
    named = {problem.split(":")[0] for problem in found}
    if named != set(cases) or len(found) != len(cases):
        print("self test: expected one problem for each of", sorted(cases), "found", *found, sep="\n  ")
        return 1
    print(f"self test: all {len(cases)} breaches found, nothing else flagged")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = pathlib.Path(arguments[0] if arguments else ".").resolve()
    if not (root / "core").is_dir():
        print(f"{root}: no folder core, expected the root of the project")
        return 1
    found = list(problems(root))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
