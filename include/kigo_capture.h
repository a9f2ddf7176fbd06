/* Writes a capture for `kigo compare`: the checkpoints of a run in one safetensors file (docs/captures.md).
 *
 * One header, C99 or C++, no dependency. For a little-endian machine.
 *
 *   kigo_capture capture;
 *   size_t calls[] = {5, 1};                          // a prompt of 5 tokens, then one step
 *   if (!kigo_capture_open(&capture, "run.safetensors", "my engine", NULL, tokens, 6, calls, 2)) ...
 *   size_t shape[] = {5, 14, 64};                     // [tokens, heads, head_dim]
 *   kigo_capture_add(&capture, 0, "blk.0.attn_q", "F32", shape, 3, host_pointer);
 *   if (!kigo_capture_close(&capture)) ...            // after it the file is whole, or not there
 *
 * Every function returns 1, or 0 after a failure; capture.error then says what went wrong, and all later
 * calls but close do nothing. Close must always be called. Data are written at once; only names are kept. */
#ifndef KIGO_CAPTURE_H
#define KIGO_CAPTURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct kigo_capture {
  FILE* data; /* path + ".data", until close */
  char* path; /* of the capture, then of that file behind it */
  char* head; /* JSON, without its last brace */
  size_t head_length;
  size_t head_room;
  uint64_t written;  /* bytes of data */
  const char* error; /* a constant text; NULL while all is well */
} kigo_capture;

static inline int kigo_capture_fail(kigo_capture* c, const char* error) {
  if (c->error == NULL) c->error = error;
  return 0;
}

static inline int kigo_capture_text(kigo_capture* c, const char* text) {
  const size_t length = strlen(text);
  if (c->error != NULL) return 0;
  if (c->head_length + length + 1 > c->head_room) {
    const size_t room = 2 * (c->head_length + length + 1);
    char* head = (char*)realloc(c->head, room);
    if (head == NULL) return kigo_capture_fail(c, "no memory for the head");
    c->head = head;
    c->head_room = room;
  }
  memcpy(c->head + c->head_length, text, length + 1);
  c->head_length += length;
  return 1;
}

static inline int kigo_capture_number(kigo_capture* c, uint64_t number, const char* behind) {
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  return kigo_capture_text(c, text) && kigo_capture_text(c, behind);
}

/* A string between quotes; only printable ASCII without quotes and backslashes is taken. */
static inline int kigo_capture_string(kigo_capture* c, const char* text, const char* behind) {
  const char* at;
  for (at = text; *at != '\0'; ++at)
    if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
      return kigo_capture_fail(c,
                               "a text with quotes, backslashes or characters that are not printable ASCII");
  return kigo_capture_text(c, "\"") && kigo_capture_text(c, text) && kigo_capture_text(c, "\"") &&
         kigo_capture_text(c, behind);
}

/* `model_sha256` may be NULL. `calls` are the numbers of tokens that passed together; they add up to `count`.
 */
static inline int kigo_capture_open(kigo_capture* c, const char* path, const char* engine,
                                    const char* model_sha256, const uint32_t* tokens, size_t count,
                                    const size_t* calls, size_t call_count) {
  const size_t length = strlen(path);
  size_t i, sum = 0;
  memset(c, 0, sizeof *c);
  for (i = 0; i < call_count; ++i) sum += calls[i];
  if (sum != count || count == 0) return kigo_capture_fail(c, "calls that do not add up to the tokens");
  c->path = (char*)malloc(2 * length + 8);
  if (c->path == NULL) return kigo_capture_fail(c, "no memory for the path");
  memcpy(c->path, path, length + 1);
  memcpy(c->path + length + 1, path, length);
  memcpy(c->path + 2 * length + 1, ".data", 6);
  kigo_capture_text(c, "{\"__metadata__\":{\"format\":\"kigo-capture 1\",\"engine\":");
  kigo_capture_string(c, engine, ",\"tokens\":\"");
  for (i = 0; i < count; ++i) kigo_capture_number(c, tokens[i], i + 1 < count ? "," : "\",\"calls\":\"");
  for (i = 0; i < call_count; ++i) kigo_capture_number(c, calls[i], i + 1 < call_count ? "," : "\"");
  if (model_sha256 != NULL) {
    kigo_capture_text(c, ",\"model_sha256\":");
    kigo_capture_string(c, model_sha256, "");
  }
  kigo_capture_text(c, "}");
  if (c->error != NULL) return 0;
  c->data = fopen(c->path + length + 1, "w+b");
  return c->data != NULL ? 1 : kigo_capture_fail(c, "cannot create the file of data");
}

