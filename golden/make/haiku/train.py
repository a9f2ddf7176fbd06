"""Trains the model for a given number of seconds; the second half with rounded weights."""

import argparse
import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np

import corpus
import tokenizer as tok

LENGTH = 80  # room for prompt and poem; a longer one stops the run
CHUNK = 25_000


def chunk(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One chunk of the corpus: ids padded by the end id, and where each answer starts and ends."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    t = tok.load()
    part = corpus.samples(CHUNK, seed)
    ids = np.full((CHUNK, LENGTH + 1), t.token_to_id("<|im_end|>"), np.int16)
    spans = np.zeros((CHUNK, 2), np.int16)
    heads = t.encode_batch([tok.chat(p) for p, _ in part])
    bodies = t.encode_batch([poem + "<|im_end|>" for _, poem in part])
    for i, (head, body) in enumerate(zip(heads, bodies)):
        row = head.ids + body.ids
        ids[i, :len(row)] = row
        spans[i] = len(head.ids), len(row)
    return ids, spans


def dataset(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids [count, LENGTH + 1] and spans, made by fresh processes before any GPU library is loaded."""
    seeds = [seed * 1_000_003 + i for i in range(-(-count // CHUNK))]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        parts = pool.map(chunk, seeds, 1)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def learning_rate(done: float, peak: float) -> float:
    """Warm-up over 2 % of the time, constant, then linear to zero over the last 60 %."""
    return peak * min(1.0, done / 0.02, (1 - done) / 0.6)


def train(ids: np.ndarray, spans: np.ndarray, args: argparse.Namespace) -> "torch.nn.Module":
    """The training loop: AdamW on the answer tokens, bfloat16 products on a GPU."""
    import torch
    import torch.nn.functional as F
    from model import Model

    torch.manual_seed(args.seed)
    torch.set_float32_matmul_precision("high")
    gpu = args.device == "cuda"
    model = Model().to(args.device)
    step = torch.compile(model) if gpu else model
    data, where = torch.from_numpy(ids).to(args.device), torch.from_numpy(spans).to(args.device)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=1e-3, betas=(0.9, 0.95), fused=gpu)
    column = torch.arange(1, LENGTH + 1, device=args.device)
    start, seen, rounded, begun = time.time(), 0, False, None
    while True:
        done = (time.time() - begun) / args.seconds if begun else 0.0
        if done >= 1:
            return model
        switch = done > 0.5 and not rounded
        if switch:
            rounded, before = True, time.time()
            model.rounding(True)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(max(done, 1e-3), args.rate)
        rows = torch.randint(len(data), (args.batch,), device=args.device)
        batch = data[rows].long()
        span = where[rows].long()
        wanted = torch.where((column >= span[:, :1]) & (column < span[:, 1:]), batch[:, 1:], -100)
        with torch.autocast(args.device, torch.bfloat16, enabled=gpu):
            logits = step(batch[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=-100)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if switch:
            loss.item()
            begun += time.time() - before  # compiling anew does not count
        if begun is None and seen >= 3:
            loss.item()
            begun = time.time()
        if seen % args.report == 0:
            print(f"step {seen} loss {loss.item():.4f} done {done:.3f} wall {time.time() - start:.0f} s", flush=True)
        seen += 1


def save(model: "torch.nn.Module", folder: Path) -> None:
    """Writes the float32 weights in pieces of at most 15 MB."""
    pieces: list[dict[str, np.ndarray]] = [{}]
    for name, p in model.state_dict().items():
        array = p.detach().float().cpu().numpy()
        if sum(a.nbytes for a in pieces[-1].values()) + array.nbytes > 15e6:
            pieces.append({})
        pieces[-1][name] = array
    for i, piece in enumerate(pieces):
        np.savez(folder / f"weights{i}.npz", **piece)


def main() -> None:
    """Makes the corpus (before any GPU library starts), trains, saves, and judges the model as it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--samples", type=int, default=2_000_000)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--report", type=int, default=200)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    start = time.time()
    ids, spans = dataset(args.samples, args.seed)
    print(f"corpus of {len(ids)} poems in {time.time() - start:.0f} s, longest {spans[:, 1].max()} tokens", flush=True)
    model = train(ids, spans, args)
    save(model, args.out)
    from evaluate import measure
    model.rounding(True)
    report = measure(model, args.device)
    print(json.dumps(report["summary"], indent=1))


if __name__ == "__main__":
    main()
