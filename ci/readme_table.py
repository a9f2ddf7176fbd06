#!/usr/bin/env python3
"""Writes what was measured into README.md, between its markers, with machine and date.

    ci/readme_table.py            run the benchmarks and `kigo verify`, then write
    ci/readme_table.py --check    say whether README.md holds both parts, without running anything
"""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "build/cpu/bench/kigo_bench"
KIGO = ROOT / "build/cpu/tools/kigo"

# Benchmark: (what a reader calls it, the goal). Times come from Google Benchmark, the goals from the project.
ROWS = {
    "LoadVocabulary": ("header, metadata and a vocabulary of 151,936 tokens ready", "150 ms"),
    "Encode": ("text to token ids, one core, 2 MB that do not repeat", "5 MB/s"),
    "Forward/64/iterations:1/real_time": ("64 tokens through the Qwen2.5-0.5B shape, q4_k_m types, all logits", "15 s, 3 GB"),
    "Decode/iterations:5/real_time": ("one more token at that shape", ""),
    "Haiku/real_time": ("a haiku from the model that ships with kigo, from file to poem", "5 s"),
    "DecodeRow/Q4_K": ("Q4_K rows decoded, float32 written, one core", "1 GB/s"),
    "DecodeRow/Q8_0": ("Q8_0 rows decoded, float32 written, one core", "1 GB/s"),
}


def figure(record):
    if "bytes_per_second" in record:
        rate = record["bytes_per_second"]
        return f"{rate / 1e9:.1f} GB/s" if rate >= 1e9 else f"{rate / 1e6:.1f} MB/s"
    unit = record["time_unit"]
    text = f"{record['real_time']:.3g} {unit}"
    return text + (f", {record['peak_GB']:.2g} GB" if "peak_GB" in record else "")


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown CPU"


def figures():
    run = subprocess.run([BENCH, "--benchmark_format=json"], check=True, capture_output=True, text=True)
    records = {record["name"]: record for record in json.loads(run.stdout)["benchmarks"]}
    lines = ["| what | measured | goal |", "|---|---|---|"]
    for name, (what, goal) in ROWS.items():
        record = records.get(name)
        if record is None or record.get("error_occurred"):
            lines.append(f"| {what} | not measured: {record['error_message'] if record else 'no such benchmark'} | {goal} |")
        else:
            lines.append(f"| {what} | {figure(record)} | {goal} |")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    lines.append(f"\n{cpu_name()}, {os.cpu_count()} cores, {today}, by `ci/readme_table.py` (`build/cpu/bench/kigo_bench`).\n"
                 "The first two rows read the Qwen2 vocabulary that llama.cpp publishes: `KIGO_VOCAB=ggml-vocab-qwen2.gguf`.")
    return "\n".join(lines)


def verification():
    run = subprocess.run([KIGO, "verify", "golden/haiku/haiku-q4_k_m.gguf"], cwd=ROOT, check=True, capture_output=True,
                         text=True)
    return "```\n" + run.stdout + "```"


def replaced(text, marker, body):
    pattern = re.compile(rf"(<!-- {marker}:begin -->\n).*?(<!-- {marker}:end -->)", re.DOTALL)
    if not pattern.search(text):
        sys.exit(f"README.md: no markers {marker}:begin and {marker}:end")
    return pattern.sub(lambda match: match.group(1) + body + "\n" + match.group(2), text)


def main(arguments):
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        missing = [what for what, _ in ROWS.values() if f"| {what} |" not in text]
        missing += [] if "verdict: pass" in text else ["output of kigo verify"]
        for what in missing:
            print(f"README.md: lacks '{what}'; run ci/readme_table.py")
        return 1 if missing else 0
    text = replaced(text, "verify", verification())
    readme.write_text(replaced(text, "figures", figures()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
