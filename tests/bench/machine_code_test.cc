// Hashes of functions in an ELF file that is made here, byte by byte.
#include "bench/machine_code.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/base/sha256.h"

namespace kigo::bench {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

template <class T>
void put(Bytes& file, size_t at, T value) {
  if (file.size() < at + sizeof value) file.resize(at + sizeof value);
  std::memcpy(&file[at], &value, sizeof value);
}

struct Section {
  std::string name;
  std::string contents;
};

/// A header of 64 bytes, the contents, the names, and the table of sections, the names' section last.
Bytes elf(std::vector<Section> sections) {
  std::string names(1, '\0');
  std::vector<uint32_t> name_at;
  sections.push_back({".shstrtab", ""});
  for (const Section& section : sections) {
    name_at.push_back(static_cast<uint32_t>(names.size()));
    names += section.name + '\0';
  }
  sections.back().contents = names;
  Bytes file =
      bytes(std::string("\x7F"
                        "ELF\x02\x01",
                        6));
  file.resize(64);
  std::vector<uint64_t> offsets;
  for (const Section& section : sections) {
    offsets.push_back(file.size());
    const Bytes contents = bytes(section.contents);
    file.insert(file.end(), contents.begin(), contents.end());
  }
  const uint64_t table = file.size();
  for (size_t i = 0; i < sections.size(); ++i) {
    put(file, table + 64 * i + 0x00, name_at[i]);
    put(file, table + 64 * i + 0x18, offsets[i]);
    put(file, table + 64 * i + 0x20, static_cast<uint64_t>(sections[i].contents.size()));
    put(file, table + 64 * i + 0x3F, uint8_t{0});
  }
  put(file, 0x28, table);
  put(file, 0x3A, uint16_t{64});
  put(file, 0x3C, static_cast<uint16_t>(sections.size()));
  put(file, 0x3E, static_cast<uint16_t>(sections.size() - 1));
  return file;
}

std::string hash(std::string_view code) { return sha256(bytes(code)).substr(0, 16); }

TEST(HashesOfFunctions, AreThoseOfTheirSections) {
  const auto hashes =
      hashes_of_functions(elf({{".nv.info", "x"}, {".text._Z3addv", "add"}, {".text._Z4ropev", "rope"}}));
  ASSERT_TRUE(hashes) << hashes.error().message();
  EXPECT_EQ(*hashes,
            (std::map<std::string, std::string>{{"_Z3addv", hash("add")}, {"_Z4ropev", hash("rope")}}));
}

TEST(HashesOfFunctions, ChangeWithTheCodeAlone) {
  const auto one = *hashes_of_functions(elf({{".text.f", "code"}}));
  const auto moved = *hashes_of_functions(elf({{".other", "bytes before it"}, {".text.f", "code"}}));
  const auto changed = *hashes_of_functions(elf({{".text.f", "Code"}}));
  EXPECT_EQ(one, moved);
  EXPECT_NE(one, changed);
}

TEST(HashesOfFunctions, RefusesWhatIsNoElfFile) {
  EXPECT_FALSE(hashes_of_functions({}));
  EXPECT_FALSE(hashes_of_functions(Bytes(200)));
  const Bytes good = elf({{".text.f", "code"}});
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(hashes_of_functions(std::span(good).first(size))) << size;
  Bytes far = good;
  put(far, 0x28, ~uint64_t{0} - 10);  // a table beyond all addresses
  EXPECT_FALSE(hashes_of_functions(far));
}

TEST(MachineCode, HashesFunctionsWhateverTheirOrder) {
  const MachineCode code({{"f", "11"}, {"g", "22"}, {"h", "33"}});
  const std::vector<std::string> fg{"f", "g"}, gf{"g", "f", "g"}, fh{"f", "h"}, unknown{"cublas"},
      with{"f", "g", "cublas"};
  EXPECT_EQ(code.hash_of(fg), code.hash_of(gf));
  EXPECT_NE(code.hash_of(fg), code.hash_of(fh));
  EXPECT_EQ(code.hash_of(with), code.hash_of(fg));
  EXPECT_EQ(code.hash_of(unknown), "");
  EXPECT_EQ(MachineCode().hash_of(fg), "");
}

}  // namespace
}  // namespace kigo::bench
