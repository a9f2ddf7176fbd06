"""Writes golden/manifest.json: of every golden file its size, sha256, licence, and the command that makes it.

  python3 golden/make/manifest.py           writes it
  python3 golden/make/manifest.py --check   exit status 1 when a file changed, is missing, or is not listed

Standard library only, so that CI can check it. Package versions are those of requirements.txt.
"""

import argparse
import fnmatch
import hashlib
import json
import sys
from importlib import metadata
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent
MANIFEST = GOLDEN / "manifest.json"
LICENCE = "Apache-2.0, made by this project"
LOGITS = "python3 golden/make/logits.py"
TOKENS = "python3 golden/make/tokens.py"
# Path pattern, command, packages that decide the bytes; the first match counts.
COMMANDS = [
    ("tiny/tokenizer*.json", "python3 golden/make/tiny.py", ["tokenizers"]),
    ("tiny/*", "python3 golden/make/tiny.py", ["gguf", "numpy", "tokenizers", "llama-cpp-python"]),
    ("logits/tiny-*", LOGITS, ["transformers", "torch", "gguf", "tokenizers", "llama-cpp-python"]),
    ("logits/llama-*", LOGITS, ["transformers", "torch", "gguf", "tokenizers", "llama-cpp-python"]),
    ("logits/*", f"{LOGITS} golden/haiku/{{stem}}.gguf --tokenizer golden/haiku/tokenizer.json",
     ["transformers", "torch", "gguf", "tokenizers", "llama-cpp-python"]),
    ("checkpoints/*", "python3 golden/make/checkpoints.py", ["transformers", "torch", "gguf"]),
    ("tokens/tiny.jsonl", TOKENS, ["tokenizers"]),
    ("tokens/llama.jsonl", f"{TOKENS} --tokenizer golden/tiny/tokenizer-llama.json --name llama", ["tokenizers"]),
    ("tokens/haiku.jsonl", f"{TOKENS} --tokenizer golden/haiku/tokenizer.json --name haiku", ["tokenizers"]),
    ("blocks/q8_k.json", "python3 golden/make/blocks.py", ["gguf", "numpy", "llama-cpp-python"]),
    ("blocks/*", "python3 golden/make/blocks.py", ["gguf", "numpy"]),
    ("encoded.json", "python3 golden/make/encoded.py", ["gguf", "numpy"]),
    ("encoded_k.json", "python3 golden/make/encoded_k.py", ["gguf", "numpy"]),
    ("differential/*", "python3 golden/make/differential.py", ["gguf", "numpy"]),
    ("draws/*", "python3 golden/make/draws.py", ["numpy"]),
    ("captures/*", "python3 golden/make/captures.py", ["transformers", "torch", "gguf", "llama-cpp-python", "numpy"]),
    ("headers/*", "python3 golden/make/headers.py", ["gguf", "numpy"]),
    ("models.json", "written by hand from the public sources that it names", []),
    ("haiku/*", "see golden/haiku/README.md", ["torch", "gguf", "tokenizers", "llama-cpp-python"]),
]


def golden_files() -> list[Path]:
    """Everything but scripts, descriptions and the manifest itself."""
    files = (p for p in GOLDEN.rglob("*") if p.is_file() and p != MANIFEST and p.suffix != ".md")
    return sorted(p for p in files if p.relative_to(GOLDEN).parts[0] != "make" and not p.name.startswith("."))


def versions() -> dict[str, str]:
    """The pins of requirements.txt; an installed package of another version is an error."""
    lines = (Path(__file__).parent / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("#")[0].strip().split("==") for line in lines if "==" in line.split("#")[0])
    for name, version in pins.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if found.split("+")[0] != version:
            sys.exit(f"{name}: {found} is installed, requirements.txt has {version}")
    return pins


def fingerprint(path: Path) -> dict:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def entry(path: Path) -> dict:
    name = path.relative_to(GOLDEN).as_posix()
    for pattern, command, packages in COMMANDS:
        if fnmatch.fnmatchcase(name, pattern):
            made = {"licence": LICENCE, "command": command.format(stem=path.name.split(".")[0]), "packages": packages}
            return {"path": name, **fingerprint(path), **made}
    sys.exit(f"golden/{name}: no command in golden/make/manifest.py makes it")


def check() -> list[str]:
    """What is wrong, a line each."""
    listed = {e["path"]: e for e in json.loads(MANIFEST.read_text(encoding="utf-8"))["files"]}
    present = {p.relative_to(GOLDEN).as_posix(): p for p in golden_files()}
    wrong = [f"golden/{name}: listed, but missing" for name in sorted(listed.keys() - present.keys())]
    wrong += [f"golden/{name}: not listed" for name in sorted(present.keys() - listed.keys())]
    for name in sorted(listed.keys() & present.keys()):
        for field, found in fingerprint(present[name]).items():
            if found != listed[name][field]:
                wrong.append(f"golden/{name}: {field} {found}, expected {listed[name][field]}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        wrong = check()
        print("\n".join(wrong) or "golden/: every file is as the manifest says")
        sys.exit(1 if wrong else 0)
    head = json.dumps({"versions": versions(), "llama.cpp": "0c1e57098"}, indent=1)[:-2]
    lines = ",\n  ".join(json.dumps(entry(p)) for p in golden_files())
    MANIFEST.write_text(f'{head},\n "files": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
