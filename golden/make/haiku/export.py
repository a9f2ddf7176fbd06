"""Writes the weights as GGUF: F32 first, then llama.cpp's own Q4_K_M; and F32 or F16 from a quantised file's values."""

import ctypes
import json
from pathlib import Path

import gguf
import numpy as np
from gguf.quants import dequantize

import corpus
import tokenizer as tok
from model import Shape

NAME = "kigo haiku 7M"


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """The trained arrays by GGUF name."""
    arrays: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("weights*.npz")):
        arrays.update(np.load(path))
    return arrays


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    """The tokenizer keys, from tokenizer.json."""
    spec = json.loads((corpus.GOLDEN / "tokenizer.json").read_text())
    by_id = {i: t for t, i in spec["model"]["vocab"].items()}
    special = {t["id"]: t["content"] for t in spec["added_tokens"]}
    tokens = [special.get(i) or by_id[i] for i in range(tok.VOCABULARY - tok.PADS)] + tok.pads()
    kinds = [gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(tok.VOCABULARY - tok.PADS)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds + [gguf.TokenType.UNUSED] * tok.PADS)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in spec["model"]["merges"]])
    ids = {text: i for i, text in special.items()}
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(tok.TEMPLATE)


def write_f32(arrays: dict[str, np.ndarray], path: Path, shape: Shape = Shape()) -> None:
    """The whole model in F32."""
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name(NAME)
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.eps)
    writer.add_rope_freq_base(shape.rope_base)
    add_tokenizer(writer)
    for name, array in arrays.items():
        writer.add_tensor(name, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantise(source: Path, target: Path) -> None:
    """llama.cpp's Q4_K_M recipe."""
    import llama_cpp
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
    params.nthread = 2
    failed = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params))
    if failed:
        raise SystemExit(f"llama_model_quantize returned {failed}")


def expand(source: Path, target: Path, kind: str) -> None:
    """A variant made from the decoded values of `source`: every matrix in F32 or F16, vectors in F32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "qwen2")
    for key, value in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type", "general.quantization_version"):
            continue
        subtype = value.types[1] if value.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, value.contents(), value.types[0], subtype)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32 if kind == "f32" else gguf.LlamaFileType.MOSTLY_F16)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).reshape(tuple(reversed(tensor.shape.tolist())))
        writer.add_tensor(tensor.name, values.astype(np.float16 if kind == "f16" and values.ndim > 1 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
