// Writes the reader's specimens into a folder, where the fuzzer begins: `gguf_seeds FOLDER`.
#include <cstdio>
#include <filesystem>

#include "core/base/file_map.h"
#include "tests/core/gguf/specimens.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: gguf_seeds FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  for (const auto& specimen : kigo::gguf::test::specimens()) {
    if (const auto status = kigo::write_file(folder / (specimen.name + ".gguf"), specimen.bytes); !status) {
      std::fprintf(stderr, "%s\n", status.error().message().c_str());
      return 1;
    }
  }
  return 0;
}
