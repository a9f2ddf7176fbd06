#!/usr/bin/env python3
"""Holds the three places that know the seeded faults against each other: the list (core/base/fault_list.inc), the
tables of docs/faults.md, and the sites in the code. Exits 1 and names each difference.

    ci/faults.py [ROOT]                 check the tree
    ci/faults.py --self-test            show that the check can fail
    ci/faults.py --zero-cost FOLDER...  look for the registry in what a build without faults has made
    ci/faults.py --zero-cost-on-devices FOLDER...   and in its device code; exit status 77 without cuobjdump
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LIST = "core/base/fault_list.inc"
DOCUMENT = "docs/faults.md"
SKIPPED = 77
SOURCES = {".h", ".cc", ".cu", ".cuh"}
SITES = {"host": ("core", "reference", "tools", "tests"), "load": ("kernels",), "device": ("kernels",)}
ROW = re.compile(r'KIGO_FAULT_ROW\((\w+), (\w), (\w+), "([^"]*)", "(\w*)",\s*"((?:\\.|[^"\\])*)"\)')
DOCUMENT_ROW = re.compile(r"^\| (F\d\d) \| ([A-Z]) \| (.*?) \| (.*?) \| (.*?) \| (.*) \|$", re.MULTILINE)
USE = re.compile(r"\bKIGO_FAULT\((F\w+)\)")


def base(name):
    return name[:3]


def plain(cell):
    return cell.replace("\\|", "|").replace("`", "").replace("\\", "")


def letters(cell):
    """ "t d p (suffix change leaves prefix)" -> {t, d, p}"""
    return set(re.findall(r"(?<!\w)([gtpldczrue])(?!\w)", re.sub(r"\([^)]*\)", "", cell)))


def listed(root):
    text = (root / LIST).read_text(encoding="utf-8")
    rows = {}
    for name, level, site, checkpoint, kinds, title in ROW.findall(text):
        rows[name] = (level, site, checkpoint, set(kinds), title.replace('\\"', '"'))
    return rows, text.count("\nKIGO_FAULT_ROW(")


def documented(root):
    text = (root / DOCUMENT).read_text(encoding="utf-8").replace("\\|", "\x01")
    rows = DOCUMENT_ROW.findall(text)
    return {name: (level, *(plain(cell.replace("\x01", "|")) for cell in cells)) for name, level, *cells in rows}


def used(root):
    """For each fault the files with a site of it."""
    files = {}
    for file in sorted(file for top in {top for tops in SITES.values() for top in tops} for file in (root / top).rglob("*")):
        if file.suffix not in SOURCES or file.name == "fault.h":
            continue
        code = re.sub(r"//[^\n]*", "", file.read_text(encoding="utf-8"))
        for name in USE.findall(code):
            files.setdefault(name, set()).add(file.relative_to(root).as_posix())
    return files


def problems(root):
    rows, opened = listed(root)
    if opened != len(rows):
        yield f"{LIST}: {opened} rows, of which {len(rows)} can be read and differ in their names"
    document = documented(root)
    sites = used(root)
    for name in sorted(document.keys() - {base(name) for name in rows}):
        yield f"{name}: in {DOCUMENT}, not in {LIST}"
    for name, (level, site, checkpoint, kinds, title) in rows.items():
        if base(name) not in document:
            yield f"{name}: in {LIST}, not in {DOCUMENT}"
            continue
        wanted_level, what, named, wanted_kinds, _ = document[base(name)]
        if name.endswith("B"):  # the same mistake on both sides, which data from outside alone can tell
            wanted_level, wanted_kinds, named = "B", "g", "golden blocks"
        if level != wanted_level:
            yield f"{name}: level {level}, {DOCUMENT} says {wanted_level}"
        if kinds != letters(wanted_kinds):
            yield f"{name}: kinds {''.join(sorted(kinds))}, {DOCUMENT} says {''.join(sorted(letters(wanted_kinds)))}"
        if title not in what:
            yield f'{name}: the title "{title}" is no part of "{what}"'
        if checkpoint.split(":")[0] not in named and checkpoint.split(":")[-1] not in named:
            yield f'{name}: the checkpoint "{checkpoint}" is no part of "{named}"'
        tops = SITES.get(site)
        found = sites.get(name, set())
        if tops is None:
            if site not in ("copy", "none"):
                yield f"{name}: site {site}, expected host, load, device, copy or none"
            for file in sorted(found):
                yield f"{name}: {file} has a site, {LIST} says {site}"
        elif not any(file.split("/")[0] in tops for file in found):
            yield f"{name}: no site in {' or '.join(tops)}, {LIST} says {site}"
    for name in sorted(sites.keys() - rows.keys()):
        yield f"{name}: in {', '.join(sorted(sites[name]))}, not in {LIST}"


WORDS = re.compile(rb"KIGO_FAULT|FAULT BUILD|kigo5fault|fault_switches")


def binaries(folders):
    """Archives and programs."""
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        head = file.open("rb").read(8)
        if (head.startswith(b"\x7fELF") or head == b"!<arch>\n") and file.suffix != ".o":
            yield file


def zero_cost(folders):
    """What of the registry stands in archives and programs: problems, and how many files were looked at."""
    found, looked = [], 0
    for file in binaries(folders):
        looked += 1
        symbols = subprocess.run(["nm", "-C", file], capture_output=True).stdout
        if re.search(rb"kigo::fault::|fault_switches", symbols):
            found.append(f"{file}: symbols of the registry")
        if WORDS.search(file.read_bytes()):
            found.append(f"{file}: strings of the registry")
    return found, looked


def zero_cost_on_devices(folders, cuobjdump):
    """The same of the device code in them."""
    found, looked = [], 0
    for file in binaries(folders):
        listing = subprocess.run([cuobjdump, "-symbols", file], capture_output=True).stdout
        looked += b"STT_FUNC" in listing
        if b"fault_switches" in listing or b"fault_counts" in listing:
            found.append(f"{file}: device symbols of the registry")
    return found, looked


def self_test():
    row = 'KIGO_FAULT_ROW({}, {}, {}, "{}", "{}",\n               "{}")\n'
    document = ("| F01 | F | magic of `a\\|b`: more | file:magic | u p (x y) | none |\n"
                "| F02 | G | scale | blk.0.attn_mix | t d | caught |\n")
    good = row.format("F01", "F", "host", "file:magic", "up", "magic of a|b") + row.format(
        "F02", "G", "none", "blk.0.attn_mix", "td", "scale")
    code = "x = KIGO_FAULT(F01) ? 1 : 0;\n"
    cases = [
        ("good", good, code, 0),
        ("a missing row", good.split("KIGO_FAULT_ROW(F02")[0], code, 1),
        ("an unknown row", good + row.format("F03", "F", "none", "file:x", "u", "t"), code, 1),
        ("another level", good.replace("F01, F", "F01, T"), code, 1),
        ("another kind", good.replace('"up"', '"u"'), code, 1),
        ("another title", good.replace("magic of", "size of"), code, 1),
        ("another checkpoint", good.replace("blk.0.attn_mix", "embed"), code, 1),
        ("a site that is not there", good, "", 1),
        ("a site in a comment only", good, "// KIGO_FAULT(F01)\n", 1),
        ("a site that is not listed", good, code + "KIGO_FAULT(F02)\n", 1),
        ("a site of an unknown fault", good, code + "KIGO_FAULT(F09)\n", 1),
        ("a word that says no place", good.replace("host", "nowhere"), code, 2),
        ("a row that cannot be read", good + "KIGO_FAULT_ROW(F02, G)\n", code, 1),
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path in ("core/base", "docs", "reference", "tools", "tests", "kernels"):
            (root / path).mkdir(parents=True)
        (root / DOCUMENT).write_text(document)
        for what, rows, sites, wanted in cases:
            (root / LIST).write_text("// list\n" + rows)
            (root / "core/a.cc").write_text(sites)
            found = list(problems(root))
            if len(found) != wanted:
                print(f"self test: {what}: {found}, expected {wanted} problems")
                return 1
        dirty = root / "libdirty.a"
        dirty.write_bytes(b"!<arch>\n" + b"... KIGO_FAULT ...")
        if len(zero_cost([root])[0]) != 1:
            print("self test: a string of the registry in an archive was not found")
            return 1
    print(f"self test: {len(cases) + 1} cases judged as expected")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if arguments[:1] == ["--zero-cost"]:
        found, looked = zero_cost([pathlib.Path(folder) for folder in arguments[1:]])
        print(*found, f"zero cost: {looked} archives and programs", sep="\n")
        return 1 if found or looked == 0 else 0
    if arguments[:1] == ["--zero-cost-on-devices"]:
        cuobjdump = shutil.which("cuobjdump")
        if cuobjdump is None:
            print("no cuobjdump")
            return SKIPPED
        found, looked = zero_cost_on_devices([pathlib.Path(folder) for folder in arguments[1:]], cuobjdump)
        print(*found, f"zero cost: {looked} files with device code", sep="\n")
        return 1 if found or looked == 0 else 0
    root = pathlib.Path(arguments[0] if arguments else ".").resolve()
    if not (root / LIST).is_file():
        print(f"{root}: no {LIST}, expected the root of the project")
        return 1
    found = list(problems(root))
    print(*found, sep="\n") if found else None
    rows, _ = listed(root)
    missing = [name for name, row in rows.items() if row[1] == "none"]
    print(f"{len(rows)} faults, {len(rows) - len(missing)} with a site, no site yet: {' '.join(missing) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
