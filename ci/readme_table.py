#!/usr/bin/env python3
"""Writes what was measured into README.md, between its markers, with machine and date.

    ci/readme_table.py            run the benchmarks and `kigo verify`, then write all parts
    ci/readme_table.py --gpu      write the GPU's part alone, from bench/history
    ci/readme_table.py --check    say whether README.md holds all parts, and the GPU's as bench/history has it
"""
import datetime
import json
import os
import pathlib
import re
import statistics
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
    "ForwardFast/64/iterations:1/real_time": ("the same 64 tokens with `--reference fast`", "4 s"),
    "DecodeFast/iterations:5/real_time": ("one more token with `--reference fast`", ""),
    "Haiku/real_time": ("a haiku from the model that ships with kigo, from file to poem", "5 s"),
    "DecodeRow/Q4_K": ("Q4_K rows decoded, float32 written, one core", "1 GB/s"),
    "DecodeRow/Q8_0": ("Q8_0 rows decoded, float32 written, one core", "1 GB/s"),
}

# Of a GPU: (shape, case of kigo_model_bench): (what a reader calls it, the floor: llama.cpp, August 2026, its best settings,
# on the same shapes and an H200).
DECODE = "mode=half what=decode tokens=128 depth=0"
DECODE_DEEP = "mode=half what=decode tokens=128 depth=4096"
PROMPT = {(mode, tokens): f"mode={mode} what=prefill tokens={tokens} chunk=512"
          for mode in ("half", "precise") for tokens in (512, 2048)}
GPU_MODEL_ROWS = {
    ("qwen2.5-0.5b", DECODE): ("0.5B: decode", 1020),
    ("qwen2.5-0.5b", DECODE_DEEP): ("0.5B: decode behind 4096 positions", None),
    ("qwen2.5-0.5b", PROMPT["half", 512]): ("0.5B: prompt of 512", 48700),
    ("qwen2.5-0.5b", PROMPT["half", 2048]): ("0.5B: prompt of 2048", None),
    ("qwen2.5-0.5b", PROMPT["precise", 512]): ("0.5B: prompt of 512, `--prefill precise`", None),
    ("qwen2.5-7b", DECODE): ("7B: decode", 285),
    ("qwen2.5-7b", DECODE_DEEP): ("7B: decode behind 4096 positions", None),
    ("qwen2.5-7b", PROMPT["half", 512]): ("7B: prompt of 512", 9900),
    ("qwen2.5-7b", PROMPT["half", 2048]): ("7B: prompt of 2048", 11000),
    ("qwen2.5-7b", PROMPT["precise", 512]): ("7B: prompt of 512, `--prefill precise`", None),
    ("llama-3-8b", DECODE): ("Llama 8B: decode", None),
    ("llama-3-8b", DECODE_DEEP): ("Llama 8B: decode behind 4096 positions", None),
    ("llama-3-8b", PROMPT["half", 512]): ("Llama 8B: prompt of 512", None),
    ("llama-3-8b", PROMPT["half", 2048]): ("Llama 8B: prompt of 2048", None),
}
# Matrix times vector at the 7B's shapes, by ops_bench: rows, columns.
GPU_MATRICES = [(18944, 3584), (3584, 18944), (152064, 3584)]
GPU_FORMATS = ["q4_k", "q5_0", "q6_k", "q8_0", "f16"]


def history():
    """The newest measurement of every subject, and what each run's copy moved in a second."""
    records = []
    for file in sorted((ROOT / "bench/history").glob("*.jsonl")):
        records += [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    newest, copies = {}, {}
    for record in sorted(records, key=lambda record: record["time"]):
        if record.get("state", "ok") != "ok" or "us" not in record or "delay_us" in record:
            continue
        if (record["kind"], record["name"]) == ("ceiling", "copy"):
            copies[record["run"]] = record["bytes"] / statistics.median(record["us"]) * 1e6
        newest[record["kind"], record["name"], record.get("case", ""), record.get("cache", "none")] = record
    return newest, copies


def share_of_copy(record, copies):
    """14.2 us | 91 %, or nothing where it was not measured."""
    if record is None:
        return " | "
    us = statistics.median(record["us"])
    limit = copies.get(record["run"])
    return f"{us:.1f} us | " + (f"{record['bytes'] / us * 1e6 / limit:.0%}".replace("%", " %") if limit else "")


def gpu_figures():
    records, copies = history()
    used = []
    lines = ["| Qwen2.5 and Llama-3 shapes, q4_k_m types | tokens/s | floor |", "|---|---:|---:|"]
    for (shape, case), (what, floor) in GPU_MODEL_ROWS.items():
        record = records.get(("model", shape, case, "none"))
        if record is not None:
            used.append(record)
            rate = record["tokens"] / statistics.median(record["us"]) * 1e6
            lines.append(f"| {what} | {rate:,.0f} | {f'{floor:,}' if floor else ''} |")
    lines += ["", "| matrix times vector | bytes | alone | of copy bandwidth | in a row | of copy bandwidth |",
              "|---|---:|---:|---:|---:|---:|"]
    for kind in GPU_FORMATS:
        for rows, cols in GPU_MATRICES:
            for pair, case, note in (
                    (f"linear_{kind}", f"tokens=1 rows={rows} cols={cols} scale=1 bias=0 overlap=1 seed=1", ""),
                    (f"linear_add_{kind}", f"rows={rows} cols={cols} scale=1 overlap=1 seed=1", ", onto a residual"),
                    (f"norm_gate_up_swiglu_{kind}", f"ffn_width={rows} width={cols} scale=1 eps=1e-06 overlap=1 seed=1",
                     ", twice: gate and up")):
                cold = records.get(("op", pair, case, "cold"))
                if cold is not None:
                    used.append(cold)
                    lines.append(f"| {kind.upper()} [{rows}, {cols}]{note} | {cold['bytes'] / 1e6:.1f} MB"
                                 f" | {share_of_copy(cold, copies)}"
                                 f" | {share_of_copy(records.get(('op', pair, case, 'row')), copies)} |")
    names = ", ".join(sorted({record["device"] for record in used}))
    dates = ", ".join(sorted({record["time"][:10] for record in used}))
    lines.append(f"\n{names}, {dates}, by `build/cuda/bench/kigo_model_bench` and `ops_bench`, which wrote `bench/history`.\n"
                 "Token in, chosen id on the host at every step; floors: llama.cpp of August 2026 with its best settings on the\n"
                 "same shapes and card. Alone: one launch behind a flushed cache, its start included. In a row: one of many in a\n"
                 "graph, each on memory that the cache has lost and starting while its predecessor ends, as in decode.")
    return "\n".join(lines)


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
    if arguments not in ([], ["--check"], ["--gpu"]):
        sys.exit(f"ci/readme_table.py: {' '.join(arguments)}, expected nothing (measure and write), --gpu or --check")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        missing = [what for what, _ in ROWS.values() if f"| {what} |" not in text]
        missing += [] if "verdict: pass" in text else ["output of kigo verify"]
        missing += [] if gpu_figures() in text else ["what bench/history says (--gpu)"]
        for what in missing:
            print(f"README.md: lacks '{what}'; run ci/readme_table.py")
        return 1 if missing else 0
    text = replaced(text, "gpu", gpu_figures())
    if arguments == ["--gpu"]:
        readme.write_text(text, encoding="utf-8")
        return 0
    text = replaced(text, "verify", verification())
    readme.write_text(replaced(text, "figures", figures()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
