"""The prompts whose logits are recorded: texts, chat messages, and seeded random ids around powers of two."""

import dataclasses

from splitmix import SplitMix64


@dataclasses.dataclass(frozen=True)
class Prompt:
    name: str
    text: str | None = None  # with chat: the user's message
    chat: bool = False
    random_ids: int = 0  # without a text: so many ids from the whole vocabulary, unused and special ones among them
    seed: int = 0

    def ids(self, vocab: int) -> list[int]:
        stream = SplitMix64(self.seed)
        return [stream.next() % vocab for _ in range(self.random_ids)]


TINY = [
    Prompt("one", "w"),
    Prompt("two", random_ids=2, seed=2),
    Prompt("text", "The frog is still."),
    Prompt("unicode", "Schnee fa\u0308llt 雪"),  # decomposed: NFC is part of the way from text to ids
    Prompt("ids16", random_ids=16, seed=16),
    Prompt("ids17", random_ids=17, seed=17),
    Prompt("chat", "A haiku?", chat=True),
    Prompt("ids33", random_ids=33, seed=33),
    Prompt("ids64", random_ids=64, seed=64),
]

HAIKU = [
    Prompt("one", "\n"),
    Prompt("two", random_ids=2, seed=2),
    Prompt("text", "The first snow falls on the pond"),
    Prompt("unicode", "Schnee fa\u0308llt 雪"),
    Prompt("ids17", random_ids=17, seed=17),
    Prompt(
        "chat_gpu",
        'Write a haiku about GPU computing that includes the word "forty-two" (nonce: a7k2qx9m)',
        chat=True,
    ),
    Prompt(
        "chat_other",
        'Write a haiku about falling snow that includes the word "seven" (nonce: 0pz3r8vt)',
        chat=True,
    ),
    Prompt("ids64", random_ids=64, seed=64),
]
