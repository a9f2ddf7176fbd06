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

import hf_model
import prompts

TINY = Path(__file__).resolve().parent.parent / "tiny"
TOKENS = prompts.Prompt("ids64", random_ids=64, seed=64)


@contextlib.contextmanager
def patched(name, replacement):
    with contextlib.ExitStack() as stack:
        for family in hf_model.FAMILIES.values():
            stack.enter_context(mock.patch.object(family.code, name, replacement))
        yield


def rotate_neighbours(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)


def rotate_pairs(q, k, cos, sin, unsqueeze_dim=1):
    """Angles and partners of (2i, 2i + 1), where Transformers has (i, i + half): the other pairing for a qwen2, and for
    a llama, whose rows its loader has put back into halves."""
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
    elif fault == "no divisors of rope":
        model.model.rotary_emb.inv_freq *= model.kigo_divisors
    elif fault.startswith("eps"):
        for module in model.modules():
            if hasattr(module, "variance_epsilon"):
                module.variance_epsilon = 1e-6 if module.variance_epsilon > 5e-6 else 1e-5
    elif fault.startswith("rope base"):
        other = 1e4 if model.config.rope_parameters["rope_theta"] > 1e5 else 1e6
        dim = model.model.rotary_emb.inv_freq.numel() * 2
        model.model.rotary_emb.inv_freq = other ** (-torch.arange(0, dim, 2) / dim)
        if hasattr(model, "kigo_divisors"):
            hf_model._divide_frequencies(model)
    elif fault == "no 1/sqrt(head_dim)":
        for layer in model.model.layers:
            layer.self_attn.scaling = 1.0
    elif fault == "output norm without weight":
        model.model.norm.weight.fill_(float(model.model.norm.weight.mean()))
    elif fault == "gate and up swapped":
        for layer in model.model.layers:
            layer.mlp.gate_proj, layer.mlp.up_proj = layer.mlp.up_proj, layer.mlp.gate_proj


PATCHES = {
    "other pairs rotated": ("apply_rotary_pos_emb", rotate_pairs),
    "kv heads in turn": ("repeat_kv", tile_kv),
    "no causal mask": ("create_causal_mask", lambda **_: None),
}
FAULTS = [
    "no bias of q", "no bias of k", "no bias of v", "no bias of o", "no divisors of rope", "eps 1e-5 for 1e-6 or back", "rope base 1e4 for 1e6 or back",
    "other pairs rotated", "kv heads in turn", "no causal mask", "no 1/sqrt(head_dim)", "output norm without weight",
    "gate and up swapped",
]


def applies(model, fault: str) -> bool:
    """Whether the model has what the fault takes away."""
    if fault.startswith("no bias of "):
        return getattr(model.model.layers[0].self_attn, fault[-1] + "_proj").bias is not None
    return fault != "no divisors of rope" or hasattr(model, "kigo_divisors")


def distance(path: Path, fault: str) -> float | None:
    model = hf_model.load(path)
    if not applies(model, fault):
        return None
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
        print(f"| {fault} |", " | ".join("" if d is None else f"{d:.2g}" for d in (distance(f, fault) for f in files)), "|")


if __name__ == "__main__":
    main()
