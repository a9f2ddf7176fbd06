/* The worker as a C library: libkigo. Plain C11, also C++; compiles beside cuda.h. The guide is docs/ffi.md.
 *
 * In all of it:
 * - Device -1 is the CPU; 0 and up are GPUs, in a build with CUDA.
 * - A function returns its error code, or writes it to `err`, which may be NULL: 0 on success. Pointer
 *   results are then NULL. The calling thread's last failure, with a message, is in worker_last_error*().
 * - Handles that are NULL, freed or of another kind, required pointers that are NULL, and NaN are
 *   WORKER_ERR_INVALID_PARAMETER and have no effect; queries that return bytes then return 0. Free
 *   functions take NULL.
 * - What an init, load, create or start function returns is freed with its own function, in any order: a
 *   model keeps its context alive, a generation its model.
 * - Calls on one context, from any threads, run one after another; contexts are independent of each other.
 *   A callback must not call its own context: such a call is refused.
 * - Texts are UTF-8. Strings without a size end in NUL. */
#ifndef KIGO_WORKER_FFI_H
#define KIGO_WORKER_FFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WORKER_API __attribute__((visibility("default")))
#else
#define WORKER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* major << 16 | minor. Another major: another library (libkigo.so.MAJOR); a higher minor only adds. */
#define WORKER_ABI_VERSION 0x00010000u

/* Never renumbered; new ones are appended. docs/worker.md, section 4, has an example of each. */
enum {
  WORKER_OK = 0,
  WORKER_ERR_INVALID_DEVICE = 1,
  WORKER_ERR_VRAM_OOM = 2,
  WORKER_ERR_MODEL_LOAD_FAILED = 3,
  WORKER_ERR_INFERENCE_FAILED = 4,
  WORKER_ERR_INVALID_REQUEST = 5,
  WORKER_ERR_INVALID_PARAMETER = 5, /* the same under the name that suits a C function */
  WORKER_ERR_CUDA_ERROR = 6,
  WORKER_ERR_VRAM_RESIDENCY_FAILED = 7,
  WORKER_ERR_DEVICE_NOT_FOUND = 8,
  WORKER_ERR_INSUFFICIENT_VRAM = 9,
  WORKER_ERR_CONTEXT_OVERFLOW = 10,
  WORKER_ERR_CANCELLED = 11,
  WORKER_ERR_INFERENCE_TIMEOUT = 12,
  WORKER_ERR_BUFFER_TOO_SMALL = 13,
  WORKER_ERR_ABI_MISMATCH = 14,
  WORKER_ERR_WORKER_UNHEALTHY = 15,
  WORKER_ERR_INTERNAL = 99
};

/* Opaque. */
typedef struct CudaContext CudaContext;           /* a device */
typedef struct CudaModel CudaModel;               /* a model on it */
typedef struct GpuPointerMap GpuPointerMap;       /* weights that the caller loaded */
typedef struct InferenceResult InferenceResult;   /* one generation */
typedef struct InferenceContext InferenceContext; /* a bare session: a KV cache and a position */

/* Every struct begins with struct_size, set by the caller to sizeof; a size that this library does not know
 * is WORKER_ERR_ABI_MISMATCH. Members are only appended. */

/* WorkerSampling.flags, and those of worker_tokenize */
enum {
  WORKER_IGNORE_EOS = 1,    /* end tokens are ordinary tokens */
  WORKER_PARSE_SPECIAL = 2, /* special token text in a prompt becomes its id (never inside a chat message) */
  WORKER_CHAT = 4           /* the prompt is one user message, put into the model's chat format */
};

/* There are no defaults: every member counts. 56 bytes where pointers have 8. */
typedef struct WorkerSampling {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t max_tokens;      /* 1..context */
  uint32_t top_k;           /* 0..2147483647; 0, or the vocabulary and more: off */
  float temperature;        /* 0..2; 0: greedy */
  float top_p;              /* 0..1; 1: off */
  float min_p;              /* 0..1; 0: off */
  float repetition_penalty; /* above 0, at most 2; 1: off */
  uint64_t seed;
  const char* const* stop; /* n_stop strings of 1..100 bytes */
  uint32_t n_stop;         /* 0..4 */
  uint32_t reserved;       /* 0 */
} WorkerSampling;

