"""The acceptance rule for one poem: what kigo's haiku checks ask for."""

import re

from syllables import words

FORM = (5, 7, 5)


def faults(text: str, minute_word: str, nonce: str, ended: bool, lexicon: dict[str, int]) -> list[str]:
    """Everything wrong with a poem; empty when it is fully right."""
    found = []
    lines = text.split("\n")
    if len(lines) != 3:
        found.append(f"{len(lines)} lines, expected 3")
    unknown = [w for w in words(text) if w not in lexicon]
    found += [f"not in the lexicon: {w}" for w in unknown]
    counts = tuple(sum(lexicon.get(w, 0) for w in words(line)) for line in lines)
    if counts != FORM:
        found.append(f"syllables {counts}, expected {FORM}")
    times = words(text).count(minute_word)
    if times != 1:
        found.append(f"minute word {times} times, expected once")
    if nonce in text:
        found.append("nonce in the poem")
    if not ended:
        found.append("did not end with <|im_end|>")
    if re.search(r"\s{2}|^\s|\s$", text.replace("\n", "\0")):
        found.append("stray white space")
    return found
