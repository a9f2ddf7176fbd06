/* include/kigo_capture.h as C99: one call with two checkpoints, and a step. */
#include "include/kigo_capture.h"

int kigo_write_capture_in_c(const char* path);
int kigo_write_capture_in_c(const char* path) {
  const uint32_t tokens[] = {5, 17, 88};
  const size_t calls[] = {2, 1};
  const size_t rows[] = {2, 4}, logits[] = {1, 3};
  const float embed[] = {1, 2, 3, 4, -5, 6.5F, 7, 8};
  const double last[] = {0.1, 0.2, 0.3};
  kigo_capture capture;
  kigo_capture_open(&capture, path, "an engine in C", "abc", tokens, 3, calls, 2);
  kigo_capture_add(&capture, 0, "embed", "F32", rows, 2, embed);
  kigo_capture_add(&capture, 1, "logits", "F64", logits, 2, last);
  return kigo_capture_close(&capture);
}
