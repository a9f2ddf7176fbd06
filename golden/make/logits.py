"""Makes golden/logits/: logits of every position and greedy continuations, from Transformers and from llama.cpp.

  python3 golden/make/logits.py                        all of golden/tiny/
  python3 golden/make/logits.py FILE --tokenizer FILE  one model

Fails when the oracles differ by more than LIMITS, or when float32 and float64 disagree on a greedy id. golden/README.md
describes the files.
"""

import os

# Before torch is imported: the same sums on every machine, as far as the libraries let us.
os.environ.update(MKL_CBWR="COMPATIBLE", ATEN_CPU_CAPABILITY="avx2", HF_HUB_OFFLINE="1")

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import transformers
from transformers import PreTrainedTokenizerFast

import hf_model
import llama
import prompts
from variants import write_variant

GOLDEN = Path(__file__).resolve().parent.parent
GREEDY = 64
# Largest allowed difference from float64, as a share of the largest logit.
LIMITS = {"transformers": 1e-5, "llama_cpp_f32": 2e-6}


def tokenise(prompt: prompts.Prompt, tokenizer: PreTrainedTokenizerFast, vocab: int) -> tuple[str | None, list[int]]:
    """The text as the tokenizer gets it (chat format applied), and its ids by Hugging Face tokenizers."""
    if prompt.text is None:
        return None, prompt.ids(vocab)
    rendered = prompt.text
    if prompt.chat:
        message = [{"role": "user", "content": prompt.text}]
        rendered = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    # A tokenizer that begins texts with BOS does so here; a rendered chat has all that it needs.
    return rendered, tokenizer.backend_tokenizer.encode(rendered, add_special_tokens=not prompt.chat).ids


def check_tokenizer(reader: gguf.GGUFReader, tokenizer: PreTrainedTokenizerFast) -> None:
    """The file and the tokenizer.json hold the same tokens and merges; the file may have unused ids behind them."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    tokens = [tokenizer.backend_tokenizer.id_to_token(i) for i in range(len(tokenizer))]
    merges = [m if isinstance(m, str) else " ".join(m) for m in state["model"]["merges"]]
    if tokens != reader.fields["tokenizer.ggml.tokens"].contents()[: len(tokens)]:
        raise RuntimeError("the tokens of the file and of the tokenizer differ")
    if merges != reader.fields["tokenizer.ggml.merges"].contents():
        raise RuntimeError("the merges of the file and of the tokenizer differ")


def greedy(prompt: str, tokens: list[int], model, wide) -> dict:
    """The continuation in float32; float64 must choose the same id at every step."""
    ids, margins = hf_model.greedy(model, tokens, GREEDY)
    with hf_model.double_arithmetic():
        again = hf_model.logits(wide, tokens + ids)[len(tokens) - 1 : -1].argmax(-1).tolist()
    if again != ids:
        step = next(i for i in range(GREEDY) if again[i] != ids[i])
        raise RuntimeError(f"{prompt}: step {step}: float32 takes {ids[step]}, float64 {again[step]}: choose another")
    return {"greedy": ids, "greedy_margin": [round(m, 6) for m in margins]}


def share(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference as a share of the largest logit, over all positions of all prompts."""
    if got.shape != want.shape or not np.isfinite(got).all():
        raise RuntimeError(f"shape {got.shape}, expected {want.shape}, or values that are not finite")
    return float(f"{np.abs(got - want).max() / np.abs(want).max():.3g}")


