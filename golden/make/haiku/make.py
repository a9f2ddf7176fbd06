#!/usr/bin/env python3
"""Makes the embedded haiku model: verses -> tokenizer -> training -> GGUF -> llama.cpp's Q4_K_M -> measurement.

    python3 golden/make/haiku/make.py --all                      everything, on the GPU PyTorch finds
    python3 golden/make/haiku/make.py export quantise evaluate   the steps named
    python3 golden/make/haiku/make.py variants                   F32 and F16 from the committed file's decoded values

Work files go to --work (default build/haiku). The steps `verses` and `quantise` overwrite files in golden/haiku.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODEL = ROOT / "golden" / "haiku" / "haiku-q4_k_m.gguf"


def verses(args: argparse.Namespace) -> None:
    """Checks the verses and writes lexicon.tsv, topics.txt and unseen.tsv."""
    import check
    import corpus
    if check.main():
        raise SystemExit("the verses have faults")
    corpus.write_tables()


def tokenizer(args: argparse.Namespace) -> None:
    """Trains the tokenizer on the verses."""
    import tokenizer as tok
    tok.train()


def train(args: argparse.Namespace) -> None:
    """Trains in a process of its own, so that the corpus is made before a GPU library is loaded."""
    command = [sys.executable, str(HERE / "train.py"), "--out", str(args.work), "--device", args.device,
               "--seconds", str(args.seconds), "--samples", str(args.samples), "--batch", str(args.batch)]
    subprocess.run(command, check=True)


def export(args: argparse.Namespace) -> None:
    """Writes the trained weights as F32 GGUF."""
    import export as out
    out.write_f32(out.read_weights(args.work), args.work / "haiku-trained-f32.gguf")


def quantise(args: argparse.Namespace) -> None:
    """llama.cpp's Q4_K_M of the trained weights: the file that is committed."""
    import export as out
    out.quantise(args.work / "haiku-trained-f32.gguf", MODEL)


def variants(args: argparse.Namespace) -> None:
    """F32 and F16 files with the decoded values of the committed file."""
    import export as out
    args.work.mkdir(parents=True, exist_ok=True)
    for kind in ("f32", "f16"):
        out.expand(MODEL, args.work / f"haiku-{kind}.gguf", kind)


def evaluate(args: argparse.Namespace) -> None:
    """Measures the committed file on the CPU; exit status 1 when it misses the acceptance figures."""
    import evaluate as ev
    report = ev.measure(ev.load_gguf(MODEL), seed=args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    (args.work / "measurement.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report["summary"], indent=1), *report["wrong"], sep="\n")
    missed = ev.missed(report)
    if missed:
        raise SystemExit("\n".join(missed))


def samples(args: argparse.Namespace) -> None:
    """Prints the 20 poems of the README: topic i of topics.txt, minute 3i, nonces from random.Random(5)."""
    import random
    import corpus
    import evaluate as ev
    draw = random.Random(5)
    cases = [(topic, 3 * i, corpus.nonce(draw)) for i, topic in enumerate(corpus.topics()[:20])]
    for r in ev.judge_all(ev.load_gguf(MODEL), cases, "cpu"):
        print(f"{r['topic']}, {r['minute']}, `{r['nonce']}`\n```\n{r['poem']}\n```")


STEPS = {step.__name__: step for step in (verses, tokenizer, train, export, quantise, variants, evaluate, samples)}


def main() -> None:
    """Runs the steps asked for, in the order of making."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--all", action="store_true", help="every step")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "haiku")
    parser.add_argument("--device", default="cuda", help="for training: cuda or cpu")
    parser.add_argument("--seconds", type=float, default=220, help="training time")
    parser.add_argument("--samples", type=int, default=4_000_000, help="poems in the training corpus")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=2026, help="of the measuring prompts")
    args = parser.parse_args()
    unknown = [s for s in args.steps if s not in STEPS]
    if unknown or not (args.steps or args.all):
        parser.error(f"unknown steps: {' '.join(unknown)}" if unknown else "name a step, or --all")
    sys.path.insert(0, str(HERE))
    for name, step in STEPS.items():
        if args.all or name in args.steps:
            print(f"== {name}", flush=True)
            step(args)


if __name__ == "__main__":
    main()
