"""Shows that the tiny models are able to tell: how far each of the usual faults moves the logits of each model.

Every fault is put into Transformers' run; the distance from the right run is printed as a share of the largest logit.
A fault that moves less than the bound of the comparison (1e-5) would pass unseen. Prints Markdown, writes nothing.
"""

import contextlib
import os
from pathlib import Path
from unittest import mock

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers
from transformers.models.qwen2 import modeling_qwen2

import hf_model
import prompts

TINY = Path(__file__).resolve().parent.parent / "tiny"
TOKENS = prompts.Prompt("ids64", random_ids=64, seed=64)


@contextlib.contextmanager
def patched(name, replacement):
    with mock.patch.object(modeling_qwen2, name, replacement):
        yield


def rotate_neighbours(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)


def rotate_pairs(q, k, cos, sin, unsqueeze_dim=1):
    """Angles and partners of (2i, 2i + 1), as llama rotates."""
    half = cos.shape[-1] // 2
    cos, sin = (a[..., :half].repeat_interleave(2, -1).unsqueeze(unsqueeze_dim) for a in (cos, sin))
    return q * cos + rotate_neighbours(q) * sin, k * cos + rotate_neighbours(k) * sin


def tile_kv(states, times):
    """Query head h reads kv head h % kv_heads instead of h / (heads / kv_heads)."""
    return states.repeat(1, times, 1, 1)


@torch.no_grad()
def edit(model, fault):
    """Changes the model itself; returns nothing."""
    if fault.startswith("no bias of "):
        for layer in model.model.layers:
            getattr(layer.self_attn, fault[-1] + "_proj").bias.zero_()
    elif fault.startswith("eps"):
        for module in model.modules():
            if isinstance(module, modeling_qwen2.Qwen2RMSNorm):
                module.variance_epsilon = 1e-6 if module.variance_epsilon > 5e-6 else 1e-5
    elif fault.startswith("rope base"):
        other = 1e4 if model.config.rope_parameters["rope_theta"] > 1e5 else 1e6
        dim = model.model.rotary_emb.inv_freq.numel() * 2
        model.model.rotary_emb.inv_freq = other ** (-torch.arange(0, dim, 2) / dim)
    elif fault == "no 1/sqrt(head_dim)":
        for layer in model.model.layers:
            layer.self_attn.scaling = 1.0
    elif fault == "output norm without weight":
        model.model.norm.weight.fill_(float(model.model.norm.weight.mean()))
    elif fault == "gate and up swapped":
        for layer in model.model.layers:
            layer.mlp.gate_proj, layer.mlp.up_proj = layer.mlp.up_proj, layer.mlp.gate_proj


PATCHES = {
    "neighbours rotated": ("apply_rotary_pos_emb", rotate_pairs),
    "kv heads in turn": ("repeat_kv", tile_kv),
    "no causal mask": ("create_causal_mask", lambda **_: None),
}
FAULTS = [
    "no bias of q", "no bias of k", "no bias of v", "eps 1e-5 for 1e-6 or back", "rope base 1e4 for 1e6 or back",
    "neighbours rotated", "kv heads in turn", "no causal mask", "no 1/sqrt(head_dim)", "output norm without weight",
    "gate and up swapped",
]


def distance(path: Path, fault: str) -> float:
    model = hf_model.load(path)
    tokens = TOKENS.ids(model.config.vocab_size)
    right = hf_model.logits(model, tokens)
    edit(model, fault)
    with patched(*PATCHES[fault]) if fault in PATCHES else contextlib.nullcontext():
        wrong = hf_model.logits(model, tokens)
    return float(np.abs(wrong - right).max() / np.abs(right).max())


def main() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    files = sorted(TINY.glob("*.gguf"))
    print("| fault |", " | ".join(f.stem for f in files), "|")
    print("|---" * (len(files) + 1) + "|")
    for fault in FAULTS:
        print(f"| {fault} |", " | ".join(f"{distance(f, fault):.2g}" for f in files), "|")


if __name__ == "__main__":
    main()
