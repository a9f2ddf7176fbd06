#!/usr/bin/env python3
"""Writes nfc.txt: 600 strings and their normal form C by Python's unicodedata, both as UTF-8 in hex.

Only characters that Unicode 14 has assigned, so that any library of that age or newer agrees.
    python3 make_nfc.py > nfc.txt
"""
import random
import unicodedata

assert unicodedata.unidata_version >= "14.0.0"
rng = random.Random(20220914)
assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs")]
marks = [c for c in assigned if unicodedata.combining(c)]
composed = [c for c in assigned if unicodedata.decomposition(c) and not unicodedata.decomposition(c).startswith("<")]
jamo = [chr(c) for c in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3))]
ascii_ = [chr(c) for c in range(0x20, 0x7F)]
pools = [marks, composed, jamo, ascii_, assigned]

for _ in range(600):
    text = "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 9)))
    if rng.random() < 0.5:
        text = unicodedata.normalize("NFD", text)
    print(text.encode().hex(), unicodedata.normalize("NFC", text).encode().hex())
