"""Makes golden/encoded_k.json: hashes of the blocks of 256 values that the rule of core/quant/encode.h gives.

No other quantiser has that rule, so this is its second implementation, in numpy. What it packs must decode, by gguf-py
where that has the format, to what its scales and codes say, or nothing is written. golden/README.md describes the file.
"""

import json
from pathlib import Path

import gguf
import numpy as np

from splitmix import SplitMix64, fnv1a

FILE = Path(__file__).resolve().parent.parent / "encoded_k.json"
COUNT = 600
SEED = 0x6B69676F00002000  # "kigo"
LARGEST_HALF = 65504.0


def values() -> np.ndarray:
    """Blocks of 256 float32, each of eight parts of 32 that are not far from each other in magnitude."""
    data = np.frombuffer(SplitMix64(SEED).bytes(COUNT * 8 * 66), dtype=np.uint8).reshape(COUNT, 8, 66)
    whole = data[:, :, 2:].copy().view("<i2").astype(np.float32)
    part, block = data[:, :, 1:2], data[:, :1, 1:2]
    whole += np.float32(98304) * (part & 1)
    whole[part[:, :, 0] < 8] = 0
    whole = np.where(part & 2, -whole, whole)
    whole = np.where(block & 4, np.abs(whole), whole)
    whole[block[:, 0, 0] < 8] = 0
    power = data[:, :1, 0:1] % 40 - 41.0 + data[:, :, 0:1] // 64
    return (whole * np.exp2(power)).astype(np.float32).reshape(COUNT, 256) + np.float32(0)  # no zero is negative


def half_below(value: float) -> np.float16:
    """The largest half that is not above value, or above it by 2^-16 of it at most."""
    assert 0 <= value <= LARGEST_HALF
    limit = value * (1 + 2.0**-16)
    half = np.float16(min(limit, LARGEST_HALF))
    return np.nextafter(half, np.float16(0)) if float(half) > limit else half


def whole_below(ratio: float, last: int) -> int:
    return min(last, int(ratio + 2.0**-8))


def nearest_code(x: float, scale: float, first: int, last: int) -> int:
    if scale == 0:
        return 0
    ratio = x / scale
    whole = np.trunc(ratio)
    if abs(ratio - whole) >= 0.5:  # half way: away from zero
        whole += np.sign(ratio)
    return int(min(max(whole, first), last))


def from_minimum(x, parts: int, last_code: int, last_scale: int):
    """value = d scale code - dmin minimum"""
    own = np.array_split(x, parts)
    below = [max(0.0, -part.min()) for part in own]
    dmin = half_below(max(below) / last_scale)
    minimum = [whole_below(b / float(dmin), last_scale) if dmin else 0 for b in below]
    step = [max(0.0, (part.max() + float(dmin) * m) / last_code) for part, m in zip(own, minimum)]
    d = half_below(max(step) / last_scale)
    scale = [whole_below(s / float(d), last_scale) if d else 0 for s in step]
    code = [nearest_code(v + float(dmin) * m, float(d) * s, 0, last_code)
            for part, s, m in zip(own, scale, minimum) for v in part]
    return d, dmin, np.array(scale), np.array(minimum), np.array(code)


def signed(x, parts: int, codes: int, scales: int):
    """value = d scale code; the largest magnitude has the lowest code, the largest scale is the lowest"""
    own = np.array_split(x, parts)
    step = [part[np.argmax(abs(part))] / -codes for part in own]
    largest = step[np.argmax(np.abs(step))]
    d = half_below(abs(largest) / scales)
    d = -d if largest > 0 else d
    scale = []
    for s in step:
        ratio = s / float(d) if d else 0.0
        scale.append(-whole_below(-ratio, scales) if ratio < 0 else whole_below(ratio, scales - 1))
    code = [nearest_code(v, float(d) * s, -codes, codes - 1) for part, s in zip(own, scale) for v in part]
    return d, np.array(scale), np.array(code)


def packed(fields, step_bits: int):
    """Along the last axis but one: field k at bit k * step_bits."""
    shifts = np.arange(fields.shape[-2]) * step_bits
    return (fields << shifts[:, None]).sum(axis=-2).astype(np.uint8).tobytes()


