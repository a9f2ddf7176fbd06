"""Makes golden/tiny/: untrained, seeded qwen2 models that vary what hides faults, and their small tokenizer.

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
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import llama

GOLDEN = Path(__file__).resolve().parent.parent
TEXT_TOKENS = 336  # 256 bytes and 80 merges
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'"
    " + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
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
    rope_base: float
    alignment: int = 32
    file_type: int = gguf.LlamaFileType.MOSTLY_F16
    pure: bool = True

    @property
    def head_dim(self) -> int:
        return self.width // self.heads


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
SHAPES = [F16, Q8_0, Q4_K, Q6_K, Q4_K_M]


def make_tokenizer() -> Tokenizer:
    """A byte-level BPE as Qwen2's: NFC, its split pattern, bytes mapped to letters, ChatML specials behind the text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())
    )
    text = (Path(__file__).parent / "tiny_text.txt").read_text(encoding="utf-8")
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIAL])
    return tokenizer


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
    head_std = embed_std if shape.tied else 0.1
    tensors["output_norm.weight"] = norm(3 / (head_std * width**0.5))  # logits of standard deviation 3
    if not shape.tied:
        tensors["output.weight"] = normal(head_std, shape.vocab, width)
    used = TEXT_TOKENS + len(SPECIAL)  # padding ids get small rows, so that no greedy step picks one
    for name in {"token_embd.weight", "output.weight"} & tensors.keys():
        tensors[name][used:] *= 0.1
    return tensors


def add_metadata(writer: gguf.GGUFWriter, shape: Shape, tokenizer: Tokenizer, merges: list[str]) -> None:
    writer.add_name(shape.name)
    writer.add_context_length(256)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn_width)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.eps)
    writer.add_rope_freq_base(shape.rope_base)
    used = TEXT_TOKENS + len(SPECIAL)
    tokens = [tokenizer.id_to_token(i) for i in range(used)] + [f"[PAD{i}]" for i in range(used, shape.vocab)]
    types = [gguf.TokenType.NORMAL] * TEXT_TOKENS + [gguf.TokenType.CONTROL] * len(SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types + [gguf.TokenType.UNUSED] * (shape.vocab - used))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(TEXT_TOKENS)
    writer.add_eos_token_id(TEXT_TOKENS + 2)
    writer.add_pad_token_id(TEXT_TOKENS)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def write_gguf(
    path: Path, shape: Shape, tokenizer: Tokenizer, merges: list[str], file_type: int, matrices: int
) -> None:
    """Vectors are F32; matrices of a type that gguf-py can quantise to."""
    writer = gguf.GGUFWriter(path, "qwen2")
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
    tokenizer = make_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    for shape in SHAPES:
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
