"""Verse templates and their expansion into lines of an exact number of syllables.

A topic file (verses/*.txt) holds named lists and templates. In a template `{m}` is the minute word, `[a|b]` a choice,
`<name>` a named list, `x~y` singular and plural, ` / ` the line break. The first word gives its form:

  a   season line, then 7 and 5 syllables holding the minute      t   time line with the minute, then 7 and 5
  b   5 and 7 syllables holding the minute, then a season line

`z` after it means: only for zero; `@wi,sp`: only with lines of these seasons. A choice is free in length; the expansion
keeps what fits, so one template serves minute words of one to four syllables.
"""

import functools
import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path

import minutes
from syllables import Counter, words

VERSES = Path(__file__).parent / "verses"
SEASONS = ("spring", "summer", "autumn", "winter")
TARGETS = {"a": (7, 5), "b": (5, 7), "t": (7, 5)}
KINDS = {"zero": 2, "one": 1, "1": 1, "2": 2, "3": 3, "4": 4}
STOP = set("a an the of in on at and then to into over under through from with by first last still no for".split())
CHOICES = 36


@dataclass
class Template:
    """One handwritten pair of lines."""

    form: str
    only_zero: bool
    seasons: tuple[str, ...]
    lines: list[str]

    @property
    def counts(self) -> bool:
        """True when the minute word counts things, so that zero has no place in it."""
        return any("~" in line for line in self.lines)


@dataclass
class Topic:
    """A topic with its templates."""

    name: str
    slug: str
    templates: list[Template]
    lists: dict[str, list[str]]
    seasons: tuple[str, ...] = SEASONS
    avoid: set[str] = field(default_factory=set)


def alternatives(text: str, lists: dict[str, list[str]]) -> list[str]:
    """Every reading of a line's choices."""
    parts = re.split(r"(\[[^\]]*\]|<\w+>)", text)
    options = []
    for part in parts:
        if part.startswith("["):
            options.append(part[1:-1].split("|"))
        elif part.startswith("<"):
            options.append(lists[part[1:-1]])
        else:
            options.append([part])
    readings = (re.sub(r"\s+", " ", "".join(p)).strip() for p in itertools.product(*options))
    return [re.sub(r"\s+([,:;])", r"\1", r) for r in readings]


def echoes(line: str) -> bool:
    """True for a line such as "sleepy cats sleep": two words with the same beginning."""
    stems = [w[:4] for w in words(line) if len(w) > 3 and w not in STOP]
    return len(stems) != len(set(stems))


def agree(line: str, kind: str) -> str:
    """Singular for one, plural otherwise."""
    return re.sub(r"([\w']+)~([\w']+)", r"\1" if kind == "one" else r"\2", line)


