// What the harness sees of this process's own code, in the order of the checkpoints of docs/faults.md: run
// with a fault switched on, it names the first checkpoint that is wrong.
//
// The truth of a probe comes from outside (golden data), or is made by the same code while its faults are
// suspended: that stands for the other side of a comparison, which does not have the fault.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

/// One check that went red.
struct Seen {
  char kind = 0;           // a letter of docs/faults.md, section 2
  std::string by;          // what was run: "d:tiny-q4_k_m"
  std::string checkpoint;  // the first that is wrong there
  int64_t position = -1;   // of the worst element, where there is one
  double over = 0;         // worst error as a share of its bound
};
using SeenAll = std::vector<Seen>;

// Each returns what it saw, nothing when all is well. Errors: golden data that cannot be read.
Result<SeenAll> probe_files();    // file:*, weight:*
Result<SeenAll> probe_blocks();   // golden blocks
Result<SeenAll> probe_text();     // tokens, text, stop
Result<SeenAll> probe_model();    // embed ... logits: prefill and 8 steps with forced tokens
Result<SeenAll> probe_sampler();  // sample:probs, sample:token

void append(SeenAll& all, SeenAll more);

/// All of them, one after another.
Result<SeenAll> probe_all();

/// `{"seen": [{"kind", "by", "checkpoint", ...}], "error": ...}`
Json probe_json(const Result<SeenAll>& seen);

}  // namespace kigo::tools
