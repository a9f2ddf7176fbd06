"""Writes golden/headers/: the heads of GGUF files (no tensor data) as llama.cpp's converters lay them out.

  python3 golden/make/headers.py        needs gguf and numpy of requirements.txt

Keys, their types and order, tensor names, shapes and weight types follow llama.cpp's public convert_hf_to_gguf.py,
its forerunner convert.py and llama-quantize; sizes are those of the models' public config.json. Texts are our own and
vocabularies are cut to a few tokens, so V in the shapes is small. headers.json says what each file holds.
"""

import json
import struct
from pathlib import Path

import gguf
import numpy as np

OUT = Path(__file__).resolve().parent.parent / "headers"
T = gguf.GGMLQuantizationType
MOSTLY_F16, MOSTLY_Q8_0, MOSTLY_Q4_K_M = 1, 7, 15
CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'}}" \
         "{% endfor %}"
LLAMA3 = "{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n" \
         "{{ message['content'] }}<|eot_id|>{% endfor %}"


class Head:
    """A GGUFWriter that ends behind the tensor infos and counts what it was given."""

    def __init__(self, name: str, architecture: str, version: int = 3, alignment: int | None = None):
        self.name, self.version, self.alignment = name, version, alignment or 32
        self.path = OUT / f"{name}.gguf"
        self.writer = gguf.GGUFWriter(self.path, architecture)
        self.architecture = architecture
        self.tensors = self.bytes = 0
        if alignment:
            self.writer.add_custom_alignment(alignment)

    def sized(self, **values) -> "Head":
        """`A.key` for each: whole numbers as u32, others as f32; a dot is written as two underscores."""
        for key, value in values.items():
            key = f"{self.architecture}.{key.replace('__', '.')}"
            (self.writer.add_float32 if isinstance(value, float) else self.writer.add_uint32)(key, value)
        return self

    def tensor(self, name: str, kind: T, *dims: int) -> None:
        """dims as in the file: fastest first."""
        values, size = gguf.GGML_QUANT_SIZES[kind]
        assert dims[0] % values == 0, name
        count = int(np.prod(dims, dtype=object)) // values * size
        self.writer.add_tensor_info(name, dims[::-1], np.dtype(np.float32), count, raw_dtype=kind)
        self.tensors += 1
        self.bytes += count

    def done(self) -> dict:
        pairs = len(self.writer.kv_data[0])
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_ti_data_to_file()
        self.writer.close()
        data = bytearray(self.path.read_bytes())
        data[4:8] = struct.pack("<I", self.version)  # versions 2 and 3 have one layout
        self.path.write_bytes(data)
        return {"file": self.path.name, "architecture": self.architecture, "version": self.version,
                "alignment": self.alignment, "pairs": pairs, "tensors": self.tensors, "tensor_bytes": self.bytes}


def described(head: Head, name: str, label: str, license: str, languages=("en",)) -> None:
    """The general.* keys that the converter takes from a model card."""
    w = head.writer
    w.add_type("model")
    w.add_name(name)
    w.add_finetune("Instruct")
    w.add_basename(name.split("-")[0])
    w.add_size_label(label)
    w.add_license(license)
    w.add_base_model_count(1)
    w.add_base_model_name(0, name)
    w.add_base_model_organization(0, "Example")
    w.add_base_model_repo_url(0, "https://example.org/model")
    w.add_tags(["chat", "text-generation"])
    w.add_languages(list(languages))


def bpe(head: Head, pre: str, specials: list[str], bos: int | None, eos: int, template: str | None,
        add_bos: bool | None = False) -> int:
    """A byte-level vocabulary cut to ASCII letters, a few merges and its special tokens; returns its size."""
    w = head.writer
    tokens = [chr(c) for c in range(ord("a"), ord("z") + 1)] + ["Ġ", "Ċ", "th", "the", "Ġthe"]
    plain = len(tokens)
    tokens += specials + ["[PAD0]"]
    types = [gguf.TokenType.NORMAL] * plain + [gguf.TokenType.CONTROL] * len(specials) + [gguf.TokenType.UNUSED]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges(["t h", "th e", "Ġ the"])
    if bos is not None:
        w.add_bos_token_id(plain + bos)
    w.add_eos_token_id(plain + eos)
    w.add_pad_token_id(plain)
    if add_bos is not None:
        w.add_add_bos_token(add_bos)
    if template:
        w.add_chat_template(template)
    return len(tokens)


