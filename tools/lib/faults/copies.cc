#include "tools/lib/faults/copies.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/faults/child.h"

namespace kigo::tools {
namespace {

namespace fs = std::filesystem;

constexpr double kLimit_s = 60;

/// What is copied, where a text is replaced, and what is then run in the copy.
struct Change {
  std::string_view fault;
  std::vector<std::string> parts;  // of the source tree
  std::string file;                // in the copy
  std::string from, to;            // from: the first occurrence; empty: `to` is appended
  std::vector<std::string> check;  // arguments of python3, run in the copy
  std::string kinds, by, checkpoint;
};

std::vector<Change> changes() {
  return {
      {"F80",
       {"core", "reference", "ci"},
       "reference/rope.cc",
       "#include \"reference/rope.h\"\n",
       "#include \"reference/rope.h\"\n#include \"kernels/rope.h\"\n",
       {"ci/layers.py", "."},
       "u",
       "ci/layers.py",
       "harness:layers"},
      {"F81",
       {"ci"},
       "ci/summary.py",
       "outcome = \"skipped\"",
       "outcome = \"passed\"",
       {"ci/summary.py", "--self-test"},
       "u",
       "ci/summary.py",
       "harness:count"},
      {"F83",
       {"golden"},
       "golden/logits/tiny-q4_k_m.transformers.npy",
       "",
       "rewritten",
       {"golden/make/manifest.py", "--check"},
       "ug",
       "golden/make/manifest.py",
       "harness:golden"},
  };
}

bool copy(const Change& change, const std::string& folder) {
  std::error_code error;
  for (const std::string& part : change.parts) {
    fs::copy(cat(KIGO_SOURCE_FOLDER, "/", part), cat(folder, "/", part), fs::copy_options::recursive, error);
    if (error) return false;
  }
  return true;
}

bool apply(const Change& change, const std::string& folder) {
  const std::string path = cat(folder, "/", change.file);
  auto text = read_text_file(path);
  if (!text) return false;
  const size_t at = change.from.empty() ? text->size() : text->find(change.from);
  if (at == std::string::npos) return false;
  text->replace(at, change.from.size(), change.to);
  std::ofstream changed(path, std::ios::binary);  // write_file() refuses golden data, also in a copy
  changed << *text;
  return changed.flush().good();
}

Ended check(const Change& change, const std::string& folder) {
  std::vector<std::string> argv{"env", "-C", folder, "python3"};
  argv.insert(argv.end(), change.check.begin(), change.check.end());
  return run_child(argv, {}, kLimit_s);
}

}  // namespace

CopyResult run_on_copy(std::string_view fault) {
  for (const Change& change : changes()) {
    if (change.fault != fault) continue;
    const TemporaryFolder folder;
    CopyResult result{false, false, change.kinds, change.by, change.checkpoint, {}};
    if (!copy(change, folder.path())) {
      result.detail = "the tree cannot be copied";
      return result;
    }
    if (const Ended clean = check(change, folder.path()); clean.exit != 0) {
      result.detail = cat("not green on a faithful copy: ", clean.out.substr(0, 200));
      return result;
    }
    if (!apply(change, folder.path())) {
      result.detail = cat(change.file, ": the line to change is not there");
      return result;
    }
    const Ended faulty = check(change, folder.path());
    result.possible = !faulty.crashed() && faulty.exit != 127;
    result.red = result.possible && faulty.exit != 0;
    return result;
  }
  return {};
}

}  // namespace kigo::tools
