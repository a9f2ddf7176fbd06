"""Makes golden/tiny/: untrained, seeded qwen2 and llama models that vary what hides faults, and their small tokenizers.

Untrained is enough to pin a forward pass: every weight, bias and norm moves the logits. The scales are chosen so that
attention is neither flat nor one-hot, the logits spread (standard deviation about 3), and eps matters (the embedding is
small, as in real models). Same versions, same bytes.
"""

import dataclasses
import json
import tempfile
from pathlib import Path

import gguf
import numpy as np
from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers,
)

import llama

GOLDEN = Path(__file__).resolve().parent.parent
TEXT_TOKENS = 336  # 256 bytes and 80 merges
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# meta-llama/Meta-Llama-3-8B, tokenizer.json
LLAMA3_SPLIT = QWEN2_SPLIT.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
LLAMA3_SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
# Tokens that no merges make: they are taken where a word is one of them, as Llama 3's ignore_merges has it.
LLAMA3_WORDS = ["\u0120kigo", "\u0120forty", "123"]
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'"
    " + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


# meta-llama/Meta-Llama-3-8B-Instruct, tokenizer_config.json
LLAMA3_CHAT = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' +"
    " message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    seed: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    ffn_width: int
    vocab: int
    tied: bool
    eps: float
    rope_base: float | None  # None: the file does not say
    alignment: int = 32
    file_type: int = gguf.LlamaFileType.MOSTLY_F16
    pure: bool = True
    architecture: str = "qwen2"
    key_length: int | None = None  # None: width / heads, and the file does not say
    biases: bool = True
    divisors: bool = False  # rope_freqs.weight

    @property
    def head_dim(self) -> int:
        return self.key_length or self.width // self.heads


# Three query heads on one kv head, odd sizes, no padding ids; the one file that pads to 64 bytes.
F16 = Shape("tiny-f16", 101, 3, 96, 3, 1, 176, 339, False, 1e-5, 1e4, alignment=64)
Q8_0 = Shape("tiny-q8_0", 102, 2, 192, 6, 2, 288, 352, False, 1e-6, 5e5, file_type=gguf.LlamaFileType.MOSTLY_Q8_0)
# Every matrix Q4_K: width and ffn_width are multiples of 256 (768 would pass the size limit of 800 kB).
Q4_K = Shape("tiny-q4_k", 103, 2, 256, 4, 2, 512, 384, True, 1e-6, 1e6, file_type=gguf.LlamaFileType.MOSTLY_Q4_K_S)
# ffn_down has rows of 288 and falls back to Q8_0; so no two of its shapes are equal.
Q6_K = Shape("tiny-q6_k", 104, 2, 256, 4, 1, 288, 345, True, 1e-6, 1e6, file_type=gguf.LlamaFileType.MOSTLY_Q6_K)
# llama.cpp's own mixture: Q4_K, Q5_0, Q6_K, Q8_0 and F32 in one file, as in the real Qwen2.5-0.5B.
Q4_K_M = Shape("tiny-q4_k_m", 105, 2, 256, 8, 2, 416, 341, False, 1e-6, 1e6,
               file_type=gguf.LlamaFileType.MOSTLY_Q4_K_M, pure=False)
# The types that gguf-py can quantise to itself; the others go through llama.cpp's quantiser.
GGUF_PY_TYPES = {
    gguf.LlamaFileType.MOSTLY_F16: gguf.GGMLQuantizationType.F16,
    gguf.LlamaFileType.MOSTLY_Q8_0: gguf.GGMLQuantizationType.Q8_0,
}
LLAMA = {"architecture": "llama", "biases": False}
# The base of the rotation by default, and BOS as llama-bpe has it by default.
LLAMA_F16 = Shape("llama-f16", 201, 3, 96, 3, 1, 176, 344, False, 1e-5, None, **LLAMA)
# Tied, with the divisors of Llama 3.1; rows of 416 fall back to Q5_0 and Q8_0.
LLAMA_Q4_K_M = Shape("llama-q4_k_m", 202, 2, 256, 4, 2, 416, 352, True, 1e-5, 5e5,
                     file_type=gguf.LlamaFileType.MOSTLY_Q4_K_M, pure=False, divisors=True, **LLAMA)
# All the biases that a llama may have, and heads of 128.
LLAMA_Q6_K = Shape("llama-q6_k", 233, 2, 256, 2, 1, 224, 347, False, 1e-6, 1e6,
                   file_type=gguf.LlamaFileType.MOSTLY_Q6_K, architecture="llama")