def bytes_of(*numbers) -> bytes:
    return b"".join(np.asarray(n).tobytes() for n in numbers)


def six_bit_pairs(scale, minimum) -> bytes:
    low = lambda s: s[:4] | s[4:] >> 4 << 6
    return bytes_of(*(np.uint8(v) for v in (low(scale), low(minimum), scale[4:] & 15 | (minimum[4:] & 15) << 4)))


def q2_k(x):
    d, dmin, scale, minimum, code = from_minimum(x, 16, 3, 15)
    block = np.uint8(scale | minimum << 4).tobytes() + packed(code.reshape(2, 4, 32), 2) + bytes_of(d, dmin)
    return block, float(d) * scale.repeat(16) * code - float(dmin) * minimum.repeat(16)


def q3_k(x):
    d, scale, code = signed(x, 16, 4, 32)
    stored, raised = scale + 32, code + 4
    low = packed((stored & 15).reshape(2, 8), 4)
    high = packed((stored >> 4).reshape(4, 4), 2)
    block = packed((raised >> 2).reshape(8, 32), 1) + packed((raised & 3).reshape(2, 4, 32), 2) + low + high + bytes_of(d)
    return block, float(d) * scale.repeat(16) * code


def q4_k(x):
    d, dmin, scale, minimum, code = from_minimum(x, 8, 15, 63)
    block = bytes_of(d, dmin) + six_bit_pairs(scale, minimum) + packed(code.reshape(4, 2, 32), 4)
    return block, float(d) * scale.repeat(32) * code - float(dmin) * minimum.repeat(32)


def q5_k(x):
    d, dmin, scale, minimum, code = from_minimum(x, 8, 31, 63)
    block = bytes_of(d, dmin) + six_bit_pairs(scale, minimum) + packed((code >> 4).reshape(8, 32), 1)
    block += packed((code & 15).reshape(4, 2, 32), 4)
    return block, float(d) * scale.repeat(32) * code - float(dmin) * minimum.repeat(32)


def q6_k(x):
    d, scale, code = signed(x, 16, 32, 128)
    raised = code + 32
    low = (raised & 15).reshape(2, 2, 2, 32)  # half, nibble, 32 bytes of two, byte
    block = packed(low.transpose(0, 2, 1, 3), 4) + packed((raised >> 4).reshape(2, 4, 32), 2)
    return block + np.int8(scale).tobytes() + bytes_of(d), float(d) * scale.repeat(16) * code


def q8_k(x):
    """A scale of sixteen bits."""
    fraction, exponent = np.frexp(x[np.argmax(abs(x))] / -127)
    whole = np.ldexp(fraction, 16)
    whole = np.trunc(whole) + np.sign(whole) * (abs(whole - np.trunc(whole)) >= 0.5)
    d = np.float32(np.ldexp(whole, exponent - 16))
    if whole == 0:
        d = np.float32(-0.0)  # 0 / -127
    code = np.array([nearest_code(v, float(d), -127, 127) for v in x])
    return bytes_of(d, np.int8(code), np.int16(code.reshape(16, 16).sum(axis=1))), None


def main() -> None:
    x = values()
    formats = {}
    for encode in (q2_k, q3_k, q4_k, q5_k, q6_k, q8_k):
        name = encode.__name__.upper()
        hashed = fnv1a(b"")
        for block in x.astype(np.float64):
            encoded, decoded = encode(block)
            hashed = fnv1a(encoded, hashed)
            if decoded is not None:
                by_gguf = gguf.dequantize(np.frombuffer(encoded, np.uint8), gguf.GGMLQuantizationType[name])
                if not np.allclose(by_gguf, decoded, rtol=1e-6, atol=1e-6 * abs(decoded).max()):
                    raise RuntimeError(f"{name}: not packed as gguf-py unpacks")
        formats[name] = f"{hashed:016x}"
    golden = {"seed": f"{SEED:016x}", "count": COUNT, "values_fnv": f"{fnv1a(x.tobytes()):016x}", "blocks_fnv": formats}
    FILE.write_text(json.dumps(golden, indent=1) + "\n")
    print(golden)


if __name__ == "__main__":
    main()
