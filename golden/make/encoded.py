"""Makes golden/encoded.json: hashes of the blocks that gguf-py's quantisers make of pseudo-random values.

Only the formats of 32 values: gguf-py has no quantiser for K formats. ggml's own have to give the same bytes, or
nothing is written. golden/README.md describes the file and how the values are made.
"""

import ctypes
import json
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

from splitmix import SplitMix64, fnv1a

FILE = Path(__file__).resolve().parent.parent / "encoded.json"
COUNT = 4_000
SEED = 0x6B69676F00001000  # "kigo"
GGML = ctypes.CDLL(str(Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"))
FORMATS = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"]


def values() -> np.ndarray:
    """Blocks of 32 float32: whole numbers times a power of two, every other block around 3 times 2^15."""
    data = np.frombuffer(SplitMix64(SEED).bytes(COUNT * 66), dtype=np.uint8).reshape(COUNT, 66)
    whole = data[:, 2:].copy().view("<i2").astype(np.float32) + np.float32(98304) * (data[:, 1:2] & 1)
    whole[data[:, 1] < 8] = 0
    return (whole * np.exp2(data[:, 0:1] % 40 - 41.0)).astype(np.float32)


def encode_by_ggml(x: np.ndarray, name: str) -> bytes:
    """The second opinion."""
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    out = ctypes.create_string_buffer(len(x) * size)
    row = np.ascontiguousarray(x).ctypes.data_as(ctypes.c_void_p)
    getattr(GGML, f"quantize_row_{name.lower()}_ref")(row, out, ctypes.c_int64(x.size))
    return out.raw


def main() -> None:
    x = values()
    formats = {}
    for name in FORMATS:
        encoded = gguf.quantize(x, gguf.GGMLQuantizationType[name]).tobytes()
        if encoded != encode_by_ggml(x, name):
            raise RuntimeError(f"{name}: gguf-py and ggml encode differently")
        formats[name] = f"{fnv1a(encoded):016x}"
    golden = {"seed": f"{SEED:016x}", "count": COUNT, "values_fnv": f"{fnv1a(x.tobytes()):016x}", "blocks_fnv": formats}
    FILE.write_text(json.dumps(golden, indent=1) + "\n")
    print(golden)


if __name__ == "__main__":
    main()
