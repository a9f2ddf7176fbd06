"""Measures a model on the acceptance prompts: greedy answers, judged by the haiku checks."""

import random
from pathlib import Path

import torch

import corpus
import minutes
import tokenizer as tok
from grammar import prompt
from judge import faults
from model import Model
from syllables import read_lexicon

LONGEST = 100


def prompts_all(seed: int, count: int = 1200) -> list[tuple[str, int, str]]:
    """1,200 prompts with fresh nonces: 400 of pairs never seen in training, the others drawn from all seen pairs."""
    draw, never = random.Random(seed), sorted(corpus.unseen())
    held = [never[i % len(never)] for i in range(count // 3)]
    seen = [(t, w) for t in corpus.topics() for w in minutes.NAMES if (t, w) not in set(never)]
    pairs = held + draw.sample(seen, count - len(held))
    return [(t, minutes.NAMES.index(w), corpus.nonce(draw)) for t, w in pairs]


def prompts_default(seed: int) -> list[tuple[str, int, str]]:
    """The default topic: 60 minutes with 20 nonces each."""
    draw = random.Random(seed)
    return [(corpus.DEFAULT_TOPIC, m, corpus.nonce(draw)) for m in range(60) for _ in range(20)]


@torch.no_grad()
def answers(model: Model, cases: list[tuple[str, int, str]], device: str) -> list[tuple[str, bool]]:
    """Greedy answers and whether each ended by itself; prompts of equal length run together."""
    t = tok.load()
    end = t.token_to_id("<|im_end|>")
    encoded = [e.ids for e in t.encode_batch([tok.chat(prompt(*c)) for c in cases])]
    found: list[tuple[str, bool]] = [("", False)] * len(cases)
    for length in sorted({len(e) for e in encoded}):
        rows = [i for i, e in enumerate(encoded) if len(e) == length]
        ids = torch.tensor([encoded[i] for i in rows], device=device)
        caches: list[list] = [[] for _ in model.blk]
        out, start = [], 0
        while len(out) < LONGEST and not (out and (torch.stack(out) == end).any(0).all()):
            best = model(ids, caches, start)[:, -1].float().argmax(-1)
            out.append(best)
            start += ids.shape[1]
            ids = best[:, None]
        for i, row in zip(rows, torch.stack(out, 1).tolist()):
            stop = row.index(end) if end in row else len(row)
            found[i] = (t.decode(row[:stop], skip_special_tokens=False), end in row)
    return found


def judge_all(model: Model, cases: list[tuple[str, int, str]], device: str) -> list[dict]:
    """One record a prompt: the poem and its faults."""
    lexicon = read_lexicon(corpus.GOLDEN / "lexicon.tsv")
    never = corpus.unseen()
    return [{"topic": t, "minute": minutes.NAMES[m], "nonce": n, "unseen": (t, minutes.NAMES[m]) in never, "poem": text,
             "faults": faults(text, minutes.NAMES[m], n, ended, lexicon)}
            for (t, m, n), (text, ended) in zip(cases, answers(model, cases, device))]


def share(records: list[dict]) -> str:
    """Right of all, as a fraction and a percentage."""
    right = sum(not r["faults"] for r in records)
    return f"{right}/{len(records)} = {100 * right / len(records):.2f} %"


def measure(model: Model, device: str = "cpu", seed: int = 2026) -> dict:
    """The four figures of acceptance, with every record behind them."""
    model.eval()
    mixed = judge_all(model, prompts_all(seed), device)
    default = judge_all(model, prompts_default(seed + 1), device)
    summary = {"fully right": share(mixed), "on unseen pairs": share([r for r in mixed if r["unseen"]]),
               "distinct poems": len({r["poem"] for r in mixed}), "default topic": share(default),
               "default topic, distinct": len({r["poem"] for r in default})}
    wrong = [r for r in mixed + default if r["faults"]]
    return {"summary": summary, "wrong": wrong, "records": mixed + default}


def missed(report: dict) -> list[str]:
    """The acceptance figures that a report does not reach."""
    mixed, default = report["records"][:1200], report["records"][1200:]
    wanted = [("all prompts", mixed, 0.995), ("unseen pairs", [r for r in mixed if r["unseen"]], 0.99),
              ("default topic", default, 0.998)]
    found = [f"{name}: {share(records)}, wanted {least:.1%}" for name, records, least in wanted
             if sum(not r["faults"] for r in records) < least * len(records)]
    distinct = report["summary"]["distinct poems"]
    return found + ([f"{distinct} distinct poems, wanted 1000"] if distinct < 1000 else [])


def load_gguf(path: Path) -> Model:
    """The model with the decoded values of a GGUF file."""
    from gguf import GGUFReader
    from gguf.quants import dequantize
    model = Model()
    state = {}
    for tensor in GGUFReader(path).tensors:
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        state[tensor.name] = values.view(tuple(reversed(tensor.shape.tolist())))
    model.load_state_dict(state)
    return model
