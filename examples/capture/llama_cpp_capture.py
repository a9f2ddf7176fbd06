"""Captures the logits of llama.cpp for `kigo compare`, through llama-cpp-python.

  llama_cpp_capture.py MODEL.gguf --tokens 1,5,9 --out capture.safetensors [--steps 2]

The Python package hands out no activations, so that is all there is: `kigo compare` then judges by logits alone. The last
--steps tokens are fed one by one. Needs llama-cpp-python, numpy and safetensors.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from llama_cpp import Llama
from safetensors.numpy import save_file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", required=True, type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=0)
    options = parser.parse_args()
    if not 0 <= options.steps < len(options.tokens):
        parser.error("--steps leaves no token for the prompt")

    room = max(32, len(options.tokens))
    llama = Llama(str(options.model), n_ctx=room, n_batch=room, n_threads=1, n_gpu_layers=0, logits_all=True, verbose=False)
    sizes = [len(options.tokens) - options.steps] + [1] * options.steps
    tensors, first = {}, 0
    for number, size in enumerate(sizes):
        llama.eval(options.tokens[first : first + size])
        name = f"call.{number}.logits" if number else "logits"
        tensors[name] = np.array(llama.scores[first : first + size], dtype=np.float32)
        first += size
    metadata = {
        "format": "kigo-capture 1",
        "engine": "llama.cpp",
        "tokens": ",".join(map(str, options.tokens)),
        "calls": ",".join(map(str, sizes)),
        "model_sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
    }
    save_file(tensors, options.out, metadata)


main()