def spm(head: Head, template: str | None, whole_scores: bool = False, merges: bool = False, prefix=None) -> int:
    """A SentencePiece vocabulary: unknown, BOS, EOS, the 256 bytes, a few pieces."""
    w = head.writer
    pieces = ["▁", "t", "h", "e", "th", "▁the"]
    w.add_tokenizer_model("llama")
    if prefix is not None:
        w.add_tokenizer_pre("default")
    w.add_token_list(["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + pieces)
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces))]
    if whole_scores:
        w.add_array("tokenizer.ggml.scores", [int(score) for score in scores])
    else:
        w.add_token_scores(scores)
    w.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(pieces))
    if merges:
        w.add_token_merges(["t h", "▁t he"])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)
    if prefix is not None:
        w.add_add_space_prefix(prefix)
    if template:
        w.add_chat_template(template)
    return 259 + len(pieces)


def quantised(head: Head, file_type: int) -> None:
    head.writer.add_quantization_version(2)
    head.writer.add_file_type(file_type)


def separate_layers(head: Head, layers: int, width: int, q: int, kv: int, ffn: int, kinds: tuple[T, T], bias: bool) -> None:
    """The layers of llama and qwen2 in the order that the converter writes; `kinds`: most matrices, v and down."""
    most, more = kinds
    for n in range(layers):
        b = f"blk.{n}."
        head.tensor(b + "attn_norm.weight", T.F32, width)
        head.tensor(b + "ffn_down.weight", more, ffn, width)
        head.tensor(b + "ffn_gate.weight", most, width, ffn)
        head.tensor(b + "ffn_up.weight", most, width, ffn)
        head.tensor(b + "ffn_norm.weight", T.F32, width)
        for part, rows, kind in (("k", kv, most), ("output", width, most), ("q", q, most), ("v", kv, more)):
            if bias and part != "output":
                head.tensor(f"{b}attn_{part}.bias", T.F32, rows)
            head.tensor(f"{b}attn_{part}.weight", kind, q if part == "output" else width, rows)


def qwen2_instruct() -> dict:
    head = Head("qwen2.5-0.5b-instruct-f16", "qwen2")
    described(head, "Qwen2.5-0.5B-Instruct", "0.5B", "apache-2.0", ("en", "zh"))
    head.sized(block_count=24, context_length=32768, embedding_length=896, feed_forward_length=4864,
               attention__head_count=14, attention__head_count_kv=2, rope__freq_base=1e6,
               attention__layer_norm_rms_epsilon=1e-6)
    head.writer.add_file_type(MOSTLY_F16)
    vocab = bpe(head, "qwen2", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], 0, 2, CHATML)
    head.writer.add_quantization_version(2)
    head.tensor("token_embd.weight", T.F16, 896, vocab)  # tied: no output.weight
    separate_layers(head, 24, 896, 896, 128, 4864, (T.F16, T.F16), True)
    head.tensor("output_norm.weight", T.F32, 896)
    return head.done()


def qwen2_aligned() -> dict:
    """Own output matrix, another alignment, what a merge of split files leaves, importance-matrix keys, a u64 count."""
    head = Head("qwen2-1.5b-q4_k_m-merged", "qwen2", alignment=64)
    head.writer.add_name("qwen2-1_5b")
    head.writer.add_uint16("split.no", 0)
    head.writer.add_uint16("split.count", 0)
    head.writer.add_int32("split.tensors.count", 339)
    head.sized(block_count=28, embedding_length=1536, feed_forward_length=8960, attention__head_count=12,
               attention__head_count_kv=2, rope__freq_base=1e6, attention__layer_norm_rms_epsilon=1e-6)
    head.writer.add_uint64("qwen2.context_length", 32768)
    vocab = bpe(head, "qwen2", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], 0, 2, CHATML)
    quantised(head, MOSTLY_Q4_K_M)
    head.writer.add_string("quantize.imatrix.file", "imatrix.dat")
    head.writer.add_string("quantize.imatrix.dataset", "calibration.txt")
    head.writer.add_int32("quantize.imatrix.entries_count", 196)
    head.writer.add_int32("quantize.imatrix.chunks_count", 128)
    head.tensor("output.weight", T.Q6_K, 1536, vocab)
    head.tensor("token_embd.weight", T.Q4_K, 1536, vocab)
    separate_layers(head, 28, 1536, 1536, 256, 8960, (T.Q4_K, T.Q6_K), True)
    head.tensor("output_norm.weight", T.F32, 1536)
    return head.done()


