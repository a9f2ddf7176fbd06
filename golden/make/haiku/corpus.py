"""Topics, held-out pairs, lexicon, and the stream of prompts and poems the model is trained on."""

import random
import string
from pathlib import Path

import minutes
from grammar import Grammar, KINDS, poem, prompt
from syllables import read_lexicon

GOLDEN = Path(__file__).resolve().parents[2] / "haiku"
DEFAULT_TOPIC = "GPU computing"
HELD_OUT_PER_TOPIC = 14
NONCE = string.ascii_lowercase + string.digits


def held_out(topics: list[str]) -> list[tuple[str, str]]:
    """Pairs never trained on: 14 minutes of 2..59 for each topic but the default one (zero and one have no like)."""
    draw = random.Random(575)
    return [(t, minutes.NAMES[m]) for t in topics if t != DEFAULT_TOPIC
            for m in sorted(draw.sample(range(2, 60), HELD_OUT_PER_TOPIC))]


def write_tables() -> Grammar:
    """Expands all verses with CMUdict and writes lexicon.tsv, topics.txt and unseen.tsv."""
    grammar = Grammar()
    for name in grammar.topics:
        for kind in KINDS:
            for index in range(len(grammar.bodies(name, kind))):
                grammar.season_lines(name, index, kind)
    for line in [*minutes.NAMES, *(f for season in grammar.fragments.values() for f in season)]:
        grammar.counter.line(line)
    topics = [DEFAULT_TOPIC] + sorted(t for t in grammar.topics if t != DEFAULT_TOPIC)
    used = vocabulary(grammar)
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / "lexicon.tsv").write_text("".join(f"{w}\t{grammar.counter.word(w)}\n" for w in sorted(used)))
    (GOLDEN / "topics.txt").write_text("".join(t + "\n" for t in topics))
    (GOLDEN / "unseen.tsv").write_text("".join(f"{t}\t{m}\n" for t, m in held_out(topics)))
    return grammar


def vocabulary(grammar: Grammar) -> set[str]:
    """Every word the verses name, also in readings that never fit a line, and the minutes."""
    return set(grammar.counter.table) | set(minutes.NAMES)


def read_grammar() -> Grammar:
    """The grammar with the committed lexicon in place of CMUdict."""
    return Grammar(read_lexicon(GOLDEN / "lexicon.tsv"))


def topics() -> list[str]:
    """The committed topics, the default one first."""
    return (GOLDEN / "topics.txt").read_text().splitlines()


def unseen() -> set[tuple[str, str]]:
    """The committed held-out pairs (topic, minute word)."""
    return {tuple(line.split("\t")) for line in (GOLDEN / "unseen.tsv").read_text().splitlines()}


def nonce(draw: random.Random) -> str:
    """Eight random characters of a-z 0-9."""
    return "".join(draw.choices(NONCE, k=8))


def samples(count: int, seed: int) -> list[tuple[str, str]]:
    """Prompts with their poems, none of a held-out pair; the default topic is drawn more often."""
    grammar, draw, never = read_grammar(), random.Random(seed), unseen()
    names = topics() + [DEFAULT_TOPIC] * 3
    found = []
    while len(found) < count:
        topic, minute, word = draw.choice(names), draw.randrange(60), nonce(draw)
        if draw.random() < 0.05:
            minute = draw.randrange(2)
        if (topic, minutes.NAMES[minute]) not in never:
            found.append((prompt(topic, minute, word), poem(grammar, topic, minute, word)))
    return found
