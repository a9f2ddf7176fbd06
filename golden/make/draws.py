"""Writes golden/draws/draws.json: a million draws from five ids and from 151,936, by a second implementation of the contract.

  python3 golden/make/draws.py        needs numpy of requirements.txt

Sampling steps 1, 6 and 7 and the generator of docs/worker.md, section 5, in numpy: Philox4x32-10 (Salmon, Moraes, Dror,
Shaw, SC 2011), weights exp(x - max) in float64, running sums in id order. Logits are drawn by SplitMix64.
"""

import json
from pathlib import Path

import numpy as np
from splitmix import SplitMix64, fnv1a

OUT = Path(__file__).resolve().parent.parent / "draws" / "draws.json"
DRAWS = 1_000_000
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox(seed: int, index: np.ndarray) -> np.ndarray:
    """The numbers in [0, 1) of these indexes: key = seed, counter = (index, 0)."""
    counter = [index & LOW, index >> SHIFT, np.zeros_like(index), np.zeros_like(index)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = counter[0] * np.uint64(0xD2511F53), counter[2] * np.uint64(0xCD9E8D57)
        counter = [(b >> SHIFT) ^ counter[1] ^ np.uint64(key[0]), b & LOW,
                   (a >> SHIFT) ^ counter[3] ^ np.uint64(key[1]), a & LOW]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    bits = counter[0] << SHIFT | counter[1]
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def known_answers() -> None:
    """docs/worker.md, section 5: seed 42, index 0, 1, 2."""
    want = [float.fromhex(x) for x in ("0x1.39d5e0a6efea9p-1", "0x1.f9b6424ea774dp-1", "0x1.a6d8044b510ebp-1")]
    assert philox(42, np.arange(3, dtype=np.uint64)).tolist() == want


def draws(vocab: int, seed: int, temperature: float) -> dict:
    random = SplitMix64(seed)
    logits = np.array([12.0 * ((random.next() >> 11) * 2.0**-53) - 6.0 for _ in range(vocab)]).astype(np.float32)
    x = logits.astype(np.float64) / np.float64(np.float32(temperature))
    sums = np.cumsum(np.exp(x - x.max()))
    u = philox(seed, np.arange(DRAWS, dtype=np.uint64))
    ids = np.searchsorted(sums, u * sums[-1], side="right").astype("<u4")
    assert ids.max() < vocab
    return {"vocab": vocab, "seed": seed, "temperature": temperature, "draws": DRAWS,
            "uniform_fnv": f"{fnv1a(u.astype('<f8').tobytes()):016x}", "ids_fnv": f"{fnv1a(ids.tobytes()):016x}",
            "first": ids[:16].tolist()}


def main() -> None:
    known_answers()
    OUT.parent.mkdir(exist_ok=True)
    rows = [draws(5, 11, 0.8), draws(151_936, 42, 0.8)]
    text = ",\n ".join(json.dumps(row) for row in rows)
    OUT.write_text(f'{{"draws": [\n {text}\n]}}\n', encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