def llama3() -> dict:
    head = Head("llama-3.1-8b-instruct-q4_k_m", "llama")
    described(head, "Llama-3.1-8B-Instruct", "8B", "llama3.1", ("en", "de", "fr"))
    vocab_keys = dict(block_count=32, context_length=131072, embedding_length=4096, feed_forward_length=14336,
                      attention__head_count=32, attention__head_count_kv=8, rope__freq_base=5e5,
                      attention__layer_norm_rms_epsilon=1e-5)
    head.sized(**vocab_keys)
    head.writer.add_file_type(MOSTLY_Q4_K_M)
    head.sized(vocab_size=31 + 4, rope__dimension_count=128)
    vocab = bpe(head, "llama-bpe", ["<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>"], 0, 1, LLAMA3, None)
    head.writer.add_quantization_version(2)
    head.tensor("rope_freqs.weight", T.F32, 64)
    head.tensor("token_embd.weight", T.Q4_K, 4096, vocab)
    separate_layers(head, 32, 4096, 4096, 1024, 14336, (T.Q4_K, T.Q6_K), False)
    head.tensor("output_norm.weight", T.F32, 4096)
    head.tensor("output.weight", T.Q6_K, 4096, vocab)
    return head.done()


def llama3_small() -> dict:
    """Tied, with key and value length, and stop ids of its own."""
    head = Head("llama-3.2-1b-q8_0", "llama")
    head.writer.add_type("model")
    head.writer.add_name("Llama 3.2 1B")
    head.sized(block_count=16, context_length=131072, embedding_length=2048, feed_forward_length=8192,
               attention__head_count=32, attention__head_count_kv=8, rope__freq_base=5e5,
               attention__layer_norm_rms_epsilon=1e-5, attention__key_length=64, attention__value_length=64,
               vocab_size=31 + 5, rope__dimension_count=64)
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>"]
    vocab = bpe(head, "llama-bpe", specials, 0, 1, LLAMA3, True)
    head.writer.add_eot_token_id(31 + 2)
    head.writer.add_eom_token_id(31 + 3)
    quantised(head, MOSTLY_Q8_0)
    head.tensor("rope_freqs.weight", T.F32, 32)
    head.tensor("token_embd.weight", T.Q8_0, 2048, vocab)
    separate_layers(head, 16, 2048, 2048, 512, 8192, (T.Q8_0, T.Q8_0), False)
    head.tensor("output_norm.weight", T.F32, 2048)
    return head.done()


def tinyllama() -> dict:
    """The older converter: version 2, few keys, no general.type, no rope base, merges beside SentencePiece scores."""
    head = Head("tinyllama-1.1b-chat-q4_0-v2", "llama", version=2)
    head.writer.add_name("tinyllama_tinyllama-1.1b-chat-v1.0")
    head.sized(context_length=2048, embedding_length=2048, block_count=22, feed_forward_length=5632,
               rope__dimension_count=64, attention__head_count=32, attention__head_count_kv=4,
               attention__layer_norm_rms_epsilon=1e-5)
    vocab = spm(head, None, merges=True)
    quantised(head, 2)
    head.tensor("output.weight", T.Q6_K, 2048, vocab)
    head.tensor("token_embd.weight", T.Q4_0, 2048, vocab)
    separate_layers(head, 22, 2048, 2048, 256, 5632, (T.Q4_0, T.Q4_0), False)
    head.tensor("output_norm.weight", T.F32, 2048)
    return head.done()


def mistral() -> dict:
    """Scores as whole numbers, further chat templates, a space prefix said to be false."""
    head = Head("mistral-7b-instruct-v0.3-q8_0", "llama")
    described(head, "Mistral-7B-Instruct-v0.3", "7B", "apache-2.0")
    head.sized(block_count=32, context_length=32768, embedding_length=4096, feed_forward_length=14336,
               attention__head_count=32, attention__head_count_kv=8, rope__freq_base=1e6,
               attention__layer_norm_rms_epsilon=1e-5, vocab_size=265, rope__dimension_count=128)
    vocab = spm(head, [{"name": "default", "template": "{{ bos_token }}[INST] {{ messages[0]['content'] }} [/INST]"},
                       {"name": "tool_use", "template": "[AVAILABLE_TOOLS]"}], whole_scores=True, prefix=False)
    quantised(head, MOSTLY_Q8_0)
    head.tensor("token_embd.weight", T.Q8_0, 4096, vocab)
    separate_layers(head, 32, 4096, 4096, 1024, 14336, (T.Q8_0, T.Q8_0), False)
    head.tensor("output_norm.weight", T.F32, 4096)
    head.tensor("output.weight", T.Q8_0, 4096, vocab)
    return head.done()


