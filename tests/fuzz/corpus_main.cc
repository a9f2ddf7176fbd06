// Runs a fuzz target over the files of a corpus, without libFuzzer: `gguf_corpus FOLDER`. A broken claim
// aborts.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/file_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    const auto map = kigo::FileMap::open(path);
    if (!map) {
      std::fprintf(stderr, "%s\n", map.error().message().c_str());
      return 1;
    }
    // A copy that ends where the file ends: the sanitizers see a read beyond it.
    const std::vector<std::byte> bytes(map->bytes().begin(), map->bytes().end());
    std::fprintf(stderr, "%s\n", path.c_str());  // the last line names the file that aborts
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("%zu files\n", paths.size());
  return paths.empty() ? 1 : 0;
}
