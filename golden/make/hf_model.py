"""Transformers as an oracle: its own GGUF loader and its own forward pass, in float32 and widened to float64."""

import contextlib
import dataclasses
from pathlib import Path
from types import ModuleType
from unittest import mock

import gguf
import numpy as np
import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedModel, Qwen2ForCausalLM
from transformers.models.llama import modeling_llama
from transformers.models.qwen2 import modeling_qwen2

from variants import decode

torch.set_num_threads(1)  # the order of a sum must not depend on the machine's number of cores
torch.use_deterministic_algorithms(True)


@dataclasses.dataclass(frozen=True)
class Family:
    """What Transformers and gguf-py call an architecture of GGUF."""

    model: type[PreTrainedModel]
    code: ModuleType  # its modeling file
    names: gguf.MODEL_ARCH


FAMILIES = {
    "qwen2": Family(Qwen2ForCausalLM, modeling_qwen2, gguf.MODEL_ARCH.QWEN2),
    "llama": Family(LlamaForCausalLM, modeling_llama, gguf.MODEL_ARCH.LLAMA),
}


def architecture(reader: gguf.GGUFReader) -> str:
    return reader.fields["general.architecture"].contents()


def load(path: Path) -> PreTrainedModel:
    """The model in float32, loaded by Transformers and compared with the file: settings, and every weight's bits.

    Two things of a llama file Transformers' loader leaves out, and they are put in here: it builds no biases (they
    are asked for by the setting that makes them), and it does not read rope_freqs.weight, the divisors of the
    rotation's frequencies. llama.cpp reads both for itself.
    """
    reader = gguf.GGUFReader(path)
    family = FAMILIES[architecture(reader)]
    tensors = {t.name: t for t in reader.tensors}
    biases = {"attention_bias": True} if family.model is LlamaForCausalLM and "blk.0.attn_q.bias" in tensors else {}
    model, info = family.model.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
        **biases,
    )
    if any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        raise RuntimeError(f"{path}: Transformers did not load every tensor: {info}")
    _check_config(model.config, reader)
    _check_weights(model, reader)
    if "rope_freqs.weight" in tensors:
        model.kigo_divisors = torch.tensor(decode(tensors["rope_freqs.weight"]))
        _divide_frequencies(model)
    return model.eval()


def _divide_frequencies(model: PreTrainedModel) -> None:
    rotary = model.model.rotary_emb
    rotary.inv_freq = rotary.inv_freq / model.kigo_divisors.to(rotary.inv_freq.dtype)


