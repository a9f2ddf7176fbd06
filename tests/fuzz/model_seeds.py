#!/usr/bin/env python3
"""Writes the first inputs of model_fuzz into a folder: heads of small models and vocabularies.

    model_seeds.py FOLDER        standard library only; the layout is that of docs/gguf.md, sections 1, 6, 7 and 8
"""
import pathlib
import struct
import sys

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
CHATML = "{% for m in messages %}<|im_start|>{{ m['role'] }}<|im_end|>{% endfor %}"


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key, kind, value):
    head = text(key) + struct.pack("<I", kind)
    if kind == STRING:
        return head + text(value)
    if kind == ARRAY:
        element, values = value
        body = b"".join(text(v) if element == STRING else struct.pack("<i", v) for v in values)
        return head + struct.pack("<IQ", element, len(values)) + body
    return head + struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<B"}[kind], value)


def info(name, dims, offset):
    return text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims) + \
        struct.pack("<IQ", 0, offset)


def head(pairs, tensors=()):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pair(*p) for p in pairs)
    offset = 0
    for name, dims in tensors:
        out += info(name, dims, offset)
        size = 4
        for dim in dims:
            size *= dim
        offset += (size + 31) // 32 * 32
    return out


def byte_map():
    """The characters that stand for the 256 bytes: openai/gpt-2, src/encoder.py, bytes_to_unicode."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    return [chr(b if b in printable else next(others)) for b in range(256)]


def vocabulary(pre, tokens, types, merges):
    return [("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, pre),
            ("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)), ("tokenizer.ggml.token_type", ARRAY, (I32, types)),
            ("tokenizer.ggml.merges", ARRAY, (STRING, merges)), ("tokenizer.ggml.eos_token_id", U32, len(tokens) - 1),
            ("tokenizer.ggml.bos_token_id", U32, 0), ("tokenizer.ggml.add_bos_token", BOOL, 0)]


def model(architecture, vocab, bias):
    a = architecture
    keys = [("general.architecture", STRING, a), ("general.name", STRING, "seed"), (f"{a}.context_length", U32, 16),
            (f"{a}.embedding_length", U32, 8), (f"{a}.block_count", U32, 1), (f"{a}.feed_forward_length", U32, 4),
            (f"{a}.attention.head_count", U32, 2), (f"{a}.attention.head_count_kv", U32, 1),
            (f"{a}.attention.layer_norm_rms_epsilon", F32, 1e-6), (f"{a}.rope.freq_base", F32, 1e4),
            (f"{a}.rope.scaling.type", STRING, "linear"), (f"{a}.rope.scaling.factor", F32, 2.0),
            (f"{a}.vocab_size", U32, vocab)]
    tensors = [("token_embd.weight", [8, vocab]), ("output_norm.weight", [8]), ("blk.0.attn_norm.weight", [8]),
               ("blk.0.ffn_norm.weight", [8]), ("blk.0.attn_q.weight", [8, 8]), ("blk.0.attn_k.weight", [8, 4]),
               ("blk.0.attn_v.weight", [8, 4]), ("blk.0.attn_output.weight", [8, 8]),
               ("blk.0.ffn_gate.weight", [8, 4]), ("blk.0.ffn_up.weight", [8, 4]), ("blk.0.ffn_down.weight", [4, 8])]
    if bias:
        tensors += [("blk.0.attn_q.bias", [8]), ("blk.0.attn_k.bias", [4]), ("blk.0.attn_v.bias", [4])]
    return keys, tensors


def seeds():
    whole = byte_map() + ["he", "ll", "hell", "Ġh", "<|im_start|>", "<|im_end|>"]
    whole_types = [1] * 260 + [3, 3]
    merges = ["h e", "l l", "he ll", "Ġ h"]
    few = ["a", "b", "ab", "Ġ", "<t>", "<t>s", "<0x0A>"]
    few_types = [1, 1, 1, 1, 4, 4, 6]
    for name, bias in (("qwen2", True), ("llama", False)):
        pre = "qwen2" if bias else "llama-bpe"
        keys, tensors = model(name, len(whole), bias)
        template = [("tokenizer.chat_template", STRING, CHATML)]
        yield name, head(keys + vocabulary(pre, whole, whole_types, merges) + template, tensors) + b"hell <|im_end|> h"
        keys, tensors = model(name, len(few), bias)
        yield f"{name}_few", head(keys + vocabulary(pre, few, few_types, ["a b"]), tensors) + b"ab <t>sab"
        keys, tensors = model(name, 5, bias)
        yield f"{name}_ids", head(keys + [("tokenizer.ggml.model", STRING, "no_vocab")], tensors)
    yield "gpt2", head(vocabulary("gpt-2", whole, whole_types, merges)) + "he'll 12  \u0301\u4E00\n".encode()
    yield "gpt2_few", head(vocabulary("gpt-2", few, few_types, ["a b"])) + b"ab a"
    yield "spm", head([("tokenizer.ggml.model", STRING, "llama"), ("tokenizer.ggml.tokens", ARRAY, (STRING, few))])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds():
        (folder / f"{name}.gguf").write_bytes(data)


if __name__ == "__main__":
    main()
