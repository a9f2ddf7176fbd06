"""Makes golden/tokens/NAME.jsonl: texts and their ids by Hugging Face tokenizers.

  python3 golden/make/tokens.py                                                   golden/tiny/tokenizer.json, NAME tiny
  python3 golden/make/tokens.py --tokenizer golden/haiku/tokenizer.json --name haiku

A line is {"text", "ids", "decoded"}; the text of a special token becomes its id; decoded is Hugging Face's decode of
the ids with special tokens kept. It equals the text in NFC, which is checked here.
"""

import argparse
import json
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer

import texts

GOLDEN = Path(__file__).resolve().parent.parent


def vocabulary_texts(tokenizer: Tokenizer, words: int = 12) -> list[str]:
    """Every token that is text of its own, a few a line, so that merges of every depth are exercised."""
    tokens = [tokenizer.decode([i], skip_special_tokens=False) for i in range(tokenizer.get_vocab_size())]
    tokens = [t for t in tokens if "\ufffd" not in t]
    return ["".join(tokens[i : i + words]) for i in range(0, len(tokens), words)] + [t for t in tokens if len(t) > 5]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=Path, default=GOLDEN / "tiny" / "tokenizer.json")
    parser.add_argument("--name", default="tiny")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    lines, used = [], set()
    for text in dict.fromkeys(texts.all_texts() + vocabulary_texts(tokenizer)):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        if unicodedata.normalize("NFC", decoded) != unicodedata.normalize("NFC", text):
            raise RuntimeError(f"{text!r} decodes to {decoded!r}")
        used |= set(ids)
        lines.append(json.dumps({"text": text, "ids": ids, "decoded": decoded}, ensure_ascii=True))
    target = GOLDEN / "tokens" / f"{args.name}.jsonl"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{target.name}: {len(lines)} texts, {len(used)} of {tokenizer.get_vocab_size()} ids seen")


if __name__ == "__main__":
    main()
