/* Streams a haiku through libkigo, then asks `kigo generate` for the same and compares the ids.
 *
 *   cc -std=c11 -Itools/ffi examples/c/haiku.c -Lbuild/cpu/lib -lkigo -Wl,-rpath,$PWD/build/cpu/lib -o haiku
 *   ./haiku golden/haiku/haiku-q4_k_m.gguf build/cpu/tools/kigo [DEVICE]
 *
 * DEVICE is -1 (the CPU) unless given. Exit status: 0 the ids are equal, 1 anything else. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker_ffi.h"

enum { kMaxTokens = 100 };

static const char kPrompt[] =
    "Write a haiku about GPU computing that includes the word \"six\" (nonce: 4fk2wq8z)";

/* Ends the program with what the library said. */
static void check(int code, const char* what) {
  if (code == WORKER_OK) return;
  fprintf(stderr, "%s: %s: %s\n", what, worker_error_name(code), worker_last_error_message());
  exit(1);
}

/* Prints the haiku as it comes, and returns how many ids it had. */
static size_t stream(CudaModel* model, uint32_t ids[kMaxTokens]) {
  WorkerSampling sampling = {.struct_size = sizeof sampling,
                             .flags = WORKER_CHAT,
                             .max_tokens = kMaxTokens,
                             .top_p = 1,
                             .repetition_penalty = 1};
  int err = 0;
  InferenceResult* result = worker_inference_start(model, kPrompt, strlen(kPrompt), &sampling, &err);
  check(err, "start");
  char piece[256];
  while (cuda_inference_next_token(result, piece, (int)sizeof piece, NULL, &err)) {
    fputs(piece, stdout);
    fflush(stdout);
  }
  check(err, "next token");
  size_t count = 0;
  check(worker_inference_ids(result, ids, kMaxTokens, &count), "ids");
  printf("\n[%zu tokens, stop reason %d]\n", count, worker_inference_stop_reason(result));
  cuda_inference_free(result);
  return count;
}

/* The ids of `kigo generate --json`: the numbers of its "ids". */
static size_t ids_of_the_program(const char* program, const char* model, int device,
                                 uint32_t ids[kMaxTokens]) {
  char command[4096];
  char where[64] = "--backend cpu";
  if (device >= 0) snprintf(where, sizeof where, "--backend cuda --device %d", device);
  snprintf(command, sizeof command, "'%s' generate -m '%s' %s -t 0 -n %d --json --chat '%s'", program, model,
           where, (int)kMaxTokens, kPrompt);
  FILE* pipe = popen(command, "r");
  static char json[1 << 16];
  const size_t size = pipe == NULL ? 0 : fread(json, 1, sizeof json - 1, pipe);
  json[size] = '\0';
  if (pipe == NULL || pclose(pipe) != 0) {
    fprintf(stderr, "failed: %s\n", command);
    exit(1);
  }
  const char* at = strstr(json, "\"ids\": [");
  size_t count = 0;
  for (at = at == NULL ? "" : at + strlen("\"ids\": ["); count < kMaxTokens; ++count) {
    char* end = NULL;
    ids[count] = (uint32_t)strtoul(at, &end, 10);
    if (end == at) break;
    at = *end == ',' ? end + 1 : end;
  }
  return count;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s MODEL.gguf KIGO_PROGRAM [DEVICE]\n", argv[0]);
    return 1;
  }
  if (worker_abi_version() >> 16 != WORKER_ABI_VERSION >> 16 || worker_abi_version() < WORKER_ABI_VERSION) {
    fprintf(stderr, "libkigo has ABI %#x, this program %#x\n", worker_abi_version(), WORKER_ABI_VERSION);
    return 1;
  }
  const int device = argc > 3 ? atoi(argv[3]) : -1;
  int err = 0;
  CudaContext* context = cuda_init(device, &err);
  check(err, "device");
  CudaModel* model = cuda_load_model(context, argv[1], NULL, &err);
  check(err, "model");

  uint32_t found[kMaxTokens];
  const size_t found_count = stream(model, found);
  cuda_unload_model(model);
  cuda_destroy(context);

  uint32_t expected[kMaxTokens];
  const size_t expected_count = ids_of_the_program(argv[2], argv[1], device, expected);
  const bool same = found_count > 0 && found_count == expected_count &&
                    memcmp(found, expected, found_count * sizeof *found) == 0;
  printf("%s: %zu ids of the library, %zu of kigo generate\n", same ? "equal" : "DIFFERENT", found_count,
         expected_count);
  return same ? 0 : 1;
}
