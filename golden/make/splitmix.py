"""SplitMix64: the one source of pseudo-random numbers that Python and C++ both write down the same way.

Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014), gamma 0x9E3779B97F4A7C15.
"""

MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, seed: int):
        self.state = seed & MASK

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def bytes(self, count: int) -> bytes:
        """The outputs as little-endian bytes one after another; the last output is cut, and used up."""
        words = (count + 7) // 8
        return b"".join(self.next().to_bytes(8, "little") for _ in range(words))[:count]


def fnv1a(data: bytes, state: int = 0xCBF29CE484222325) -> int:
    """64-bit FNV-1a; pass the result of one call as the state of the next to hash a longer stream."""
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state