# Heads wider than width / heads, as in Mistral Nemo; with divisors.
LLAMA_Q3_K_M = Shape("llama-q3_k_m", 204, 2, 256, 4, 2, 256, 344, True, 1e-5, 5e5,
                     file_type=gguf.LlamaFileType.MOSTLY_Q3_K_M, pure=False, key_length=128, divisors=True, **LLAMA)
SHAPES = [F16, Q8_0, Q4_K, Q6_K, Q4_K_M, LLAMA_F16, LLAMA_Q4_K_M, LLAMA_Q6_K, LLAMA_Q3_K_M]


TOKENIZER_FILES = {"qwen2": "tokenizer.json", "llama": "tokenizer-llama.json"}


def make_tokenizer(normalizer=normalizers.NFC(), split: str = QWEN2_SPLIT, special: list[str] = SPECIAL) -> Tokenizer:
    """A byte-level BPE as Qwen2's: NFC, its split pattern, bytes mapped to letters, ChatML specials behind the text."""
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(split), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())
    )
    text = (Path(__file__).parent / "tiny_text.txt").read_text(encoding="utf-8")
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in special])
    return tokenizer


def make_llama_tokenizer() -> Tokenizer:
    """A byte-level BPE as Llama 3's: its split pattern, no normalizer, words that are tokens taken whole, BOS first."""
    tokenizer = make_tokenizer(None, LLAMA3_SPLIT, [])
    state = json.loads(tokenizer.to_str())
    state["model"]["ignore_merges"] = True
    for word in LLAMA3_WORDS:
        assert word not in state["model"]["vocab"]
        state["model"]["vocab"][word] = len(state["model"]["vocab"])
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in LLAMA3_SPECIAL])
    bos = LLAMA3_SPECIAL[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
    )
    return tokenizer


def divisors(shape: Shape) -> np.ndarray:
    """What Llama 3.1's scaling divides the frequencies by: 8 for waves longer than the original context, 1 for those
    shorter than a quarter of it, and a blend between. Source: llama.cpp's converter; the original context is 64 here,
    so that short prompts meet all three."""
    factor, low, high, context = 8.0, 1.0, 4.0, 64.0
    waves = 2 * np.pi * shape.rope_base ** (np.arange(0, shape.head_dim, 2) / shape.head_dim)
    smooth = (context / waves - low) / (high - low)
    blend = 1 / ((1 - smooth) / factor + smooth)
    return np.where(waves < context / high, 1.0, np.where(waves > context / low, factor, blend)).astype(np.float32)


def draw(shape: Shape) -> dict[str, np.ndarray]:
    """All tensors as float32, slowest axis first, by their GGUF names."""
    rng = np.random.Generator(np.random.PCG64(shape.seed))
    width, ffn, head_dim = shape.width, shape.ffn_width, shape.head_dim
    q_rows, kv_rows = shape.heads * head_dim, shape.kv_heads * head_dim

    def normal(std: float, *dims: int) -> np.ndarray:
        return (std * rng.standard_normal(dims)).astype(np.float32)

    def norm(scale: float = 1.0) -> np.ndarray:
        return (scale * np.clip(1 + 0.3 * rng.standard_normal(width), 0.3, 1.9)).astype(np.float32)

    def bias(std: float, rows: int, outliers: int = 0) -> np.ndarray:
        values = normal(std, rows)
        at = rng.choice(rows, size=outliers, replace=False)
        values[at] = rng.uniform(4, 9, outliers) * rng.choice([-1, 1], outliers)
        return values

    embed_std = 0.03
    tensors = {"token_embd.weight": normal(embed_std, shape.vocab, width)}
    for i in range(shape.layers):
        blk = f"blk.{i}."
        tensors |= {
            blk + "attn_norm.weight": norm(),
            blk + "attn_q.weight": normal(width**-0.5, q_rows, width),
            blk + "attn_q.bias": bias(0.7, q_rows, 2),
            blk + "attn_k.weight": normal(width**-0.5, kv_rows, width),
            blk + "attn_k.bias": bias(1.0, kv_rows, 2),
            blk + "attn_v.weight": normal(width**-0.5, kv_rows, width),
            blk + "attn_v.bias": bias(0.3, kv_rows),
            blk + "attn_output.weight": normal((0.05 if i == 0 else 0.5) * q_rows**-0.5, width, q_rows),
            blk + "ffn_norm.weight": norm(),
            blk + "ffn_gate.weight": normal(1.2 * width**-0.5, ffn, width),
            blk + "ffn_up.weight": normal(width**-0.5, ffn, width),
            blk + "ffn_down.weight": normal(1.5 * ffn**-0.5, width, ffn),
        }
    if not shape.biases:
        tensors = {name: values for name, values in tensors.items() if not name.endswith(".bias")}
    elif shape.architecture == "llama":
        for i in range(shape.layers):
            tensors[f"blk.{i}.attn_output.bias"] = normal(0.02, width)
    if shape.divisors:
        tensors["rope_freqs.weight"] = divisors(shape)
    head_std = embed_std if shape.tied else 0.1
    tensors["output_norm.weight"] = norm(3 / (head_std * width**0.5))  # logits of standard deviation 3
    if not shape.tied:
        tensors["output.weight"] = normal(head_std, shape.vocab, width)
    used = used_tokens(shape)  # padding ids get small rows, so that no greedy step picks one
    for name in {"token_embd.weight", "output.weight"} & tensors.keys():
        tensors[name][used:] *= 0.1
    return tensors


