#!/usr/bin/env python3
"""llama.cpp's logits of every position, through llama-cpp-python: float32 [positions, vocab] as a NumPy file.

    llama_logits.py MODEL IDS OUT.npy [--flash-attention on|off]

All layers on the GPU where that build of llama.cpp has one; the last line of the output says where it ran. Keys and values
in half, its default.
"""
import argparse
import ctypes

import llama_cpp as lib
import numpy as np


@lib.llama_log_callback
def _log(level, text, user_data):
    if level == 4:  # GGML_LOG_LEVEL_ERROR
        print("llama.cpp:", text.decode(errors="replace"), end="")


def logits(path, ids, flash_attention):
    lib.llama_log_set(_log, ctypes.c_void_p(0))
    lib.llama_backend_init()
    model_params = lib.llama_model_default_params()
    model_params.n_gpu_layers = 999 if lib.llama_supports_gpu_offload() else 0
    model = lib.llama_model_load_from_file(path.encode(), model_params)
    if not model:
        raise SystemExit(f"llama.cpp cannot load {path}")
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = max(len(ids), 32)
    params.flash_attn_type = (lib.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash_attention else
                              lib.LLAMA_FLASH_ATTN_TYPE_DISABLED)
    context = lib.llama_init_from_model(model, params)
    if not context:
        raise SystemExit(f"llama.cpp cannot make a context for {path}")
    vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    batch = lib.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.logits[i] = token, i, 1
        batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
    status = lib.llama_decode(context, batch)
    if status != 0:
        raise SystemExit(f"llama_decode: {status}")
    return np.ctypeslib.as_array(lib.llama_get_logits(context), shape=(len(ids), vocab)).copy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("ids")
    parser.add_argument("out")
    parser.add_argument("--flash-attention", choices=["on", "off"], default="off")
    arguments = parser.parse_args()
    ids = [int(part) for part in arguments.ids.split(",")]
    np.save(arguments.out, logits(arguments.model, ids, arguments.flash_attention == "on").astype(np.float32))
    print("on the GPU" if lib.llama_supports_gpu_offload() else "on the CPU: this build has no GPU")


if __name__ == "__main__":
    main()