def llama_runs(path: Path, token_lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """llama.cpp on the F32 variant, and on the file as it is (8-bit or half activations)."""
    with tempfile.TemporaryDirectory() as scratch:
        f32 = Path(scratch) / "f32.gguf"
        write_variant(path, f32, gguf.GGMLQuantizationType.F32)
        return llama.logits(f32, token_lists), llama.logits(path, token_lists)


def check_greedy_ids(records: list[dict], reader: gguf.GGUFReader) -> None:
    """kigo never draws an unused id, so a continuation that holds one could not be compared."""
    unused = {i for i, t in enumerate(reader.fields["tokenizer.ggml.token_type"].contents()) if t == 5}
    for record in records:
        if unused & set(record["greedy"]):
            raise RuntimeError(f"{record['name']}: the continuation holds unused ids: choose another prompt")


def save(folder: Path, name: str, rows: dict[str, np.ndarray], info: dict, records: list[dict]) -> None:
    for suffix, values in rows.items():
        np.save(folder / f"{name}.{suffix}.npy", np.ascontiguousarray(values, dtype="<f4"))
    head = json.dumps(info, indent=1)[:-2]  # everything but the closing brace; each prompt is one line
    lines = ",\n  ".join(json.dumps(r, ensure_ascii=False) for r in records)
    (folder / f"{name}.json").write_text(f'{head},\n "prompts": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


def make(path: Path, tokenizer_path: Path, wanted: list[prompts.Prompt], folder: Path) -> bool:
    reader = gguf.GGUFReader(path)
    model = hf_model.load(path)
    wide = hf_model.widened(model)
    vocab = model.config.vocab_size
    template = reader.fields["tokenizer.chat_template"].contents()
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    named = {name: tokens[reader.fields[f"tokenizer.ggml.{name}_id"].contents()] for name in ("bos_token", "eos_token")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_path), chat_template=template, **named)
    check_tokenizer(reader, tokenizer)
    records, single, double, row = [], [], [], 0
    for prompt in wanted:
        rendered, tokens = tokenise(prompt, tokenizer, vocab)
        single.append(hf_model.logits(model, tokens))
        with hf_model.double_arithmetic():
            double.append(hf_model.logits(wide, tokens))
        records.append({
            "name": prompt.name, "text": prompt.text, "chat": prompt.chat, "rendered": rendered, "tokens": tokens,
            "rows": [row, len(tokens)], **greedy(prompt.name, tokens, model, wide),
        })
        row += len(tokens)
    check_greedy_ids(records, reader)
    single, double = np.concatenate(single), np.concatenate(double)
    if double.dtype != np.float64:
        raise RuntimeError(f"the wide run is {double.dtype}")
    llama_f32, llama_file = llama_runs(path, [r["tokens"] for r in records])
    distances = {
        "largest_logit": float(f"{np.abs(double).max():.6g}"),
        "logit_std": float(f"{double.std():.3g}"),
        "transformers": share(single, double),
        "llama_cpp_f32": share(llama_f32, double),
        "llama_cpp_f32_from_transformers": share(llama_f32, single.astype(np.float64)),
        "llama_cpp_file": share(llama_file, double),
        "smallest_greedy_margin": min(min(r["greedy_margin"]) for r in records),
    }
    path = path.resolve()
    info = {
        "model": str(path.relative_to(GOLDEN) if path.is_relative_to(GOLDEN) else path.name),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "transformers": f"{path.stem}.transformers.npy",
        "transformers_f64": f"{path.stem}.transformers_f64.npy",
        "llama_cpp_f32": f"{path.stem}.llama.npy",
        "distances": distances,
    }
    save(folder, path.stem, {"transformers": single, "transformers_f64": double, "llama": llama_f32}, info, records)
    print(path.stem, row, "positions", json.dumps(distances))
    return all(distances[name] <= limit for name, limit in LIMITS.items())


def tokenizer_of(path: Path) -> str:
    """The tokenizer.json of one of golden/tiny/."""
    return "tokenizer-llama.json" if path.stem.startswith("llama-") else "tokenizer.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", help="one model; without it all of golden/tiny/")
    parser.add_argument("--tokenizer", type=Path, help="its tokenizer.json")
    parser.add_argument("--out", type=Path, default=GOLDEN / "logits")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.file:
        if not args.tokenizer:
            parser.error("FILE needs --tokenizer")
        good = make(args.file, args.tokenizer, prompts.HAIKU, args.out)
    else:
        tiny = GOLDEN / "tiny"
        good = all([make(p, tiny / tokenizer_of(p), prompts.TINY, args.out) for p in sorted(tiny.glob("*.gguf"))])
    if not good:
        sys.exit(f"an oracle is further from float64 than allowed: {LIMITS}")


if __name__ == "__main__":
    main()