/* Called while a model loads, on the loading thread, with bytes; anything but 0 ends it:
 * WORKER_ERR_CANCELLED. */
typedef int (*WorkerProgress)(void* user, uint64_t done, uint64_t total);

/* 40 bytes where pointers have 8 */
typedef struct WorkerLoadOptions {
  uint32_t struct_size;
  uint32_t max_context;              /* positions; 0: what kv_cache_bytes hold, or the model's */
  uint64_t kv_cache_bytes;           /* of keys and values; 0: what the context needs */
  const char* expected_architecture; /* "qwen2"; NULL: any. A file of another one is refused */
  WorkerProgress progress;           /* or NULL */
  void* user;                        /* handed to progress */
} WorkerLoadOptions;

/* What a file would say about weights that come by pointers. 64 bytes where pointers have 8 */
typedef struct WorkerModelConfig {
  uint32_t struct_size;
  uint32_t vocab; /* rows of token_embd.weight */
  uint32_t
      token_count; /* 1..vocab: ids from here on are padding and never drawn; the tokenizer has so many */
  uint32_t width;
  uint32_t layers;
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t head_dim;
  uint32_t ffn_width;
  uint32_t context;
  float norm_eps;
  float rope_base;
  const char* architecture;   /* "qwen2" */
  const char* tokenizer_gguf; /* a GGUF file whose tokenizer it uses, or NULL: there are no texts then */
} WorkerModelConfig;

/* 320 bytes */
typedef struct WorkerModelInfo {
  uint32_t struct_size;
  int32_t device;         /* -1: CPU */
  uint32_t vocab;         /* logits of a position */
  uint32_t context;       /* positions of a sequence, as loaded */
  uint32_t model_context; /* as the model has them */
  uint32_t width;
  uint32_t layers;
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t head_dim;
  uint32_t ffn_width;
  int32_t eos;            /* the first id that ends an answer; -1: no tokenizer */
  uint32_t has_tokenizer; /* 1: text functions work */
  uint32_t has_chat;      /* 1: WORKER_CHAT works */
  uint64_t parameters;
  char architecture[32]; /* these three end in NUL, cut where they are too long */
  char quant_kind[32];   /* the file's own label: "Q4_K_M"; "unknown" */
  char name[192];        /* general.name, or the file's stem; empty for weights by pointers */
} WorkerModelInfo;

/* ---- Any thread, never blocks. Texts are static, the last message valid until this thread's next call. ----
 */

/* Compare with WORKER_ABI_VERSION: (worker_abi_version() >> 16) must be equal, the rest at least as high. */
WORKER_API uint32_t worker_abi_version(void);
/* "kigo 0.1.0, cpu" */
WORKER_API const char* worker_build_info(void);
/* A sentence, and the name: "VRAM_OOM". Never NULL; "OK" for 0. */
WORKER_API const char* cuda_error_message(int code);
WORKER_API const char* worker_error_name(int code);
/* Of this thread's last failed call; 0 and "" when none has failed. */
WORKER_API int worker_last_error(void);
WORKER_API const char* worker_last_error_message(void);

/* ---- Device ---- */

/* GPUs; 0 without CUDA, driver or device, the reason in the last error. */
WORKER_API int cuda_get_device_count(void);
/* INVALID_DEVICE, DEVICE_NOT_FOUND, CUDA_ERROR. */
WORKER_API CudaContext* cuda_init(int device, int* err);
/* Memory of cuda_malloc_device() that no model uses goes with it. */
WORKER_API void cuda_destroy(CudaContext* context);
/* Of the device, or of the system; either pointer may be NULL. */
WORKER_API int worker_memory_info(CudaContext* context, uint64_t* free_b, uint64_t* total_b);
/* Eight bytes there and back, behind all earlier work. CUDA_ERROR. */
WORKER_API bool cuda_check_device_health(CudaContext* context, int* err);
/* What this library holds on the context's device now, of all contexts: models, sessions,
 * cuda_malloc_device(). */