def _check_config(config, reader: gguf.GGUFReader) -> None:
    defaults = {"rope.freq_base": 10000.0}  # of llama; a qwen2 file has it

    def key(name):
        field = reader.fields.get(f"{architecture(reader)}.{name}")
        return defaults[name] if field is None else field.contents()

    width, heads = key("embedding_length"), key("attention.head_count")
    defaults["attention.key_length"] = width // heads

    tied = all(t.name != "output.weight" for t in reader.tensors)
    pairs = {
        "layers": (config.num_hidden_layers, key("block_count")),
        "width": (config.hidden_size, key("embedding_length")),
        "ffn_width": (config.intermediate_size, key("feed_forward_length")),
        "heads": (config.num_attention_heads, key("attention.head_count")),
        "kv_heads": (config.num_key_value_heads, key("attention.head_count_kv")),
        "head_dim": (getattr(config, "head_dim", None) or width // heads, key("attention.key_length")),
        "eps": (config.rms_norm_eps, key("attention.layer_norm_rms_epsilon")),
        "rope base": (config.rope_parameters["rope_theta"], key("rope.freq_base")),
        "rope type": (config.rope_parameters["rope_type"], "default"),
        "activation": (config.hidden_act, "silu"),
        "tied": (config.tie_word_embeddings, tied),
        "sliding window": (getattr(config, "sliding_window", None), None),
    }
    wrong = {k: v for k, v in pairs.items() if v[0] != v[1]}
    if wrong:
        raise RuntimeError(f"Transformers' settings differ from the file (Transformers, file): {wrong}")


def _dealt_out(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k as a llama file has them: row 2i + j of a head is row i + j * head_dim / 2 of Transformers'."""
    half = values.shape[0] // heads // 2
    order = [h * 2 * half + i + j * half for h in range(heads) for i in range(half) for j in range(2)]
    return values[order]


def _check_weights(model: PreTrainedModel, reader: gguf.GGUFReader) -> None:
    """Every parameter equals gguf-py's decode, by gguf-py's own table of names."""
    config, family = model.config, FAMILIES[architecture(reader)]
    names = gguf.get_tensor_name_map(family.names, config.num_hidden_layers)
    state = {}
    for name, values in model.state_dict().items():
        stem, suffix = name.rsplit(".", 1)
        values = values.numpy()
        if family.model is LlamaForCausalLM and stem.endswith(("q_proj", "k_proj")):
            values = _dealt_out(values, config.num_attention_heads if stem.endswith("q_proj") else config.num_key_value_heads)
        state[f"{names.get_name(stem)}.{suffix}"] = values
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight":
            continue  # no parameter: see load()
        if not np.array_equal(state.pop(tensor.name), decode(tensor)):
            raise RuntimeError(f"{tensor.name}: Transformers loaded other values than gguf-py decodes")
    if set(state) - {"output.weight"}:
        raise RuntimeError(f"parameters without a tensor: {sorted(state)}")


class _DoubleTorch:
    """torch, but `torch.float32` and `torch.float` mean float64: Transformers' code casts to float32 in its norms, in
    its softmax and for the rotary angles, also when the weights are float64."""

    float32 = torch.float64
    float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


@contextlib.contextmanager
def double_arithmetic():
    with contextlib.ExitStack() as stack:
        for family in FAMILIES.values():
            stack.enter_context(mock.patch.object(family.code, "torch", _DoubleTorch()))
        yield


def widened(model: PreTrainedModel) -> PreTrainedModel:
    """The same weights in float64, with rotary frequencies computed in float64; run it inside double_arithmetic()."""
    with double_arithmetic():
        wide = type(model)._from_config(model.config, attn_implementation="eager", dtype=torch.float64)
    wide.load_state_dict(model.state_dict())
    rotary = wide.model.rotary_emb.inv_freq
    if rotary.dtype != torch.float64 or torch.equal(rotary, rotary.float().double()):
        raise RuntimeError("the rotary frequencies were not computed in float64")
    if hasattr(model, "kigo_divisors"):
        wide.kigo_divisors = model.kigo_divisors
        _divide_frequencies(wide)
    return wide.eval()


@torch.no_grad()
def logits(model: PreTrainedModel, tokens: list[int]) -> np.ndarray:
    """[positions, vocab] in the model's own precision, all positions in one pass without a cache."""
    return model(torch.tensor([tokens]), use_cache=False).logits[0].numpy()


@torch.no_grad()
def checkpoints(model: PreTrainedModel, tokens: list[int]) -> dict[str, np.ndarray]:
    """Every checkpoint that core/model/taps.h names but cache_k, cache_v and logits: [positions, heads or kv_heads,
    head_dim] where there are heads, else [positions, width]. All positions in one pass without a cache.

    Inputs and outputs of Transformers' modules, by hooks; behind the rotation, which is no module, what its function
    returns. The elements of q and k within a head come in the order of the GGUF file: of a llama file, where
    neighbours rotate together, element 2i + j is element i + j * head_dim / 2 of Transformers'.
    """
    config, code = model.config, FAMILIES[model.config.model_type].code
    heads = {"q": config.num_attention_heads, "k": config.num_key_value_heads, "v": config.num_key_value_heads}
    found, hooks, turned = {}, [], []

    def keep(name, value):
        if name in found or value.shape[0] != 1:
            raise RuntimeError(f"{name}: reached twice, or of shape {tuple(value.shape)}")
        found[name] = value[0].numpy()

    def given(module, name):
        hooks.append(module.register_forward_pre_hook(lambda _, args: keep(name, args[0])))

    def made(module, name):
        hooks.append(module.register_forward_hook(lambda _, args, out: keep(name, out)))

    rotate = code.apply_rotary_pos_emb

    def watched(q, k, *rest, **named):
        out = rotate(q, k, *rest, **named)
        for letter, value in zip("qk", out):
            keep(f"blk.{len(turned)}.attn_{letter}_rope", value.transpose(1, 2))  # [1, positions, heads, head_dim]
        turned.append(out)
        return out

    made(model.model.embed_tokens, "embed")
    for n, layer in enumerate(model.model.layers):
        made(layer.input_layernorm, f"blk.{n}.attn_norm")
        for letter in "qkv":
            made(getattr(layer.self_attn, f"{letter}_proj"), f"blk.{n}.attn_{letter}")
        given(layer.self_attn.o_proj, f"blk.{n}.attn_mix")
        made(layer.self_attn.o_proj, f"blk.{n}.attn_out")
        given(layer.post_attention_layernorm, f"blk.{n}.attn_residual")
        made(layer.post_attention_layernorm, f"blk.{n}.ffn_norm")
        made(layer.mlp.gate_proj, f"blk.{n}.ffn_gate")
        made(layer.mlp.up_proj, f"blk.{n}.ffn_up")
        given(layer.mlp.down_proj, f"blk.{n}.ffn_act")
        made(layer.mlp.down_proj, f"blk.{n}.ffn_down")
        following = [*model.model.layers, model.model.norm][n + 1]
        given(getattr(following, "input_layernorm", following), f"blk.{n}.ffn_residual")
    made(model.model.norm, "output_norm")
    try:
        with mock.patch.object(code, "apply_rotary_pos_emb", watched):
            model(torch.tensor([tokens]), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    for name, value in found.items():
        letter = next((c for c in "qkv" if name.endswith((f"attn_{c}", f"attn_{c}_rope"))), None)
        if letter or name.endswith("attn_mix"):
            value = value.reshape(len(tokens), heads[letter or "q"], -1)
            if isinstance(model, LlamaForCausalLM) and letter in ("q", "k"):
                value = np.stack([_dealt_out(head, 1) for head in value.reshape(-1, value.shape[-1])]).reshape(value.shape)
        found[name] = value
    return found


@torch.no_grad()
def greedy(model: Qwen2ForCausalLM, tokens: list[int], count: int) -> tuple[list[int], list[float]]:
    """`count` ids by Transformers' generate() with a KV cache, never stopping, and the top-1/top-2 margin of each."""
    settings = GenerationConfig(
        do_sample=False, max_new_tokens=count, eos_token_id=None, pad_token_id=0, return_dict_in_generate=True,
        output_logits=True,
    )
    ids = torch.tensor([tokens])
    model.generation_config = settings
    out = model.generate(ids, attention_mask=torch.ones_like(ids))
    margins = [float(torch.diff(step[0].topk(2).values.flip(0))) for step in out.logits]
    return out.sequences[0, len(tokens):].tolist(), margins