class Grammar:
    """All topics, expanded."""

    def __init__(self, lexicon: dict[str, int] | None = None) -> None:
        self.counter = Counter(lexicon)
        self.fragments, self.time = self._common()
        self.topics = {}
        for path in sorted(VERSES.glob("*.txt")):
            if path.stem != "common":
                topic = read_topic(path)
                self.topics[topic.name] = topic

    def _common(self) -> tuple[dict[str, list[str]], list[str]]:
        lists: dict[str, list[str]] = {}
        for line in (VERSES / "common.txt").read_text().splitlines():
            if line.startswith("  "):
                current.append(line.strip())
            elif not line.startswith("#"):
                current = lists.setdefault(line, [])
        return {s: lists[s] for s in SEASONS}, lists["time"]

    def fits(self, text: str, kind: str, target: int) -> bool:
        """True when the line, its minute word included, has the target number of syllables."""
        return self.counter.line(text.replace("{m}", "")) + KINDS[kind] * text.count("{m}") == target

    def expand(self, line: str, lists: dict[str, list[str]], kind: str, target: int) -> list[str]:
        """The readings of a line that have the target number of syllables, at most as many as a nonce character."""
        found = [agree(r, kind) for r in alternatives(line, lists)]
        fitting = [r for r in dict.fromkeys(found) if self.fits(r, kind, target)
                   and (len(found) == 1 or not echoes(r))]
        step = max(1, -(-len(fitting) // CHOICES))
        return fitting[::step]

    @functools.cache
    def bodies(self, topic_name: str, kind: str) -> list[tuple[Template, list[list[str]]]]:
        """The templates usable for a kind of minute, with the expansions of their lines; time lines come half as often."""
        topic = self.topics[topic_name]
        usable = []
        for template in topic.templates:
            if template.only_zero != (kind == "zero") and (template.only_zero or template.counts):
                continue
            lines = [self.expand(line, topic.lists, kind, n) for line, n in zip(template.lines, TARGETS[template.form])]
            if template.form == "t":
                lines.insert(0, [r for r in (agree(t, kind) for t in self.time_lines(kind)) if self.fits(r, kind, 5)])
            if all(lines):
                usable += [(template, lines)] * (1 if template.form == "t" else 2)
        return usable

    def time_lines(self, kind: str) -> list[str]:
        """Time lines that can name this kind of minute; nothing is zero minutes past."""
        return [t for t in self.time if not ("past" in t and kind == "zero")]

    @functools.cache
    def season_lines(self, topic_name: str, index: int, kind: str) -> list[list[str]]:
        """By season, the lines that repeat no word of the template and none the topic avoids."""
        topic = self.topics[topic_name]
        template, lines = self.bodies(topic_name, kind)[index]
        taken = set(itertools.chain.from_iterable(words(r) for line in lines for r in line)) - STOP
        taken |= topic.avoid
        allowed = []
        for season in topic.seasons:
            if not template.seasons or season[:2] in template.seasons:
                allowed.append([f for f in self.fragments[season] if not taken & set(words(f))])
        return [lines for lines in allowed if lines]


def read_topic(path: Path) -> Topic:
    """Reads one topic file."""
    topic = Topic("", path.stem, [], {})
    for line in path.read_text().splitlines():
        head, _, rest = line.partition(" ")
        if head == "topic":
            topic.name = rest
        elif head == "seasons":
            topic.seasons = tuple(rest.split())
        elif head == "avoid":
            topic.avoid = set(rest.split())
        elif rest.startswith("= "):
            topic.lists[head] = rest[2:].split("|")
        elif line and not line.startswith("#"):
            form, _, seasons = head.partition("@")
            topic.templates.append(Template(form[0], form.endswith("z"), tuple(seasons.split(",")) if seasons else (),
                                            rest.split(" / ")))
    return topic


def value(character: str) -> int:
    """a-z are 0..25, digits 26..35."""
    return ord(character) - ord("a") if character.isalpha() else 26 + int(character)


def pick(options: list, first: str, second: str = "a") -> object:
    """The option that a nonce character chooses; where there are more than 36, the second one helps."""
    return options[(value(first) * CHOICES + value(second)) * len(options) // CHOICES**2]


def poem(grammar: Grammar, topic: str, minute: int, nonce: str) -> str:
    """The poem that a prompt calls for: each choice is made by one character of the nonce, counted from its end."""
    word = minutes.NAMES[minute]
    kind = minutes.kind(minute, grammar.counter.line(word))
    bodies = grammar.bodies(topic, kind)
    template, lines = body = pick(bodies, nonce[7], nonce[1])
    chosen = [pick(options, c) for options, c in zip(lines, (nonce[4], nonce[3], nonce[2]))]
    if template.form == "t":
        chosen[0] += " —"
    else:
        season = pick(grammar.season_lines(topic, bodies.index(body), kind), nonce[5])
        fragment = pick(season, nonce[6])
        chosen = [fragment + " —", *chosen] if template.form == "a" else [chosen[0], chosen[1] + " —", fragment]
    return "\n".join(chosen).replace("{m}", word)


def prompt(topic: str, minute: int, nonce: str) -> str:
    """The user message."""
    return f'Write a haiku about {topic} that includes the word "{minutes.NAMES[minute]}" (nonce: {nonce})'
