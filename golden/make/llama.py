"""llama.cpp through llama-cpp-python's low-level API: its quantiser, and its logits of every position."""

import ctypes
from pathlib import Path

import llama_cpp as lib
import numpy as np


@lib.llama_log_callback
def _log(level, text, user_data):
    if level == 4:  # GGML_LOG_LEVEL_ERROR
        print("llama.cpp:", text.decode(errors="replace"), end="")


lib.llama_log_set(_log, ctypes.c_void_p(0))
lib.llama_backend_init()


def quantise(source: Path, target: Path, file_type: int, pure: bool) -> None:
    """Runs llama_model_quantize; `pure` turns the mixture off, the fallback for rows that do not fit stays."""
    params = lib.llama_model_quantize_default_params()
    params.nthread = 1
    params.ftype = file_type
    params.pure = pure
    rc = lib.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params))
    if rc != 0:
        raise RuntimeError(f"llama_model_quantize({source}): {rc}")


def logits(path: Path, prompts: list[list[int]]) -> np.ndarray:
    """float32 [all positions of all prompts, vocab]: each prompt in one batch, KV in F32, no flash attention."""
    model_params = lib.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(str(path).encode(), model_params)
    if not model:
        raise RuntimeError(f"llama.cpp cannot load {path}")
    longest = max(len(p) for p in prompts)
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = max(longest, 32)
    params.n_seq_max = 1
    params.n_threads = params.n_threads_batch = 1
    params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.type_k = params.type_v = lib.GGML_TYPE_F32
    context = lib.llama_init_from_model(model, params)
    if not context:
        raise RuntimeError(f"llama.cpp cannot make a context for {path}")
    vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    rows = [_prompt_logits(context, prompt, vocab) for prompt in prompts]
    lib.llama_free(context)
    lib.llama_model_free(model)
    return np.concatenate(rows)


def _prompt_logits(context, prompt: list[int], vocab: int) -> np.ndarray:
    lib.llama_memory_clear(lib.llama_get_memory(context), True)
    batch = lib.llama_batch_init(len(prompt), 0, 1)
    batch.n_tokens = len(prompt)
    for i, token in enumerate(prompt):
        batch.token[i], batch.pos[i], batch.logits[i] = token, i, 1
        batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
    rc = lib.llama_decode(context, batch)
    if rc != 0:
        raise RuntimeError(f"llama_decode: {rc}")
    flat = np.ctypeslib.as_array(lib.llama_get_logits(context), shape=(len(prompt), vocab)).copy()
    lib.llama_batch_free(batch)
    return flat