/* One checkpoint of one call (0 is the first): rows one after another, slowest axis first. `type` is "F32",
 * "F16", "BF16" or "F64". */
static inline int kigo_capture_add(kigo_capture* c, size_t call, const char* name, const char* type,
                                   const size_t* shape, size_t axes, const void* values) {
  uint64_t bytes = strcmp(type, "F64") == 0                                ? 8
                   : strcmp(type, "F32") == 0                              ? 4
                   : strcmp(type, "F16") == 0 || strcmp(type, "BF16") == 0 ? 2
                                                                           : 0;
  char prefix[40] = "";
  size_t i;
  if (c->error != NULL) return 0;
  if (bytes == 0) return kigo_capture_fail(c, "a type that is not F64, F32, F16 or BF16");
  if (axes < 2) return kigo_capture_fail(c, "a shape of fewer than two axes");
  if (call != 0) snprintf(prefix, sizeof prefix, ",\"call.%llu.", (unsigned long long)call);
  kigo_capture_text(c, call != 0 ? prefix : ",\"");
  kigo_capture_text(c, name);
  kigo_capture_text(c, "\":{\"dtype\":");
  kigo_capture_string(c, type, ",\"shape\":[");
  for (i = 0; i < axes; ++i) {
    bytes *= shape[i];
    kigo_capture_number(c, shape[i], i + 1 < axes ? "," : "],\"data_offsets\":[");
  }
  kigo_capture_number(c, c->written, ",");
  kigo_capture_number(c, c->written + bytes, "]}");
  if (c->error != NULL) return 0;
  if (bytes != 0 && fwrite(values, 1, (size_t)bytes, c->data) != bytes)
    return kigo_capture_fail(c, "cannot write data");
  c->written += bytes;
  return 1;
}

/* Head and data into a file of their own. */
static inline int kigo_capture_join(kigo_capture* c, FILE* file) {
  char block[4096];
  uint64_t left = c->written;
  unsigned char length[8];
  size_t i;
  for (i = 0; i < 8; ++i) length[i] = (unsigned char)((uint64_t)c->head_length >> (8 * i));
  if (fwrite(length, 1, 8, file) != 8 || fwrite(c->head, 1, c->head_length, file) != c->head_length)
    return kigo_capture_fail(c, "cannot write the head");
  rewind(c->data);
  while (left != 0) {
    const size_t some = left < sizeof block ? (size_t)left : sizeof block;
    if (fread(block, 1, some, c->data) != some || fwrite(block, 1, some, file) != some)
      return kigo_capture_fail(c, "cannot copy data");
    left -= some;
  }
  return 1;
}

static inline int kigo_capture_close(kigo_capture* c) {
  FILE* file = NULL;
  kigo_capture_text(c, "}");
  if (c->error == NULL && fflush(c->data) != 0) kigo_capture_fail(c, "cannot write data");
  if (c->error == NULL && (file = fopen(c->path, "wb")) == NULL)
    kigo_capture_fail(c, "cannot create the file");
  if (file != NULL) {
    kigo_capture_join(c, file);
    if (fclose(file) != 0) kigo_capture_fail(c, "cannot write the file");
    if (c->error != NULL) remove(c->path);
  }
  if (c->data != NULL) {
    fclose(c->data);
    remove(c->path + strlen(c->path) + 1);
  }
  free(c->path);
  free(c->head);
  c->data = NULL;
  c->path = c->head = NULL;
  return c->error == NULL;
}

#endif
