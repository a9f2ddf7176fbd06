#!/usr/bin/env python3
"""Writes the C++ file that defines kernel_names() from the host stubs in a library of kernels.

    kernel_names.py NM LIBRARY OUTPUT

nvcc makes a function __device_stub_<mangled name> for every kernel. A symbol around it reads
Z<length>__device_stub_<mangled name>..., with an L before the length where the linkage is internal (templates in
an unnamed namespace); the length ends the name.
"""
import pathlib
import re
import subprocess
import sys

PREFIX = "__device_stub_"


def names_in(symbols):
    """The kernels' names; ValueError for a stub that hides its own."""
    found = set()
    for symbol in symbols.split():
        if PREFIX not in symbol:
            continue
        match = re.search(r"[ZL](\d+)(?=" + PREFIX + ")", symbol)
        stub = symbol[match.end():match.end() + int(match.group(1))] if match else ""
        name = stub[len(PREFIX):]
        if not name.startswith("_Z") or len(stub) != int(match.group(1)):
            raise ValueError(f"{symbol}: no name of a kernel in it")
        found.add(name)
    return sorted(found)


def main(nm, library, output):
    symbols = subprocess.run([nm, library], check=True, capture_output=True, text=True).stdout
    names = names_in(symbols)
    if not names:
        print(f"{library}: no kernels found among its symbols")
        return 1
    rows = "".join(f'      "{name}",\n' for name in names)
    text = ('#include "tests/laws/gpu/kernel_names.h"\n\nnamespace kigo::laws {\n'
            "const std::vector<std::string>& kernel_names() {\n"
            f"  static const std::vector<std::string> names = {{\n{rows}  }};\n  return names;\n}}\n"
            "}  // namespace kigo::laws\n")
    path = pathlib.Path(output)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
