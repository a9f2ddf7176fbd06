"""Makes golden/blocks/: pseudo-random blocks of every weight format, decoded by gguf-py, as hashes and samples.

Block k of a format is bytes [k * size, (k + 1) * size) of one SplitMix64 stream. All bytes are arbitrary, scales too,
so infinite and NaN results occur; before hashing, -0 becomes +0 and every NaN becomes 0x7fc00000: the two freedoms of a
decoder. ggml's C decoders have to give the same bits, or nothing is written; Q8_K, which gguf-py cannot decode, is
ggml's alone. golden/README.md describes the files.
"""

import ctypes
import json
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

from splitmix import SplitMix64, fnv1a

FOLDER = Path(__file__).resolve().parent.parent / "blocks"
COUNT = 10_000
GROUP = 1_000
SAMPLES = 16
SEED = 0x6B69676F00000000  # "kigo", then the type id
GGML = ctypes.CDLL(str(Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"))
FORMATS = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K"]
ONLY_GGML = {"Q8_K"}


def canonical_bits(values: np.ndarray) -> np.ndarray:
    bits = values.astype("<f4").view("<u4").copy()
    bits[values == 0] = 0
    bits[np.isnan(values)] = 0x7FC00000
    return bits


def decode(data: bytes, kind: gguf.GGMLQuantizationType) -> np.ndarray:
    """Canonical bits [blocks, values], decoded by gguf-py."""
    values, size = gguf.GGML_QUANT_SIZES[kind]
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, size)
    if kind == gguf.GGMLQuantizationType.F16:
        rows = rows.view("<f2")  # gguf-py takes halves as halves, every other type as bytes
    with np.errstate(all="ignore"):
        return canonical_bits(gguf.dequantize(rows, kind).reshape(-1, values))


def decode_by_ggml(data: bytes, name: str, values: int) -> np.ndarray:
    """Canonical bits [blocks, values] by the C decoder of the same name: the second opinion."""
    function = {"F16": "ggml_fp16_to_fp32_row", "BF16": "ggml_bf16_to_fp32_row"}.get(name)
    function = getattr(GGML, function or f"dequantize_row_{name.lower().replace('_k', '_K')}")
    blocks = len(data) // gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    out = np.empty((blocks, values), dtype=np.float32)
    function(data, out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(out.size))
    return canonical_bits(out)


def hashed(bits: np.ndarray) -> str:
    return f"{fnv1a(bits.tobytes()):016x}"


def make(name: str) -> dict:
    kind = gguf.GGMLQuantizationType[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    seed = SEED + int(kind)
    data = SplitMix64(seed).bytes(COUNT * size)
    by_ggml = decode_by_ggml(data, name, values)
    bits = by_ggml if name in ONLY_GGML else decode(data, kind)
    if not np.array_equal(bits, by_ggml):
        raise RuntimeError(f"{name}: gguf-py and ggml decode differently")
    samples = [
        {
            "block": k,
            "bytes": data[k * size : (k + 1) * size].hex(),
            "bits": " ".join(f"{b:08x}" for b in bits[k]),
        }
        for k in range(0, COUNT, COUNT // SAMPLES)
    ]
    golden = {
        "format": name,
        "gguf_id": int(kind),
        "values": values,
        "bytes": size,
        "generator": "splitmix64",
        "seed": f"{seed:016x}",
        "count": COUNT,
        "fnv": hashed(bits),
        "group": GROUP,
        "group_fnv": [hashed(bits[k : k + GROUP]) for k in range(0, COUNT, GROUP)],
    }
    if size == 2:  # small enough for every pattern, in the order of the pattern as a number
        golden["every_pattern_fnv"] = hashed(decode(np.arange(65536, dtype="<u2").tobytes(), kind))
    return golden | {"samples": samples}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in FORMATS:
        golden = make(name)
        head = json.dumps({k: v for k, v in golden.items() if k != "samples"}, indent=1)[:-2]
        lines = ",\n  ".join(json.dumps(s) for s in golden["samples"])
        (FOLDER / f"{name.lower()}.json").write_text(f'{head},\n "samples": [\n  {lines}\n ]\n}}\n')
        print(name, golden["fnv"])


if __name__ == "__main__":
    main()
