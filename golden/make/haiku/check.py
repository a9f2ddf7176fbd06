"""Checks the handwritten verses before anything is trained on them."""

import math
import sys

from grammar import KINDS, Grammar



def template_faults(grammar: Grammar) -> list[str]:
    """Templates that fit no kind of minute, lines of the wrong length, and number words outside the minute's place."""
    found = []
    for season, lines in grammar.fragments.items():
        found += [f"{season}: {grammar.counter.line(f)} syllables: {f}" for f in lines if grammar.counter.line(f) != 5]
    for topic in grammar.topics.values():
        used = {id(t) for kind in KINDS for t, _ in grammar.bodies(topic.name, kind)}
        found += [f"{topic.name}: never fits: {t.lines}" for t in topic.templates if id(t) not in used]
    return found


def poems(grammar: Grammar, topic: str, kind: str, index: int) -> int:
    """How many poems one couplet gives for one minute."""
    template, lines = grammar.bodies(topic, kind)[index]
    couplets = math.prod(len(options) for options in lines)
    return couplets * (1 if template.form == "t" else sum(map(len, grammar.season_lines(topic, index, kind))))


def table(grammar: Grammar) -> str:
    """How many couplets and poems each topic has for one minute, by kind of minute."""
    rows = []
    for name in grammar.topics:
        cells = []
        for kind in KINDS:
            bodies = grammar.bodies(name, kind)
            first = [i for i, body in enumerate(bodies) if body not in bodies[:i]]
            total = sum(poems(grammar, name, kind, i) for i in first)
            cells.append(f"{kind}: {len(first)}/{total}")
        rows.append(f"{name:20} " + "  ".join(cells))
    return "\n".join(rows)


def main() -> int:
    """Prints the table and every fault; exit status 1 when there is a fault."""
    grammar = Grammar()
    found = template_faults(grammar)
    print(table(grammar))
    found += [f"count unknown or ambiguous: {w} {c}" for w, c in sorted(grammar.counter.unknown.items())]
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
