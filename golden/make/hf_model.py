"""Transformers as an oracle: its own GGUF loader and its own forward pass, in float32 and widened to float64."""

import contextlib
from pathlib import Path
from unittest import mock

import gguf
import numpy as np
import torch
from transformers import GenerationConfig, Qwen2ForCausalLM
from transformers.models.qwen2 import modeling_qwen2

from variants import decode

torch.set_num_threads(1)  # the order of a sum must not depend on the machine's number of cores
torch.use_deterministic_algorithms(True)


def load(path: Path) -> Qwen2ForCausalLM:
    """The model in float32, loaded by Transformers and compared with the file: settings, and every weight's bits."""
    model, info = Qwen2ForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    if any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        raise RuntimeError(f"{path}: Transformers did not load every tensor: {info}")
    reader = gguf.GGUFReader(path)
    _check_config(model.config, reader)
    _check_weights(model, reader)
    return model.eval()


def _check_config(config, reader: gguf.GGUFReader) -> None:
    def key(name):
        return reader.fields[f"qwen2.{name}"].contents()

    tied = all(t.name != "output.weight" for t in reader.tensors)
    pairs = {
        "layers": (config.num_hidden_layers, key("block_count")),
        "width": (config.hidden_size, key("embedding_length")),
        "ffn_width": (config.intermediate_size, key("feed_forward_length")),
        "heads": (config.num_attention_heads, key("attention.head_count")),
        "kv_heads": (config.num_key_value_heads, key("attention.head_count_kv")),
        "eps": (config.rms_norm_eps, key("attention.layer_norm_rms_epsilon")),
        "rope base": (config.rope_parameters["rope_theta"], key("rope.freq_base")),
        "rope type": (config.rope_parameters["rope_type"], "default"),
        "activation": (config.hidden_act, "silu"),
        "tied": (config.tie_word_embeddings, tied),
        "sliding window": (config.sliding_window, None),
    }
    wrong = {k: v for k, v in pairs.items() if v[0] != v[1]}
    if wrong:
        raise RuntimeError(f"Transformers' settings differ from the file (Transformers, file): {wrong}")


def _check_weights(model: Qwen2ForCausalLM, reader: gguf.GGUFReader) -> None:
    """Every parameter equals gguf-py's decode, by gguf-py's own table of names."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, model.config.num_hidden_layers)
    state = {}
    for name, values in model.state_dict().items():
        stem, suffix = name.rsplit(".", 1)
        state[f"{names.get_name(stem)}.{suffix}"] = values.numpy()
    for tensor in reader.tensors:
        if not np.array_equal(state.pop(tensor.name), decode(tensor)):
            raise RuntimeError(f"{tensor.name}: Transformers loaded other values than gguf-py decodes")
    if set(state) - {"output.weight"}:
        raise RuntimeError(f"parameters without a tensor: {sorted(state)}")


class _DoubleTorch:
    """torch, but `torch.float32` and `torch.float` mean float64: Qwen2's code casts to float32 in its norms, in its
    softmax and for the rotary angles, also when the weights are float64."""

    float32 = torch.float64
    float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


@contextlib.contextmanager
def double_arithmetic():
    with mock.patch.object(modeling_qwen2, "torch", _DoubleTorch()):
        yield


def widened(model: Qwen2ForCausalLM) -> Qwen2ForCausalLM:
    """The same weights in float64, with rotary frequencies computed in float64; run it inside double_arithmetic()."""
    with double_arithmetic():
        wide = Qwen2ForCausalLM._from_config(model.config, attn_implementation="eager", dtype=torch.float64)
    wide.load_state_dict(model.state_dict())
    rotary = wide.model.rotary_emb.inv_freq
    if rotary.dtype != torch.float64 or torch.equal(rotary, rotary.float().double()):
        raise RuntimeError("the rotary frequencies were not computed in float64")
    return wide.eval()


@torch.no_grad()
def logits(model: Qwen2ForCausalLM, tokens: list[int]) -> np.ndarray:
    """[positions, vocab] in the model's own precision, all positions in one pass without a cache."""
    return model(torch.tensor([tokens]), use_cache=False).logits[0].numpy()


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
