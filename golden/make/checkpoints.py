"""Makes golden/checkpoints/: what Transformers, in float64, has at every checkpoint of every layer.

  python3 golden/make/checkpoints.py          all of golden/tiny/ and the model of golden/haiku/
  python3 golden/make/checkpoints.py FILE     one model

Fails when float32 is further off than LIMIT at any checkpoint. golden/README.md describes the files.
"""

import os

# Before torch is imported: the same sums on every machine, as far as the libraries let us.
os.environ.update(MKL_CBWR="COMPATIBLE", ATEN_CPU_CAPABILITY="avx2", HF_HUB_OFFLINE="1")

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import transformers

import hf_model
import prompts

GOLDEN = Path(__file__).resolve().parent.parent
PROMPT = "ids17"  # of both lists of prompts: one position more than a page of 16
POSITIONS = [1, 16]  # the first that mixes two positions, and the last
# Largest difference between float32 and float64 at a checkpoint, as a share of its largest value.
LIMIT = 2e-5


def make(path: Path, folder: Path) -> bool:
    wanted = prompts.TINY if path.parent.name == "tiny" else prompts.HAIKU
    model = hf_model.load(path)
    tokens = next(p for p in wanted if p.name == PROMPT).ids(model.config.vocab_size)
    single = hf_model.checkpoints(model, tokens)
    with hf_model.double_arithmetic():
        double = hf_model.checkpoints(hf_model.widened(model), tokens)
    records, values, worst, at = [], [], 0.0, ""
    for name, all_positions in double.items():
        if all_positions.dtype != np.float64 or single[name].dtype != np.float32:
            raise RuntimeError(f"{name}: {all_positions.dtype} and {single[name].dtype}")
        distance = float(np.abs(single[name] - all_positions).max() / np.abs(all_positions).max())
        worst, at = max((worst, at), (distance, name))
        rows = all_positions[POSITIONS]
        records.append({"name": name, "shape": list(rows.shape), "first": sum(v.size for v in values)})
        values.append(rows.astype("<f4").reshape(-1))
    info = {
        "model": path.resolve().relative_to(GOLDEN).as_posix() if path.resolve().is_relative_to(GOLDEN) else path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "prompt": PROMPT,
        "tokens": tokens,
        "positions": POSITIONS,
        "values": f"{path.stem}.npy",
        "float32_distance": float(f"{worst:.3g}"),
    }
    np.save(folder / f"{path.stem}.npy", np.concatenate(values))
    head = "".join(f' {json.dumps(k)}: {json.dumps(v)},\n' for k, v in info.items())
    lines = ",\n  ".join(json.dumps(r) for r in records)
    (folder / f"{path.stem}.json").write_text(f'{{\n{head} "checkpoints": [\n  {lines}\n ]\n}}\n', encoding="utf-8")
    print(f"{path.stem}: {len(records)} checkpoints, {sum(v.size for v in values)} values, float32 off by {worst:.3g} at {at}")
    return worst <= LIMIT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", help="one model; without it all that the project has")
    parser.add_argument("--out", type=Path, default=GOLDEN / "checkpoints")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    args.out.mkdir(parents=True, exist_ok=True)
    files = [args.file] if args.file else [*sorted((GOLDEN / "tiny").glob("*.gguf")), *(GOLDEN / "haiku").glob("*.gguf")]
    if not all([make(path, args.out) for path in files]):
        sys.exit(f"float32 is further from float64 than {LIMIT}")


if __name__ == "__main__":
    main()