def used_tokens(shape: Shape) -> int:
    extra = LLAMA3_WORDS + LLAMA3_SPECIAL if shape.architecture == "llama" else SPECIAL
    return TEXT_TOKENS + len(extra)


def add_metadata(writer: gguf.GGUFWriter, shape: Shape, tokenizer: Tokenizer, merges: list[str]) -> None:
    writer.add_name(shape.name)
    writer.add_context_length(256)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn_width)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.eps)
    if shape.rope_base is not None:
        writer.add_rope_freq_base(shape.rope_base)
    if shape.architecture == "llama":
        add_llama_metadata(writer, shape)
    used = used_tokens(shape)
    special = LLAMA3_SPECIAL if shape.architecture == "llama" else SPECIAL
    tokens = [tokenizer.id_to_token(i) for i in range(used)] + [f"[PAD{i}]" for i in range(used, shape.vocab)]
    types = [gguf.TokenType.NORMAL] * (used - len(special)) + [gguf.TokenType.CONTROL] * len(special)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe" if shape.architecture == "llama" else "qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types + [gguf.TokenType.UNUSED] * (shape.vocab - used))
    writer.add_token_merges(merges)
    if shape.architecture == "llama":
        writer.add_bos_token_id(tokens.index("<|begin_of_text|>"))
        writer.add_eos_token_id(tokens.index("<|end_of_text|>"))
        writer.add_eot_token_id(tokens.index("<|eot_id|>"))
        if shape is not LLAMA_F16:
            writer.add_add_bos_token(True)
        writer.add_chat_template(LLAMA3_CHAT)
        return
    writer.add_bos_token_id(TEXT_TOKENS)
    writer.add_eos_token_id(TEXT_TOKENS + 2)
    writer.add_pad_token_id(TEXT_TOKENS)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def add_llama_metadata(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """What llama.cpp's converter writes for this family besides."""
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_vocab_size(shape.vocab)
    if shape.key_length is not None:
        writer.add_key_length(shape.key_length)
        writer.add_value_length(shape.key_length)


def write_gguf(
    path: Path, shape: Shape, tokenizer: Tokenizer, merges: list[str], file_type: int, matrices: int
) -> None:
    """Vectors are F32; matrices of a type that gguf-py can quantise to."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    if shape.alignment != 32:
        writer.add_custom_alignment(shape.alignment)
    add_metadata(writer, shape, tokenizer, merges)
    writer.add_file_type(file_type)
    for name, values in draw(shape).items():
        kind = matrices if values.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    folder = GOLDEN / "tiny"
    folder.mkdir(exist_ok=True)
    tokenizers = {"qwen2": make_tokenizer(), "llama": make_llama_tokenizer()}
    for architecture, tokenizer in tokenizers.items():
        tokenizer.save(str(folder / TOKENIZER_FILES[architecture]))
    for shape in SHAPES:
        tokenizer = tokenizers[shape.architecture]
        merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
        target = folder / f"{shape.name}.gguf"
        if shape.file_type in GGUF_PY_TYPES:
            write_gguf(target, shape, tokenizer, merges, shape.file_type, GGUF_PY_TYPES[shape.file_type])
        else:
            with tempfile.TemporaryDirectory() as scratch:
                master = Path(scratch) / "f32.gguf"
                all_f32 = gguf.LlamaFileType.ALL_F32
                write_gguf(master, shape, tokenizer, merges, all_f32, gguf.GGMLQuantizationType.F32)
                llama.quantise(master, target, shape.file_type, shape.pure)
        kinds = sorted({t.tensor_type.name for t in gguf.GGUFReader(target).tensors})
        print(f"{target.name}: {target.stat().st_size} bytes, {' '.join(kinds)}")


if __name__ == "__main__":
    main()
