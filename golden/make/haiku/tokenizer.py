"""Trains the byte-level BPE: qwen2's pattern and NFC, ChatML specials, a few unused ids at the end."""

import re

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import corpus

VOCABULARY = 2040
PADS = 4
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
            "'<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def chat(message: str) -> str:
    """A user message in ChatML, ready for the answer."""
    return f"<|im_start|>user\n{message}<|im_end|>\n<|im_start|>assistant\n"


def pads() -> list[str]:
    """The unused ids at the end: rows of the model that the tokenizer never yields."""
    return [f"[PAD{i}]" for i in range(VOCABULARY - PADS, VOCABULARY)]


def train(texts: int = 150_000) -> None:
    """Trains on poems and prompts without their nonces and writes golden/haiku/tokenizer.json."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - PADS - len(SPECIALS), min_frequency=1, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    lines = (re.sub(r" \(nonce: \w+\)", "", p) + "\n" + poem for p, poem in corpus.samples(texts, seed=1))
    words = (corpus.GOLDEN / "lexicon.tsv").read_text().split("\n")
    tokenizer.train_from_iterator([*lines, *(f" {w.split(chr(9))[0]}\nuser\nassistant\n(nonce: )" for w in words)], trainer)
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIALS])
    if tokenizer.get_vocab_size() != VOCABULARY - PADS:
        raise SystemExit(f"tokenizer has {tokenizer.get_vocab_size()} entries, expected {VOCABULARY - PADS}")
    tokenizer.save(str(corpus.GOLDEN / "tokenizer.json"))


def load() -> Tokenizer:
    """The committed tokenizer."""
    return Tokenizer.from_file(str(corpus.GOLDEN / "tokenizer.json"))