WORKER_API uint64_t cuda_get_process_vram_usage(CudaContext* context);

/* ---- Model from a file ---- */

/* With the model's own context. *vram_bytes_used (or NULL) as cuda_get_vram_usage(). MODEL_LOAD_FAILED,
 * INSUFFICIENT_VRAM, CANCELLED, CUDA_ERROR; on an error everything is given back. */
WORKER_API CudaModel* cuda_load_model(CudaContext* context, const char* path, uint64_t* vram_bytes_used,
                                      int* err);
/* options may be NULL: all of it 0. */
WORKER_API CudaModel* worker_load_model(CudaContext* context, const char* path,
                                        const WorkerLoadOptions* options, uint64_t* vram_bytes_used,
                                        int* err);
WORKER_API void cuda_unload_model(CudaModel* model);
/* out->struct_size is set by the caller. */
WORKER_API int worker_model_info(CudaModel* model, WorkerModelInfo* out);
/* That all of its memory is where it was put: CUDA_ERROR, VRAM_RESIDENCY_FAILED. */
WORKER_API bool cuda_check_vram_residency(CudaModel* model, int* err);
/* Bytes of the weights; and of weights, KV caches and workspace at this moment. */
WORKER_API uint64_t cuda_model_get_vram_usage(CudaModel* model);
WORKER_API uint64_t cuda_get_vram_usage(CudaModel* model);

/* ---- Model from weights that the caller loaded ---- */

/* Aligned to 256 bytes; bytes >= 1. On the CPU it is memory of the host. VRAM_OOM. */
WORKER_API void* cuda_malloc_device(CudaContext* context, size_t bytes, int* err);
/* Memory that a map or a model uses lives until they are freed. */
WORKER_API void cuda_free_memory(CudaContext* context, void* ptr);
/* Within memory of cuda_malloc_device() the bounds are checked: INVALID_PARAMETER. */
WORKER_API int cuda_memcpy_host_to_device(CudaContext* context, void* dst, const void* src, size_t bytes);
WORKER_API int worker_memcpy_device_to_host(CudaContext* context, void* dst, const void* src, size_t bytes);
/* The tensors together may have total_bytes at most. */
WORKER_API GpuPointerMap* cuda_create_pointer_map(CudaContext* context, uint64_t total_bytes, int* err);
WORKER_API void cuda_free_pointer_map(GpuPointerMap* map);
/* One tensor as it stands in a GGUF file: its name, the number of its type, dims fastest first. Device memory
 * that is not from cuda_malloc_device() must outlive the model. Names are unique. */
WORKER_API int cuda_pointer_map_insert(GpuPointerMap* map, const char* name, void* ptr, uint32_t ggml_type,
                                       uint32_t n_dims, const uint64_t* dims);
/* The map may be freed afterwards. On the CPU the model reads the weights where they are; a GPU's kernels
 * want them repacked, so that it holds a copy of its own besides. MODEL_LOAD_FAILED names a tensor that is
 * missing, unknown or of another shape or type than the config says. options may be NULL. */
WORKER_API CudaModel* cuda_load_model_from_pointers(CudaContext* context, GpuPointerMap* map,
                                                    const WorkerModelConfig* config,
                                                    const WorkerLoadOptions* options, int* err);

/* ---- Text. *count and *bytes say what is needed, also with BUFFER_TOO_SMALL; the buffer is then untouched.
 * ---- */

/* flags: WORKER_PARSE_SPECIAL, WORKER_CHAT. With BOS and EOS where the model asks for them. */
WORKER_API int worker_tokenize(CudaModel* model, const char* text, size_t bytes, uint32_t flags,
                               uint32_t* ids, size_t capacity, size_t* count);
