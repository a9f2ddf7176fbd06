"""Writes golden/differential/: what gguf-py's reader says to thousands of damaged files.

  python3 golden/make/differential.py        needs gguf and numpy of requirements.txt

A mutant is a base file with one or two edits that SplitMix64 draws; tests/core/gguf/mutants.cc writes the same edits
down for C++. verdicts.json holds no mutant, only a digest of all of them and, per mutant, gguf-py's verdict.
"""

import json
import os
import struct
import tempfile
import warnings
from importlib import metadata
from pathlib import Path

import gguf
import numpy as np
from splitmix import SplitMix64, fnv1a

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "golden" / "differential"
SEED = 0x6B69676F  # "kigo"
MUTANTS = 10000
STEPS = 20_000  # reads of one field after which an answer is no longer waited for

U32 = [*range(15), 20, 24, 28, 30, 31, 32, 64, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
U64 = [0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 255, 256, 65535, 65536, 1 << 30, (1 << 30) + 1, 1 << 31, 1 << 32,
       1 << 61, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 32, (1 << 64) - 1]
KINDS = ["bit"] * 4 + ["byte", "u32", "u64", "step"] * 2 + ["cut", "append", "remove", "insert"]


def below(random: SplitMix64, n: int) -> int:
    return (random.next() * n) >> 64


def write(name: str, architecture: str | None, fill) -> None:
    path = OUT / name
    writer = gguf.GGUFWriter(path, architecture or "none")
    if architecture is None:
        writer.kv_data[0].clear()
    fill(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def as_version_2(name: str) -> None:
    path = OUT / name
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<I", 2)
    path.write_bytes(data)


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def quantised(writer: gguf.GGUFWriter, name: str, kind: gguf.GGMLQuantizationType, rows: int) -> None:
    values, size = gguf.GGML_QUANT_SIZES[kind]
    writer.add_tensor(name, np.full((rows, size), 7, dtype=np.uint8), raw_dtype=kind)


def vocabulary(writer: gguf.GGUFWriter) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(["a", "b", "ab", "<|im_end|>"])
    writer.add_token_types([1, 1, 1, 3])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(3)
    writer.add_add_bos_token(False)


def two_tensors(writer: gguf.GGUFWriter) -> None:
    writer.add_uint32("n", 7)
    writer.add_array("flags", [True, False, True])
    writer.add_tensor("a.weight", ramp(3))
    writer.add_tensor("b.weight", ramp(2, 4))


def close_together(writer: gguf.GGUFWriter) -> None:
    writer.add_custom_alignment(8)
    writer.add_float64("f64", 0.1)
    for i, kind in enumerate([np.int8, np.int16, np.int32, np.int64, np.float64, np.float16]):
        writer.add_tensor(f"t{i}", ramp(3).astype(kind))


def block_types(writer: gguf.GGUFWriter) -> None:
    types = gguf.GGMLQuantizationType
    for kind in [types.Q4_0, types.Q8_0, types.Q4_K, types.Q6_K, types.BF16, types.IQ4_NL]:
        quantised(writer, f"blk.{kind.name}", kind, 2)


def whole_after_split(writer: gguf.GGUFWriter) -> None:
    writer.add_uint16("split.no", 0)
    writer.add_uint16("split.count", 0)
    writer.add_int32("split.tensors.count", 2)
    writer.add_tensor("scalar", np.float32(1).reshape(()))
    writer.add_tensor("empty", ramp(0))
    writer.add_tensor("last", ramp(8))


def bases() -> list[Path]:
    OUT.mkdir(exist_ok=True)
    write("vocabulary.gguf", "qwen2", vocabulary)
    write("two_tensors.gguf", "llama", two_tensors)
    as_version_2("two_tensors.gguf")
    write("close_together.gguf", "gpt2", close_together)
    write("block_types.gguf", "phi3", block_types)
    write("whole_after_split.gguf", "qwen2", whole_after_split)
    write("nothing.gguf", None, lambda writer: None)
    names = ["vocabulary", "two_tensors", "close_together", "block_types", "whole_after_split", "nothing"]
    return [OUT / f"{name}.gguf" for name in names] + [ROOT / "tests/core/gguf/data/gguf_py.gguf"]


def edit(data: bytearray, head: int, random: SplitMix64) -> None:
    """One edit. Three in four begin in the head; a number is cut where the file ends."""
    kind = KINDS[below(random, len(KINDS))]
    inside = below(random, 4) != 0
    if not data:
        return
    at = below(random, min(head, len(data)) if inside else len(data))
    if kind == "bit":
        data[at] ^= 1 << below(random, 8)
    elif kind == "byte":
        data[at] = below(random, 256)
    elif kind == "step":
        data[at] = (data[at] + (1 if below(random, 2) == 0 else 255)) & 255
    elif kind in ("u32", "u64"):
        number = struct.pack("<I", U32[below(random, len(U32))]) if kind == "u32" else \
            struct.pack("<Q", U64[below(random, len(U64))])
        fits = min(len(number), len(data) - at)
        data[at:at + fits] = number[:fits]
    elif kind == "cut":
        del data[at:]
    elif kind == "append":
        data += random.bytes(1 + below(random, 40))
    elif kind == "remove":
        del data[at:at + 1 + below(random, 16)]
    else:
        source = below(random, len(data))
        data[at:at] = data[source:source + 1 + below(random, 64)]


def mutant(files: list[tuple[bytes, int]], number: int) -> bytes:
    random = SplitMix64(SEED + number)
    data, head = files[below(random, len(files))]
    data = bytearray(data)
    for _ in range(1 + (below(random, 4) == 0)):
        edit(data, head, random)
    return bytes(data)


class Endless(BaseException):
    """More reads than the file can justify."""


class Reader(gguf.GGUFReader):
    """gguf-py's reader, which follows any count: the number of its reads is limited."""

    def _get(self, *args, **kwargs):
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps > STEPS:
            raise Endless
        return super()._get(*args, **kwargs)


def digest(reader: gguf.GGUFReader) -> int:
    """FNV-1a over what was read: keys, types, values, then names, types, shapes, data. Lengths are u64, ids u32."""
    state = fnv1a(b"")

    def put(data: bytes) -> None:
        nonlocal state
        state = fnv1a(data, state)

    def put_text(data: bytes) -> None:
        put(struct.pack("<Q", len(data)) + data)

    for name, field in reader.fields.items():
        if name.startswith("GGUF."):
            continue
        put_text(name.encode())
        put(struct.pack("<I", field.types[0] if field.types else 0))
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            put(bytes(field.parts[3]) + bytes(field.parts[4]))  # element type, count
            for part in field.parts[5:]:
                put(part.tobytes())
        else:
            for part in field.parts[3:]:
                put(part.tobytes())
    for tensor in reader.tensors:
        put_text(tensor.name.encode())
        put(struct.pack("<I", tensor.tensor_type))
        for dim in tensor.shape:
            put(struct.pack("<Q", int(dim)))
        put(tensor.data.tobytes())
    return state


def verdict(path: str) -> str:
    """"-" refused, "~" no answer within STEPS, else the digest of what was read, folded to 32 bits."""
    try:
        reader = Reader(path)
        state = digest(reader)
    except Endless:
        return "~"
    except Exception:  # whatever it raises: the file was not read
        return "-"
    return f"{(state ^ state >> 32) & 0xFFFFFFFF:08x}"


def main() -> None:
    warnings.simplefilter("ignore")
    files = []
    paths = bases()
    for path in paths:
        data = path.read_bytes()
        files.append((data, min(int(gguf.GGUFReader(path).data_offset), len(data))))
    state, verdicts = fnv1a(b""), []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "mutant.gguf")
        for number in range(MUTANTS):
            data = mutant(files, number)
            state = fnv1a(data, state)
            Path(path).write_bytes(data)
            verdicts.append(verdict(path))
    rows = [" ".join(verdicts[i:i + 12]) for i in range(0, MUTANTS, 12)]
    result = {"reader": f"gguf-py {metadata.version('gguf')}", "seed": SEED,
              "mutants": MUTANTS, "fnv": f"{state:016x}",
              "bases": [{"path": path.relative_to(ROOT).as_posix(), "head": head}
                        for path, (_, head) in zip(paths, files)], "verdicts": rows}
    (OUT / "verdicts.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    accepted = sum(v not in "-~" for v in verdicts)
    print(f"{MUTANTS} mutants: {accepted} read, {verdicts.count('-')} refused, {verdicts.count('~')} without answer")


if __name__ == "__main__":
    main()
