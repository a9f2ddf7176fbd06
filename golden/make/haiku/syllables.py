"""Syllable counts of English words: CMUdict where it is unambiguous, a short reviewed table elsewhere."""

import re
from pathlib import Path

HERE = Path(__file__).parent
WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")


def words(text: str) -> list[str]:
    """The words of a text: runs of letters, joined by inner apostrophes and hyphens; lower case."""
    return WORD.findall(text.lower())


def reviewed() -> dict[str, int]:
    """Counts checked by hand: words that CMUdict lacks, or lists with two different counts."""
    rows = (line.split("\t") for line in (HERE / "reviewed.tsv").read_text().splitlines() if line[:1] != "#")
    return {word: int(count) for word, count, _why in rows}


def read_lexicon(path: Path) -> dict[str, int]:
    """The committed lexicon: word, tab, syllables."""
    return {w: int(n) for w, n in (line.split("\t") for line in path.read_text().splitlines())}


class Counter:
    """Counts syllables and collects what it cannot count. With a lexicon given, nothing else is asked."""

    def __init__(self, lexicon: dict[str, int] | None = None) -> None:
        self.table = dict(lexicon) if lexicon else reviewed()
        self.unknown: dict[str, list[int]] = {}

    def word(self, word: str) -> int:
        """Syllables of one word; an unknown or ambiguous one is recorded and counted as well as possible."""
        if word not in self.table:
            self.table[word] = self._look_up(word)
        return self.table[word]

    def _look_up(self, word: str) -> int:
        if "-" in word:
            return sum(self.word(part) for part in word.split("-"))
        import pronouncing  # only the step that makes the lexicon needs CMUdict
        counts = sorted({pronouncing.syllable_count(p) for p in pronouncing.phones_for_word(word)})
        if not counts and word.endswith("'s"):
            base = self.word(word[:-2])
            return base + (re.search(r"(s|x|z|ch|sh|ge|ce|se)$", word[:-2]) is not None)
        if len(counts) != 1:
            self.unknown[word] = counts
        return counts[0] if counts else 1

    def line(self, text: str) -> int:
        """Syllables of a line."""
        return sum(self.word(w) for w in words(text))
