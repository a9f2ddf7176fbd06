"""Captures a run of Transformers for `kigo compare`: every checkpoint of docs/captures.md, by hooks.

  transformers_capture.py MODEL --tokens 1,5,9 --out capture.safetensors [--steps 2] [--dtype float32]

MODEL is a GGUF file of a qwen2 or llama model, or a folder that from_pretrained() reads. The last --steps tokens are fed
one by one behind the others, through the cache. Needs torch, transformers, safetensors and, for GGUF files, gguf.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM


def load(path: Path, dtype: torch.dtype, as_loaded: bool):
    if path.is_dir():
        return AutoModelForCausalLM.from_pretrained(path, dtype=dtype, attn_implementation="eager").eval()
    import gguf

    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    # Two things of a llama file Transformers' own loader leaves out: biases, and the divisors of the rotary frequencies.
    biases = {}
    if not as_loaded and "blk.0.attn_q.bias" in tensors and _architecture(path) == "llama":
        biases = {"attention_bias": True}
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=dtype, attn_implementation="eager", **biases
    )
    if not as_loaded and "rope_freqs.weight" in tensors:
        rotary = model.model.rotary_emb
        rotary.inv_freq = rotary.inv_freq / torch.tensor(tensors["rope_freqs.weight"].data)
    return model.eval()


def _architecture(path: Path) -> str:
    import gguf

    return gguf.GGUFReader(path).fields["general.architecture"].contents()


class Capture:
    """Collects the checkpoints of one model."""

    def __init__(self, model, neighbours: bool):
        self.tensors: dict[str, torch.Tensor] = {}
        self.prefix = ""
        self.neighbours = neighbours  # q and k in the order of a llama GGUF file, whose converter dealt them out
        config = model.config
        self.head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.layer = 0
        body = model.model
        self.output(body.embed_tokens, "embed")
        self.output(body.norm, "output_norm")
        self.output(model.lm_head, "logits")
        for number, layer in enumerate(body.layers):
            name = f"blk.{number}."
            attention, ffn = layer.self_attn, layer.mlp
            layer.register_forward_pre_hook(lambda *_, number=number: setattr(self, "layer", number))
            self.output(layer.input_layernorm, name + "attn_norm")
            self.output(attention.q_proj, name + "attn_q", heads=True, dealt=True)
            self.output(attention.k_proj, name + "attn_k", heads=True, dealt=True)
            self.output(attention.v_proj, name + "attn_v", heads=True)
            self.input(attention.o_proj, name + "attn_mix", heads=True)
            self.output(attention.o_proj, name + "attn_out")
            self.input(layer.post_attention_layernorm, name + "attn_residual")
            self.output(layer.post_attention_layernorm, name + "ffn_norm")
            self.output(ffn.gate_proj, name + "ffn_gate")
            self.output(ffn.up_proj, name + "ffn_up")
            self.input(ffn.down_proj, name + "ffn_act")
            self.output(ffn.down_proj, name + "ffn_down")
            self.output(layer, name + "ffn_residual")
        self.watch_rotation(sys.modules[type(model).__module__])

    def output(self, module, name, **how):
        module.register_forward_hook(
            lambda _, inputs, output: self.keep(name, output[0] if isinstance(output, tuple) else output, **how)
        )

    def input(self, module, name, **how):
        module.register_forward_pre_hook(lambda _, inputs: self.keep(name, inputs[0], **how))

    def watch_rotation(self, code):
        """Queries and keys behind the rotation exist inside a function only: it is called through this one."""
        rotate = code.apply_rotary_pos_emb

        def watched(q, k, *arguments, **named):
            turned = rotate(q, k, *arguments, **named)
            for what, rows in zip(("attn_q_rope", "attn_k_rope"), turned):
                self.keep(f"blk.{self.layer}.{what}", rows.transpose(1, 2), heads=True, dealt=True)
            return turned

        code.apply_rotary_pos_emb = watched

    def keep(self, name, rows, heads=False, dealt=False):
        """rows: [1, tokens, ...]; kept as [tokens, heads, head_dim] or [tokens, width]."""
        rows = rows[0].detach().reshape(rows.shape[1], -1)
        if heads:
            rows = rows.reshape(rows.shape[0], -1, self.head_dim)
        if dealt and self.neighbours:  # element i + j * head_dim / 2 becomes 2i + j
            rows = rows.reshape(*rows.shape[:2], 2, -1).transpose(2, 3).reshape(rows.shape)
        self.tensors[self.prefix + name] = rows.clone().contiguous()

    def keep_cache(self, cache):
        for number, layer in enumerate(cache.layers):
            self.keep(f"blk.{number}.cache_k", layer.keys.transpose(1, 2), heads=True, dealt=True)
            self.keep(f"blk.{number}.cache_v", layer.values.transpose(1, 2), heads=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", required=True, type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32")
    parser.add_argument("--as-loaded", action="store_true", help="keep what Transformers' GGUF loader leaves out left out")
    options = parser.parse_args()
    if not 0 <= options.steps < len(options.tokens):
        parser.error("--steps leaves no token for the prompt")

    torch.set_num_threads(1)
    model = load(options.model, getattr(torch, options.dtype), options.as_loaded)
    capture = Capture(model, neighbours=options.model.is_file() and _architecture(options.model) == "llama")
    sizes = [len(options.tokens) - options.steps] + [1] * options.steps
    cache, first = None, 0
    with torch.no_grad():
        for number, size in enumerate(sizes):
            capture.prefix = f"call.{number}." if number else ""
            ids = torch.tensor([options.tokens[first : first + size]])
            cache = model(ids, past_key_values=cache, use_cache=True).past_key_values
            capture.keep_cache(cache)
            first += size
    metadata = {
        "format": "kigo-capture 1",
        "engine": "transformers",
        "tokens": ",".join(map(str, options.tokens)),
        "calls": ",".join(map(str, sizes)),
    }
    if options.model.is_file():
        metadata["model_sha256"] = hashlib.sha256(options.model.read_bytes()).hexdigest()
    save_file(capture.tensors, options.out, metadata)


main()