def fused_layers(head: Head, layers: int, width: int, ffn: int, up: int, kind: T, bias: bool) -> None:
    """phi3 and gpt2: q, k and v in one matrix."""
    for n in range(layers):
        b = f"blk.{n}."
        for name, into, out in (("attn_norm", 0, width), ("ffn_norm", 0, width), ("attn_qkv", width, 3 * width),
                                ("attn_output", width, width), ("ffn_up", width, up), ("ffn_down", ffn, width)):
            dims = (into, out) if into else (out,)
            head.tensor(f"{b}{name}.weight", kind if into else T.F32, *dims)
            if bias:
                head.tensor(f"{b}{name}.bias", T.F32, out)


def phi3(long_context: bool) -> dict:
    head = Head("phi-3-mini-128k-instruct-f16" if long_context else "phi-3-mini-4k-instruct-q4_k_m", "phi3")
    described(head, "Phi-3-mini", "3.8B", "mit")
    context = 131072 if long_context else 4096
    head.sized(context_length=context, rope__scaling__original_context_length=4096, embedding_length=3072,
               feed_forward_length=8192, block_count=32, attention__head_count=32, attention__head_count_kv=32,
               attention__layer_norm_rms_epsilon=1e-5, rope__dimension_count=96, rope__freq_base=1e4)
    head.sized(attention__sliding_window=262144 if long_context else 2047)
    kind = T.F16 if long_context else T.Q4_K
    head.writer.add_file_type(MOSTLY_F16 if long_context else MOSTLY_Q4_K_M)
    if long_context:
        head.sized(rope__scaling__attn_factor=1.1902380714238083)
    vocab = spm(head, "{% for m in messages %}<|user|>\n{{ m['content'] }}<|end|>\n{% endfor %}", prefix=False)
    head.writer.add_quantization_version(2)
    head.tensor("token_embd.weight", kind, 3072, vocab)
    fused_layers(head, 32, 3072, 8192, 16384, kind, False)
    head.tensor("output_norm.weight", T.F32, 3072)
    head.tensor("output.weight", kind, 3072, vocab)
    if long_context:
        head.tensor("rope_factors_long.weight", T.F32, 48)
        head.tensor("rope_factors_short.weight", T.F32, 48)
    return head.done()


def gpt2() -> dict:
    head = Head("gpt2-f16", "gpt2")
    head.writer.add_name("gpt2")
    head.sized(block_count=12, context_length=1024, embedding_length=768, feed_forward_length=3072,
               attention__head_count=12, attention__layer_norm_epsilon=1e-5)
    head.writer.add_file_type(MOSTLY_F16)
    vocab = bpe(head, "gpt-2", ["<|endoftext|>"], 0, 0, None, None)
    head.tensor("token_embd.weight", T.F16, 768, vocab)
    head.tensor("position_embd.weight", T.F32, 768, 1024)
    fused_layers(head, 12, 768, 3072, 3072, T.F16, True)
    head.tensor("output_norm.weight", T.F32, 768)
    head.tensor("output_norm.bias", T.F32, 768)
    return head.done()


def embedding_model() -> dict:
    """A family that kigo does not plan: bools, numbers and empty texts among the keys; a vocabulary of bytes."""
    head = Head("bge-small-en-f16", "bert")
    head.writer.add_name("")
    head.sized(block_count=12, context_length=512, embedding_length=384, feed_forward_length=1536,
               attention__head_count=12, attention__layer_norm_epsilon=1e-12, pooling_type=2)
    head.writer.add_bool("bert.attention.causal", False)
    head.writer.add_uint32("tokenizer.ggml.token_type_count", 2)
    head.writer.add_tokenizer_model("bert")
    head.writer.add_token_list([b"[PAD]", b"[UNK]", b"\xe2\x96\x81the"])
    head.writer.add_uint32("tokenizer.ggml.seperator_token_id", 102)
    head.tensor("token_embd.weight", T.F16, 384, 3)
    head.tensor("token_types.weight", T.F32, 384, 2)
    return head.done()


def vocabulary_only() -> dict:
    head = Head("vocabulary-qwen2", "qwen2")
    head.writer.add_type("vocab")
    bpe(head, "qwen2", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], 0, 2, None, None)
    return head.done()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    heads = [qwen2_instruct(), qwen2_aligned(), llama3(), llama3_small(), tinyllama(), mistral(), phi3(False), phi3(True),
             gpt2(), embedding_model(), vocabulary_only()]
    text = ",\n  ".join(json.dumps(head) for head in heads)
    (OUT / "headers.json").write_text(f'{{"gguf": "0.19.0", "heads": [\n  {text}\n]}}\n', encoding="utf-8")
    for head in heads:
        print(head)


if __name__ == "__main__":
    main()