/* Always valid UTF-8, what is none as U+FFFD; control tokens give no text. No NUL is added. */
WORKER_API int worker_detokenize(CudaModel* model, const uint32_t* ids, size_t n, char* text, size_t capacity,
                                 size_t* bytes);

/* ---- One generation ---- */

/* As worker_inference_start with special tokens parsed and every filter off. */
WORKER_API InferenceResult* cuda_inference_start(CudaModel* model, const char* prompt, int max_tokens,
                                                 float temperature, uint64_t seed, int* err);
/* Checks everything and computes nothing yet; 1..131072 bytes. CONTEXT_OVERFLOW when the prompt leaves no
 * room. */
WORKER_API InferenceResult* worker_inference_start(CudaModel* model, const char* prompt, size_t bytes,
                                                   const WorkerSampling* sampling, int* err);
/* The model needs a tokenizer for this, too: the pieces are text. */
WORKER_API InferenceResult* worker_inference_start_tokens(CudaModel* model, const uint32_t* ids, size_t n,
                                                          const WorkerSampling* sampling, int* err);
/* true: the next piece of text, whole characters, ended by NUL, never empty (U+0000 in it is U+FFFD here;
 * worker_detokenize() has it); *token_index (or NULL) is the first generated token that it covers. false and
 * 0: finished. false and BUFFER_TOO_SMALL: nothing consumed, the message says how much is needed. false and
 * another code: over, as every later call will say again. */
WORKER_API bool cuda_inference_next_token(InferenceResult* result, char* token_out, int token_buffer_size,
                                          int* token_index, int* err);
/* All ids generated so far, also those of a stop string and those whose text is held. */
WORKER_API int worker_inference_ids(InferenceResult* result, uint32_t* ids, size_t capacity, size_t* count);
/* 0 running, or pieces left; 1 MAX_TOKENS 2 EOS 3 STOP_SEQUENCE 4 CONTEXT_FULL 5 failed or cancelled, or no
 * generation */
WORKER_API int worker_inference_stop_reason(InferenceResult* result);
/* From any thread; does not wait. The next piece that would have to be computed is CANCELLED. */
WORKER_API int worker_inference_cancel(InferenceResult* result);
WORKER_API void cuda_inference_free(InferenceResult* result);

/* ---- Bare session, for verification ---- */

/* max_context 0: the model's, as loaded. */
WORKER_API InferenceContext* cuda_inference_init(CudaModel* model, uint32_t max_context, int* err);
/* ids join the sequence; the logits [vocab] of the last one go to the host. On an error nothing has joined.
 */
WORKER_API int worker_inference_forward(InferenceContext* session, const uint32_t* ids, size_t n,
                                        float* logits, size_t capacity);
/* Forward of token_id, then one draw, of index 0, 1, ... since the start or the last reset. UINT32_MAX on an
 * error. */
WORKER_API uint32_t cuda_inference_generate_token(InferenceContext* session, uint32_t token_id,
                                                  float temperature, uint32_t top_k, float top_p,
                                                  uint64_t seed, int* err);
/* Position and draw index 0, the cache empty. */
WORKER_API void cuda_inference_reset(InferenceContext* session);
WORKER_API void cuda_inference_context_free(InferenceContext* session);

/* One draw from given logits [vocab], as a generation draws its token token_index: docs/worker.md, section 5.
 * history: the ids of prompt and output so far. Of sampling only the filters, temperature and seed count. NaN
 * or +inf among the logits is INFERENCE_FAILED. */
WORKER_API int cuda_sample_token(CudaContext* context, const float* host_logits, uint32_t vocab,
                                 const uint32_t* history, size_t n, const WorkerSampling* sampling,
                                 uint64_t token_index, uint32_t* id);

#ifdef __cplusplus
}
#endif

#endif
